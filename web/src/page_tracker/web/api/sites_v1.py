"""`/api/v1/sites`: what Plausible's Sites API has of what there is here.

Sites and goals; the answers are Plausible's. See https://plausible.io/docs/sites-api.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from flask import Blueprint, Response, jsonify, request

from page_tracker.errors import SiteError, UnknownGoalError
from page_tracker.sites.goal import Goal, new_goal, with_goal, without_goal
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, allows
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.sites import admitted_site, json_object
from page_tracker.web.token_guard import Guard, forbidden

_USUAL_LIMIT = 100
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


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
        said = _said()
        zone = said.get("timezone") or "UTC"
        return jsonify(_as_json(sites().add(said.get("domain"), {"timezone": zone})))

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
        said = _said()
        site_id = admitted_site(guard, sites(), str(said.get("site_id", "")))
        goal = new_goal(_wanted(said))
        sites().put_goals(site_id, lambda goals: with_goal(goals, goal))
        return jsonify(domain=site_id, **_goal_as_json(goal))

    @blueprint.delete("/goals/<goal_id>")
    def remove_goal(goal_id: str) -> Response:
        guard.token()
        named = request.args.get("site_id") or _said().get("site_id", "")
        site_id = admitted_site(guard, sites(), str(named))
        sites().put_goals(site_id, lambda goals: _without(goals, goal_id))
        return jsonify(deleted="true")


def _said() -> dict[str, Any]:
    """What the body says: JSON, or a form, as Plausible takes both. Raises Refused."""
    return dict(request.form) if request.mimetype in FORMS else json_object()


def _wanted(said: dict[str, Any]) -> dict[str, Any]:
    """A goal in our words. Raises SiteError."""
    kinds = {"event": "event_name", "page": "page_path"}
    kind = said.get("goal_type")
    if kind not in kinds:
        raise SiteError("goal_type", "is none", "write event or page")
    wanted = {kind: said.get(kinds[kind]), "props": said.get("custom_props") or {}}
    name = said.get("display_name")
    return wanted | {"name": name} if name else wanted


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
