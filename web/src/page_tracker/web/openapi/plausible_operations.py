"""The routes that programs made for Plausible ask: its Sites API and Stats API v1."""

from __future__ import annotations

from page_tracker.query.stats_v1 import BREAKDOWNS, INTERVALS, MOST_ROWS, PERIODS
from page_tracker.web.openapi.operation import Operation
from page_tracker.web.openapi.schemas import SITE, one_of, text, whole

_ASKED_V1 = {
    "period": one_of(*PERIODS),
    "date": text(),
    "metrics": text(),
    "filters": text(),
    "with_imported": one_of("true", "false"),
}

_SITE = {"site_id": text(like=SITE)}

PLAUSIBLE: dict[tuple[str, str], Operation] = {
    ("GET", "/api/v1/stats/realtime/visitors"): Operation(
        "current_visitors",
        "How many visitors were there in the last five minutes",
        "stats",
        {"type": "integer", "minimum": 0},
        query={"site_id": text(like=SITE)},
    ),
    ("GET", "/api/v1/sites"): Operation(
        "list_sites_v1",
        "The sites of the token, as Plausible's Sites API lists them",
        "admin",
        {"type": "object"},
        refusals=(403,),
    ),
    ("POST", "/api/v1/sites"): Operation(
        "add_site_v1",
        "Make a site, as Plausible's Sites API does",
        "admin, of all sites",
        {"type": "object"},
        body="PlausibleSite",
        refusals=(400, 403, 409, 413),
    ),
    ("GET", "/api/v1/sites/<site:site_id>"): Operation(
        "show_site_v1",
        "A site, as Plausible's Sites API shows it",
        "admin",
        {"type": "object"},
        refusals=(403, 404),
    ),
    ("PUT", "/api/v1/sites/<site:site_id>"): Operation(
        "change_site_v1",
        "Count the hits of another domain for the site",
        "admin; for another domain, of all sites",
        {"type": "object"},
        body="PlausibleMove",
        refusals=(400, 403, 404, 409, 413),
    ),
    ("DELETE", "/api/v1/sites/<site:site_id>"): Operation(
        "remove_site_v1",
        "Delete the site and all of its hits for good",
        "admin",
        {"type": "object"},
        refusals=(403, 404, 409),
    ),
    ("GET", "/api/v1/sites/teams"): Operation(
        "list_teams_v1",
        "None: there are no teams",
        "admin",
        {"type": "object"},
        refusals=(403,),
    ),
    ("GET", "/api/v1/sites/custom-props"): Operation(
        "list_properties_v1",
        "The properties that events of the site have",
        "admin",
        {"type": "object"},
        refusals=(403, 404, 422),
        query=_SITE,
    ),
    ("PUT", "/api/v1/sites/custom-props"): Operation(
        "put_property_v1",
        "Nothing: a property is there as soon as an event has it",
        "admin",
        {"type": "object"},
        body="PlausibleProperty",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/v1/sites/custom-props/<path:name>"): Operation(
        "remove_property_v1",
        "Always refused: a property is there as long as events have it",
        "admin",
        {"type": "object"},
        refusals=(400, 403, 404, 413),
        optional=_SITE,
    ),
    ("PUT", "/api/v1/sites/shared-links"): Operation(
        "put_shared_link_v1",
        "A link that shows the site's page to whoever has it",
        "admin",
        {"type": "object"},
        body="PlausibleLink",
        refusals=(400, 403, 404, 413),
    ),
    ("GET", "/api/v1/sites/guests"): Operation(
        "list_guests_v1",
        "Who has a role for the site only",
        "admin, of all sites",
        {"type": "object"},
        refusals=(403, 404),
        query=_SITE,
    ),
    ("PUT", "/api/v1/sites/guests"): Operation(
        "put_guest_v1",
        "Let somebody in, or change their role here",
        "admin, of all sites",
        {"type": "object"},
        body="PlausibleGuest",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/v1/sites/guests/<email>"): Operation(
        "remove_guest_v1",
        "Take somebody's role for the site",
        "admin, of all sites",
        {"type": "object"},
        refusals=(400, 403, 404, 413),
        optional=_SITE,
    ),
    ("GET", "/api/v1/sites/goals"): Operation(
        "list_goals_v1",
        "A site's goals, as Plausible's Sites API lists them",
        "admin",
        {"type": "object"},
        refusals=(403, 404),
        query={"site_id": text(like=SITE)},
    ),
    ("PUT", "/api/v1/sites/goals"): Operation(
        "put_goal_v1",
        "Add a goal, or replace the one of its name, as Plausible's Sites API does",
        "admin",
        {"type": "object"},
        body="PlausibleGoal",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/v1/sites/goals/<goal_id>"): Operation(
        "remove_goal_v1",
        "Remove a goal by the id that the list has",
        "admin",
        {"type": "object"},
        refusals=(400, 403, 404, 413),
        optional={"site_id": text(like=SITE)},
    ),
    ("GET", "/api/v1/stats/aggregate"): Operation(
        "aggregate_v1",
        "The figures of a period, as Plausible's Stats API v1 answers them",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        query={"site_id": text(like=SITE)},
        optional=_ASKED_V1 | {"compare": one_of("previous_period")},
    ),
    ("GET", "/api/v1/stats/timeseries"): Operation(
        "timeseries_v1",
        "The same by days or months",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        query={"site_id": text(like=SITE)},
        optional=_ASKED_V1 | {"interval": one_of(*INTERVALS)},
    ),
    ("GET", "/api/v1/stats/breakdown"): Operation(
        "breakdown_v1",
        "The same by a property",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        query={"site_id": text(like=SITE), "property": one_of(*BREAKDOWNS)},
        optional=_ASKED_V1 | {"limit": whole(1, MOST_ROWS), "page": whole(1)},
    ),
}
