"""`/api/v1/sites`: what Plausible's Sites API has of what there is here.

Sites, goals, properties and guests; the answers are Plausible's. See
https://plausible.io/docs/sites-api.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from flask import Blueprint, Response, current_app, jsonify

from page_tracker.errors import UnknownGoalError
from page_tracker.sites.goal import Goal, new_goal, with_goal, without_goal
from page_tracker.sites.shared_link import link_named, new_link, path_of, with_link
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, allows
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.sites import (
    RunningDeletion,
    admitted_site,
    token_in_words,
)
from page_tracker.web.api.sites_v1_guests import GuestServices, register_guests
from page_tracker.web.api.sites_v1_requests import one_page, said, site_named
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.path_converter import add_converters
from page_tracker.web.token_guard import Guard, Refused, forbidden

if TYPE_CHECKING:  # loaded with the first that is asked
    from page_tracker.query.ask import Asking

# What `/js/pa-….js` does by itself; a page sets all else up by `plausible.init(…)`.
SCRIPT = {
    "installation_type": "manual",
    "track_404_pages": False,
    "hash_based_routing": False,
    "outbound_links": True,
    "file_downloads": True,
    "revenue_tracking": True,
    "tagged_events": True,
    "form_submissions": True,
    "pageview_props": True,
}


class _NewSite(msgspec.Struct):
    """What a new site is made of; what else Plausible takes is not looked at."""

    domain: str
    timezone: str = "UTC"


class _NewLink(msgspec.Struct):
    """A link that shows a site's page."""

    site_id: str
    name: str


class _NewProperty(msgspec.Struct):
    """A property of events."""

    site_id: str
    property: str


class _ChangedSite(msgspec.Struct):
    """What of a site changes: its domain, or how its script is set up."""

    domain: str = ""


class _NewGoal(msgspec.Struct):
    """A goal in Plausible's words."""

    site_id: str
    goal_type: Literal["event", "page"]
    event_name: str = ""
    page_path: str = ""
    display_name: str = ""
    custom_props: dict[str, Any] = {}


def sites_v1_api(
    sites: Callable[[], Sites],
    asking: Callable[[], Asking],
    deletion_of: Callable[[str], RunningDeletion],
    people: GuestServices,
    guard: Guard,
) -> Blueprint:
    """The routes; they need an admin's token."""
    blueprint = Blueprint("sites_v1", __name__, url_prefix="/api/v1/sites")
    blueprint.record(add_converters)
    register_failures(blueprint)
    _register_sites(blueprint, sites, deletion_of, guard)
    _register_goals(blueprint, sites, guard)
    _register_properties(blueprint, sites, asking, guard)
    register_guests(blueprint, sites, people, guard)
    _register_shared_links(blueprint, sites, people.address_of, guard)
    return blueprint


def _register_sites(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    deletion_of: Callable[[str], RunningDeletion],
    guard: Guard,
) -> None:
    @blueprint.get("")
    def list_sites() -> Response:
        token = guard.token()
        if token.scope is not Scope.ADMIN:
            raise forbidden(token)
        mine = [each for each in sites().all() if allows(token, Scope.ADMIN, each.id)]
        listed = [{"domain": each.id, "timezone": each.timezone} for each in mine]
        return one_page("sites", listed)

    @blueprint.post("")
    def add_site() -> Response:
        guard.admit(Scope.ADMIN, None)
        wanted = said(_NewSite)
        settings = {"timezone": wanted.timezone}
        return jsonify(_as_json(sites().add(wanted.domain, settings)))

    @blueprint.get("/teams")
    def list_teams() -> Response:
        """None: accounts have roles for sites instead."""
        token = guard.token()
        if token.scope is not Scope.ADMIN:
            raise forbidden(token)
        return one_page("teams", [])

    @blueprint.get("/<site:site_id>")
    def show_site(site_id: str) -> Response:
        return jsonify(_as_json(sites().get(admitted_site(guard, sites(), site_id))))

    @blueprint.put("/<site:site_id>")
    def change_site(site_id: str) -> Response:
        """Count the hits of another domain for the site; the site keeps its name."""
        token, wanted = guard.token(), said(_ChangedSite)
        site = sites().get(admitted_site(guard, sites(), site_id))
        if wanted.domain and sites().directory().resolve(wanted.domain) != site:
            guard.admit(Scope.ADMIN, None)  # other sites would lose that host
            hosts = [*site.hostnames, wanted.domain]
            by = token_in_words(token)
            site = sites().change(site.id, {"hostnames": hosts}, by=by)
        return jsonify(_as_json(site))

    @blueprint.delete("/<site:site_id>")
    def remove_site(site_id: str) -> Response:
        """Delete a site with all of its hits; answers once they are gone."""
        deletion = deletion_of(admitted_site(guard, sites(), site_id))
        deletion.count()
        deletion.run(current_app.logger.debug)
        return jsonify(deleted="true")


def _register_goals(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: Guard
) -> None:
    @blueprint.get("/goals")
    def list_goals() -> Response:
        site = sites().get(site_named(guard, sites))
        return one_page("goals", [_goal_as_json(goal) for goal in site.goals])

    @blueprint.put("/goals")
    def put_goal() -> Response:
        """Add a goal, or leave the one that is the same."""
        guard.token()
        sent = said(_NewGoal)
        site_id = site_named(guard, sites, sent.site_id)
        goal = new_goal(_wanted(sent))
        sites().put_goals(site_id, lambda goals: with_goal(goals, goal))
        return jsonify(domain=site_id, **_goal_as_json(goal))

    @blueprint.delete("/goals/<goal_id>")
    def remove_goal(goal_id: str) -> Response:
        site_id = site_named(guard, sites)
        sites().put_goals(site_id, lambda goals: _without(goals, goal_id))
        return jsonify(deleted="true")


def _register_properties(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    asking: Callable[[], Asking],
    guard: Guard,
) -> None:
    @blueprint.get("/custom-props")
    def list_properties() -> Response:
        """Those that events of the site have, those of most events first."""
        site, budget = site_named(guard, sites), asking().budget(is_wanted())
        days = asking().days(site, budget)
        found = asking().property_keys(site, days, budget) if days else []
        keys = dict.fromkeys(each.key for each in found)
        return one_page("custom_properties", [{"property": key} for key in keys])

    @blueprint.put("/custom-props")
    def put_property() -> Response:
        """Nothing has to be done: a property is there as soon as an event has it."""
        guard.token()
        site_named(guard, sites, said(_NewProperty).site_id)
        return jsonify(created=True)

    @blueprint.delete("/custom-props/<path:name>")
    def remove_property(name: str) -> Response:
        site_named(guard, sites)
        raise Refused(
            400,
            f"{name[:100]!r} is a property of events, and there as long as these are:"
            " page-tracker delete hits deletes them",
        )


def _register_shared_links(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    address_of: Callable[[str], str],
    guard: Guard,
) -> None:
    @blueprint.put("/shared-links")
    def put_shared_link() -> Response:
        """Make a link that shows the site's page, or find the one of this name."""
        guard.token()
        sent = said(_NewLink)
        site_id = site_named(guard, sites, sent.site_id)
        made = new_link(sent.name, int(time.time()))
        site = sites().put_shared_links(site_id, lambda links: with_link(links, made))
        link = link_named(site.shared_links, made.name) or made
        return jsonify(name=link.name, url=address_of(path_of(site.id, link)))


def _wanted(sent: _NewGoal) -> dict[str, Any]:
    """A goal in our words."""
    is_event = sent.goal_type == "event"
    what = {"event": sent.event_name} if is_event else {"page": sent.page_path}
    return {**what, "name": sent.display_name, "props": sent.custom_props}


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
    return {
        "domain": site.id,
        "timezone": site.timezone,
        # All properties of events are shown; `/custom-props` lists them.
        "custom_properties": [],
        "tracker_script_configuration": {"id": _script_of(site)} | SCRIPT,
    }


def _script_of(site: Site) -> str:
    """The name of the site's own script: any does, where a page is the site's."""
    names = (name for name in site.aliases if name.startswith("pa-"))
    digest = blake2b(site.id.encode(), digest_size=8).hexdigest()
    return next(names, f"pa-{digest}")
