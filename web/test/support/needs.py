"""What each route for programs needs, how it is asked about a site, what it answers.

SITE stands for the site, and TOKEN for the id of a token that is for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from page_tracker.sites.goal import new_goal
from page_tracker.web.api.sites_v1 import id_of


class Need(Enum):
    """What a route asks for."""

    NOTHING = "nobody needs a token"
    ANY = "any token"
    STATS = "a token that reads the site's counts"
    ADMIN = "an admin's token"
    ADMIN_OF_SITE = "an admin's token for the site"
    ADMIN_OF_ALL = "an admin's token for all sites"


@dataclass(frozen=True)
class Route:
    """What a route needs, how it is asked about a site, and what it answers then."""

    need: Need
    path: str = ""
    body: Any = None
    status: int = 200


QUESTION = {
    "site_id": "SITE",
    "metrics": ["visitors"],
    "date_range": ["2026-03-01", "2026-03-02"],
}
EXPERIMENT = {
    "site_id": "SITE",
    "dimension": "visit:browser",
    "goal": "buy",
    "date_range": ["2026-03-01", "2026-03-02"],
}
NOTE = {"date": "2026-03-01", "text": "x"}
SITE_PATH = "/api/sites/SITE"
BUY = new_goal({"event": "buy"})
ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/api/v2/query"): Route(Need.STATS, body=QUESTION),
    ("POST", "/api/v2/queries"): Route(Need.STATS, body=[QUESTION]),
    ("POST", "/api/v2/experiment"): Route(Need.STATS, body=EXPERIMENT),
    ("GET", "/api/v1/stats/realtime/visitors"): Route(
        Need.STATS, "/api/v1/stats/realtime/visitors?site_id=SITE"
    ),
    ("GET", "/api/v1/sites"): Route(Need.ADMIN),
    ("POST", "/api/v1/sites"): Route(Need.ADMIN_OF_ALL, body={"domain": "c.example"}),
    ("GET", "/api/v1/sites/<site:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE"
    ),
    ("PUT", "/api/v1/sites/<site:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE", {}
    ),
    ("DELETE", "/api/v1/sites/<site:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE"
    ),
    ("GET", "/api/v1/sites/teams"): Route(Need.ADMIN),
    ("GET", "/api/v1/sites/custom-props"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/custom-props?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/custom-props"): Route(
        Need.ADMIN_OF_SITE, body={"site_id": "SITE", "property": "plan"}
    ),
    ("DELETE", "/api/v1/sites/custom-props/<path:name>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/custom-props/x?site_id=SITE", status=400
    ),
    ("PUT", "/api/v1/sites/shared-links"): Route(
        Need.ADMIN_OF_SITE, body={"site_id": "SITE", "name": "x"}
    ),
    ("GET", "/api/v1/sites/guests"): Route(
        Need.ADMIN_OF_ALL, "/api/v1/sites/guests?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/guests"): Route(
        Need.ADMIN_OF_ALL,
        body={"site_id": "SITE", "email": "ada", "role": "viewer"},
    ),
    ("DELETE", "/api/v1/sites/guests/<email>"): Route(
        Need.ADMIN_OF_ALL, "/api/v1/sites/guests/ada?site_id=SITE", status=404
    ),
    ("GET", "/api/v1/sites/goals"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/goals?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/goals"): Route(
        Need.ADMIN_OF_SITE,
        body={"site_id": "SITE", "goal_type": "event", "event_name": "signup"},
    ),
    ("DELETE", "/api/v1/sites/goals/<goal_id>"): Route(
        Need.ADMIN_OF_SITE, f"/api/v1/sites/goals/{id_of(BUY)}?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/aggregate"): Route(
        Need.STATS, "/api/v1/stats/aggregate?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/timeseries"): Route(
        Need.STATS, "/api/v1/stats/timeseries?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/breakdown"): Route(
        Need.STATS, "/api/v1/stats/breakdown?site_id=SITE&property=event:page"
    ),
    ("GET", "/api/v2/realtime"): Route(Need.STATS, "/api/v2/realtime?site_id=SITE"),
    ("GET", "/api/health"): Route(Need.NOTHING),
    ("GET", "/api/address"): Route(Need.ANY),
    ("GET", "/api/v0/me"): Route(Need.ANY),
    ("GET", "/api/v0/sites"): Route(Need.ANY),
    ("GET", "/api/v0/sites/<int:number>"): Route(
        Need.ANY, "/api/v0/sites/7", status=404
    ),
    ("POST", "/api/v0/export"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export?site=SITE", status=202
    ),
    ("GET", "/api/v0/export/<int:number>"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export/7?site=SITE", status=404
    ),
    ("GET", "/api/v0/export/<int:number>/download"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export/7/download?site=SITE", status=404
    ),
    ("GET", "/api/v0/paths"): Route(Need.STATS, "/api/v0/paths?site=SITE"),
    ("GET", "/api/v0/stats/total"): Route(Need.STATS, "/api/v0/stats/total?site=SITE"),
    ("GET", "/api/v0/stats/hits"): Route(Need.STATS, "/api/v0/stats/hits?site=SITE"),
    ("GET", "/api/v0/stats/hits/<int:number>"): Route(
        Need.STATS, "/api/v0/stats/hits/7?site=SITE", status=404
    ),
    ("GET", "/api/v0/stats/<name>"): Route(
        Need.STATS, "/api/v0/stats/browsers?site=SITE"
    ),
    ("GET", "/api/v0/stats/<name>/<path:row_id>"): Route(
        Need.STATS, "/api/v0/stats/browsers/Firefox?site=SITE"
    ),
    ("GET", "/api/openapi.json"): Route(Need.NOTHING),
    ("GET", "/api/sites"): Route(Need.ADMIN),
    ("POST", "/api/sites"): Route(
        Need.ADMIN_OF_ALL, body={"domain": "c.example"}, status=201
    ),
    ("GET", "/api/sites/<domain>"): Route(Need.ADMIN_OF_SITE, SITE_PATH),
    ("PATCH", "/api/sites/<domain>"): Route(
        Need.ADMIN_OF_SITE, SITE_PATH, {"respect_dnt": True}
    ),
    ("DELETE", "/api/sites/<domain>"): Route(Need.ADMIN_OF_SITE, SITE_PATH, status=204),
    ("GET", "/api/sites/<domain>/goals"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals"
    ),
    ("POST", "/api/sites/<domain>/goals"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals", {"event": "signup"}, 201
    ),
    ("DELETE", "/api/sites/<domain>/goals/<anything:name>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals/buy", status=204
    ),
    ("GET", "/api/sites/<domain>/segments"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/segments"
    ),
    ("POST", "/api/sites/<domain>/segments"): Route(
        Need.ADMIN_OF_SITE,
        f"{SITE_PATH}/segments",
        {"name": "x", "filters": [["is", "event:page", ["/"]]]},
        201,
    ),
    ("DELETE", "/api/sites/<domain>/segments/<int:number>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/segments/1", status=204
    ),
    ("GET", "/api/sites/<domain>/annotations"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/annotations"
    ),
    ("POST", "/api/sites/<domain>/annotations"): Route(
        Need.ADMIN_OF_SITE,
        f"{SITE_PATH}/annotations",
        NOTE,
        201,
    ),
    ("DELETE", "/api/sites/<domain>/annotations/<int:number>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/annotations/1", status=204
    ),
    ("GET", "/api/tokens"): Route(Need.ADMIN),
    ("POST", "/api/tokens"): Route(
        Need.ADMIN_OF_SITE, body={"scope": "stats", "sites": ["SITE"]}, status=201
    ),
    ("DELETE", "/api/tokens/<token_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/tokens/TOKEN", status=204
    ),
}
