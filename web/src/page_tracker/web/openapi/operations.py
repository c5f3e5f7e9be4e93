"""Every route of the read and admin interface: what it does, for whom, and its schemas.

A route that is missing here, or does not exist, fails a test.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from page_tracker.query.goatcounter_stats import GROUPS, PANELS, UNKNOWN
from page_tracker.query.stats_v1 import BREAKDOWNS, INTERVALS, MOST_ROWS, PERIODS
from page_tracker.web.openapi.schemas import SITE, Schema, one_of, text, whole

# Why a request is refused. All routes but those for everybody may answer with these:
ALWAYS = (401, 429, 503)
REFUSALS = {
    400: "Invalid; `error` names the place, what is wrong and what to write instead.",
    401: "No token, or one that is unknown, expired, revoked, or not for this site.",
    403: "The token is not for this.",
    404: "There is no such thing.",
    409: "The domain or host belongs to a site already; an import is running; or hits"
    " would be deleted, whose number is to be repeated.",
    413: "The body is too large.",
    422: "It took more time or memory than questions have, and was stopped.",
    429: "Too many wrong tokens came from this address.",
    503: "Too much is asked at once, or the store is away: try again.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    `scope` is that of the token needed, '' for none; `body` and `answer` name schemas;
    `refusals` are those in addition to `ALWAYS`.
    """

    name: str
    summary: str
    scope: str
    answer: str | Schema = ""
    status: int = 200
    body: str = ""
    refusals: tuple[int, ...] = ()
    query: dict[str, Schema] = field(default_factory=dict)
    optional: dict[str, Schema] = field(default_factory=dict)
    # Variables of the path that are not any text.
    path: dict[str, Schema] = field(default_factory=dict)


_ASKED_V1 = {
    "period": one_of(*PERIODS),
    "date": text(),
    "metrics": text(),
    "filters": text(),
    "with_imported": one_of("true", "false"),
}

_SITE_V0 = {"site": text(like=SITE)}
_PATHS_V0 = {"include_paths": text(), "path_by_name": one_of("true", "false")}
_ASKED_V0 = _SITE_V0 | _PATHS_V0 | {"start": text(), "end": text()}
_ROWS_V0 = _ASKED_V0 | {"limit": whole(1, 100), "offset": whole(0)}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/api/v2/query"): Operation(
        "query",
        "Ask a question",
        "stats",
        "Answer",
        body="Question",
        refusals=(400, 413, 422),
    ),
    ("POST", "/api/v2/queries"): Operation(
        "queries",
        "Ask several questions; all are answered, in their order, or none",
        "stats",
        "Answers",
        body="Questions",
        refusals=(400, 413, 422),
    ),
    ("POST", "/api/v2/experiment"): Operation(
        "experiment",
        "Compare groups of visitors by how many of each reached a goal",
        "stats",
        "ExperimentAnswer",
        body="Experiment",
        refusals=(400, 413, 422),
    ),
    ("GET", "/api/v1/stats/realtime/visitors"): Operation(
        "current_visitors",
        "How many visitors were there in the last five minutes",
        "stats",
        {"type": "integer", "minimum": 0},
        query={"site_id": text(like=SITE)},
    ),
    ("GET", "/api/health"): Operation(
        "health",
        "Whether all that counting needs is there, as Plausible answers it",
        "",
        {"type": "object"},
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
    ("GET", "/api/v1/sites/<site_id>"): Operation(
        "show_site_v1",
        "A site, as Plausible's Sites API shows it",
        "admin",
        {"type": "object"},
        refusals=(403, 404),
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
    ("GET", "/api/v2/realtime"): Operation(
        "realtime",
        "Who is here, the last 30 minutes, what of today did not count",
        "stats",
        "Realtime",
        query={"site_id": text(like=SITE)},
    ),
    ("GET", "/api/v0/me"): Operation(
        "goatcounter_me",
        "Whose token it is and what it may do, as GoatCounter's programs ask",
        "any",
        {"type": "object"},
    ),
    ("GET", "/api/v0/sites"): Operation(
        "goatcounter_sites",
        "The sites of the token, as GoatCounter lists them",
        "stats",
        {"type": "object"},
    ),
    ("GET", "/api/v0/sites/<int:number>"): Operation(
        "goatcounter_site",
        "One of these sites, by its number",
        "stats",
        {"type": "object"},
        refusals=(404,),
        path={"number": whole(0)},
    ),
    ("GET", "/api/v0/paths"): Operation(
        "goatcounter_paths",
        "All pages and events of a site, without figures",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        optional=_SITE_V0 | {"limit": whole(1, 200), "after": whole(0)},
    ),
    ("GET", "/api/v0/stats/total"): Operation(
        "goatcounter_total",
        "How many visitors and events, as GoatCounter's dashboards ask",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        optional=_ASKED_V0,
    ),
    ("GET", "/api/v0/stats/hits"): Operation(
        "goatcounter_hits",
        "Visitors by page, day and hour",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        optional=_ASKED_V0
        | {"limit": whole(1, 100), "exclude_paths": text()}
        | {"group": one_of(*GROUPS), "daily": one_of("true", "false")},
    ),
    ("GET", "/api/v0/stats/hits/<int:number>"): Operation(
        "goatcounter_referrers",
        "Visitors of a page or an event, by the page that led them to the site",
        "stats",
        {"type": "object"},
        refusals=(400, 404, 422),
        optional=_SITE_V0
        | {"start": text(), "end": text()}
        | {"limit": whole(1, 100), "offset": whole(0)},
        path={"number": whole(0)},
    ),
    ("GET", "/api/v0/stats/<name>"): Operation(
        "goatcounter_stats",
        "Visitors by browser, system, place, screen, source or campaign",
        "stats",
        {"type": "object"},
        refusals=(400, 404, 422),
        optional=_ROWS_V0,
        path={"name": one_of(*PANELS, *UNKNOWN)},
    ),
    ("GET", "/api/v0/stats/<name>/<path:row_id>"): Operation(
        "goatcounter_details",
        "The same within one of their rows, by version, region or page",
        "stats",
        {"type": "object"},
        refusals=(400, 404, 422),
        optional=_ROWS_V0,
        path={"name": one_of(*PANELS)},
    ),
    ("GET", "/api/sites"): Operation(
        "list_sites", "The sites of the token", "admin", "Sites", refusals=(403,)
    ),
    ("POST", "/api/sites"): Operation(
        "add_site",
        "Make a site",
        "admin, of all sites",
        "Site",
        201,
        body="NewSite",
        refusals=(400, 403, 409, 413),
    ),
    ("GET", "/api/sites/<domain>"): Operation(
        "show_site", "A site's settings", "admin", "Site", refusals=(403, 404)
    ),
    ("PATCH", "/api/sites/<domain>"): Operation(
        "change_site",
        "Change these settings and leave the others",
        "admin",
        "Site",
        body="SiteSettings",
        refusals=(400, 403, 404, 409, 413),
    ),
    ("DELETE", "/api/sites/<domain>"): Operation(
        "remove_site",
        "Remove a site and all of its hits; answered when they are gone",
        "admin",
        status=204,
        refusals=(403, 404, 409),
    ),
    ("GET", "/api/sites/<domain>/goals"): Operation(
        "list_goals", "A site's goals", "admin", "Goals", refusals=(403, 404)
    ),
    ("POST", "/api/sites/<domain>/goals"): Operation(
        "add_goal",
        "Add a goal, or replace the one of its name",
        "admin",
        "Goal",
        201,
        body="NewGoal",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/sites/<domain>/goals/<anything:name>"): Operation(
        "remove_goal", "Remove a goal", "admin", status=204, refusals=(403, 404)
    ),
    ("GET", "/api/sites/<domain>/segments"): Operation(
        "list_segments", "A site's segments", "admin", "Segments", refusals=(403, 404)
    ),
    ("POST", "/api/sites/<domain>/segments"): Operation(
        "add_segment",
        "Give filters a name, and a number to ask with",
        "admin",
        "Segment",
        201,
        body="NewSegment",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/sites/<domain>/segments/<int:number>"): Operation(
        "remove_segment", "Remove a segment", "admin", status=204, refusals=(403, 404)
    ),
    ("GET", "/api/sites/<domain>/annotations"): Operation(
        "list_annotations",
        "What happened to a site, by dates",
        "admin",
        "Annotations",
        refusals=(403, 404),
    ),
    ("POST", "/api/sites/<domain>/annotations"): Operation(
        "add_annotation",
        "Write under the chart what happened on a day",
        "admin",
        "Annotation",
        201,
        body="NewAnnotation",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/sites/<domain>/annotations/<int:number>"): Operation(
        "remove_annotation",
        "Remove an annotation",
        "admin",
        status=204,
        refusals=(403, 404),
    ),
    ("GET", "/api/tokens"): Operation(
        "list_tokens",
        "The tokens within the token's own sites",
        "admin",
        "Tokens",
        refusals=(403,),
    ),
    ("POST", "/api/tokens"): Operation(
        "add_token",
        "Make a token; its text is shown only once",
        "admin",
        "MadeToken",
        201,
        body="NewToken",
        refusals=(400, 403, 404, 413),
    ),
    ("DELETE", "/api/tokens/<token_id>"): Operation(
        "remove_token", "Take a token back", "admin", status=204, refusals=(403, 404)
    ),
    ("GET", "/api/address"): Operation(
        "address",
        "Which client address the server sees, and why",
        "stats, events or admin",
        "Address",
    ),
    ("GET", "/api/openapi.json"): Operation(
        "openapi", "This document", "", {"type": "object"}
    ),
}
