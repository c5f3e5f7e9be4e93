"""`/api/v1/sites`: what Plausible's Sites API has of what there is here.

Sites and goals; the answers are Plausible's. See https://plausible.io/docs/sites-api.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Literal, TypeVar

import msgspec
from flask import Blueprint, Response, jsonify, request

from page_tracker.errors import UnknownGoalError
from page_tracker.sites.goal import Goal, new_goal, with_goal, without_goal
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, allows
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.sites import admitted_site, json_object
from page_tracker.web.token_guard import Guard, Refused, forbidden

_USUAL_LIMIT = 100
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


_T = TypeVar("_T", bound=msgspec.Struct)


class _NewSite(msgspec.Struct):
    """What a new site is made of; what else Plausible takes is not looked at."""

    domain: str
    timezone: str = "UTC"


class _OfSite(msgspec.Struct):
    """What names a site."""

    site_id: str = ""


class _NewGoal(msgspec.Struct):
    """A goal in Plausible's words."""

    site_id: str
    goal_type: Literal["event", "page"]
    event_name: str = ""
    page_path: str = ""
    display_name: str = ""
    custom_props: dict[str, Any] = {}


def sites_v1_api(sites: Callable[[], Sites], guard: Guard) -> Blueprint:
    """The routes; they need an admin's token."""
    blueprint = Blueprint("sites_v1", __name__, url_prefix="/api/v1/sites")
    register_failures(blueprint)
    _register_sites(blueprint, sites, guard)
    _register_goals(blueprint, sites, guard)
    return blueprint


def _register_sites(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: Guard
) -> None:
    @blueprint.get("")
    def list_sites() -> Response:
        token = guard.token()
        if token.scope is not Scope.ADMIN:
            raise forbidden(token)
        mine = [each for each in sites().all() if allows(token, Scope.ADMIN, each.id)]
        listed = [{"domain": each.id, "timezone": each.timezone} for each in mine]
        return jsonify(sites=listed, meta=_one_page(len(listed)))

    @blueprint.post("")
    def add_site() -> Response:
        guard.admit(Scope.ADMIN, None)
        said = _said(_NewSite)
        settings = {"timezone": said.timezone}
        return jsonify(_as_json(sites().add(said.domain, settings)))

    @blueprint.get("/<site_id>")
    def show_site(site_id: str) -> Response:
        return jsonify(_as_json(sites().get(admitted_site(guard, sites(), site_id))))


def _register_goals(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: Guard
) -> None:
    @blueprint.get("/goals")
    def list_goals() -> Response:
        named = request.args.get("site_id", "")
        site = sites().get(admitted_site(guard, sites(), named))
        goals = [_goal_as_json(goal) for goal in site.goals]
        return jsonify(goals=goals, meta=_one_page(len(goals)))

    @blueprint.put("/goals")
    def put_goal() -> Response:
        """Add a goal, or leave the one that is the same."""
        guard.token()
        said = _said(_NewGoal)
        site_id = admitted_site(guard, sites(), said.site_id)
        goal = new_goal(_wanted(said))
        sites().put_goals(site_id, lambda goals: with_goal(goals, goal))
        return jsonify(domain=site_id, **_goal_as_json(goal))

    @blueprint.delete("/goals/<goal_id>")
    def remove_goal(goal_id: str) -> Response:
        guard.token()
        named = request.args.get("site_id") or _said(_OfSite).site_id
        site_id = admitted_site(guard, sites(), named)
        sites().put_goals(site_id, lambda goals: _without(goals, goal_id))
        return jsonify(deleted="true")


def _said(kind: type[_T]) -> _T:
    """What the body says: JSON, or a form, as Plausible takes both. Raises Refused."""
    body = dict(request.form) if request.mimetype in FORMS else json_object()
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Refused(400, str(error)) from error


def _wanted(said: _NewGoal) -> dict[str, Any]:
    """A goal in our words."""
    is_event = said.goal_type == "event"
    what = {"event": said.event_name} if is_event else {"page": said.page_path}
    return {**what, "name": said.display_name, "props": said.custom_props}


def _without(goals: tuple[Goal, ...], goal_id: str) -> tuple[Goal, ...]:
    for goal in goals:
        if id_of(goal) == goal_id:
            return without_goal(goals, goal.name)
    raise UnknownGoalError(
        f"there is no goal {goal_id[:100]!r}", "name one by the id that the list has"
    )


def id_of(goal: Goal) -> str:
    """A number that is always the same for a goal of this name."""
    digest = blake2b(goal.name.encode("utf-8", "surrogatepass"), digest_size=6)
    return str(int.from_bytes(digest.digest(), "big"))


def _goal_as_json(goal: Goal) -> dict[str, Any]:
    return {
        "id": id_of(goal),
        "goal_type": "event" if goal.event else "page",
        "display_name": goal.name,
        "event_name": goal.event or None,
        "page_path": goal.page or None,
        "custom_props": dict(goal.props),
    }


def _as_json(site: Site) -> dict[str, Any]:
    return {"domain": site.id, "timezone": site.timezone, "custom_properties": []}


def _one_page(number: int) -> dict[str, Any]:
    """What Plausible says of a page: here the first one has all."""
    return {"after": None, "before": None, "limit": max(number, _USUAL_LIMIT)}
