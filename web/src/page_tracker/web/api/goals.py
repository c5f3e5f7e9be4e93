"""`/api/sites/<site>/goals` and `/segments`: what is asked about again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify

from page_tracker.errors import SiteError
from page_tracker.query.filters import segment_filters
from page_tracker.query.problem import QueryError
from page_tracker.sites.goal import (
    Segment,
    goal_as_json,
    new_goal,
    with_goal,
    with_segment,
    without_goal,
    without_segment,
)
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.sites import admitted_site, json_object
from page_tracker.web.path_converter import add_converters
from page_tracker.web.token_guard import Guard


def goals_api(sites: Callable[[], Sites], guard: Guard) -> Blueprint:
    """The routes; they need an admin's token for the site."""
    blueprint = Blueprint("goals", __name__, url_prefix="/api/sites/<domain>")
    register_failures(blueprint)
    blueprint.record(add_converters)
    _register_goals(blueprint, sites, guard)
    _register_segments(blueprint, sites, guard)
    return blueprint


def _register_goals(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: Guard
) -> None:
    @blueprint.get("/goals")
    def list_goals(domain: str) -> Response:
        site = sites().get(admitted_site(guard, sites(), domain))
        return jsonify(goals=[goal_as_json(goal) for goal in site.goals])

    @blueprint.post("/goals")
    def add_goal(domain: str) -> tuple[Response, int]:
        """Add a goal, or replace the one with its name."""
        site_id = admitted_site(guard, sites(), domain)
        goal = new_goal(json_object())
        sites().put_goals(site_id, lambda goals: with_goal(goals, goal))
        return jsonify(goal_as_json(goal)), 201

    @blueprint.delete("/goals/<anything:name>", merge_slashes=False)
    def remove_goal(domain: str, name: str) -> tuple[str, int]:
        site_id = admitted_site(guard, sites(), domain)
        sites().put_goals(site_id, lambda goals: without_goal(goals, name))
        return "", 204


def _register_segments(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: Guard
) -> None:
    @blueprint.get("/segments")
    def list_segments(domain: str) -> Response:
        site = sites().get(admitted_site(guard, sites(), domain))
        return jsonify(segments=[_as_json(each) for each in site.segments])

    @blueprint.post("/segments")
    def add_segment(domain: str) -> tuple[Response, int]:
        site_id = admitted_site(guard, sites(), domain)
        said = json_object()
        if unknown := sorted(set(said) - {"name", "filters"}):
            raise SiteError(unknown[0][:100], "is unknown", "write name and filters")
        filters = _filters(said.get("filters"))
        site = sites().put_segments(
            site_id, lambda known: with_segment(known, said.get("name"), filters)
        )
        return jsonify(_as_json(site.segments[-1])), 201

    @blueprint.delete("/segments/<int:number>")
    def remove_segment(domain: str, number: int) -> tuple[str, int]:
        site_id = admitted_site(guard, sites(), domain)
        sites().put_segments(site_id, lambda known: without_segment(known, number))
        return "", 204


def _filters(value: Any) -> list[Any]:
    """A segment's filters. Raises SiteError."""
    try:
        return segment_filters(value)
    except QueryError as error:
        raise SiteError(
            error.pointer, error.problem, "write a question's filters"
        ) from error


def _as_json(segment: Segment) -> dict[str, Any]:
    return msgspec.structs.asdict(segment)
