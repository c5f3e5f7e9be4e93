"""The routes that GoatCounter's programs ask."""

from __future__ import annotations

from page_tracker.query.goatcounter_stats import GROUPS, PANELS, UNKNOWN
from page_tracker.web.openapi.operation import Operation
from page_tracker.web.openapi.schemas import SITE, one_of, text, whole

_SITE_V0 = {"site": text(like=SITE)}
_PATHS_V0 = {"include_paths": text(), "path_by_name": text()}
_ASKED_V0 = _SITE_V0 | _PATHS_V0 | {"start": text(), "end": text()}
_ROWS_V0 = _ASKED_V0 | {"limit": whole(0), "offset": whole(0)}

GOATCOUNTER: dict[tuple[str, str], Operation] = {
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
    ("POST", "/api/v0/export"): Operation(
        "goatcounter_begin_export",
        "Choose the hits of an export in GoatCounter's format",
        "admin",
        {"type": "object"},
        202,
        refusals=(400, 403, 404, 413, 422),
        optional=_SITE_V0,
    ),
    ("GET", "/api/v0/export/<int:number>"): Operation(
        "goatcounter_export",
        "Which hits an export has",
        "admin",
        {"type": "object"},
        refusals=(400, 403, 404),
        optional=_SITE_V0,
        path={"number": whole(0)},
    ),
    ("GET", "/api/v0/export/<int:number>/download"): Operation(
        "goatcounter_download",
        "The file of an export: CSV, gzip",
        "admin",
        {"type": "object"},
        refusals=(400, 403, 404, 422),
        optional=_SITE_V0,
        path={"number": whole(0)},
    ),
    ("GET", "/api/v0/paths"): Operation(
        "goatcounter_paths",
        "All pages and events of a site, without figures",
        "stats",
        {"type": "object"},
        refusals=(400, 422),
        optional=_SITE_V0 | {"limit": whole(0), "after": whole(0)},
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
        | {"limit": whole(0), "exclude_paths": text()}
        | {"group": one_of(*GROUPS, ""), "daily": text()},
    ),
    ("GET", "/api/v0/stats/hits/<int:number>"): Operation(
        "goatcounter_referrers",
        "Visitors of a page or an event, by the page that led them to the site",
        "stats",
        {"type": "object"},
        refusals=(400, 404, 422),
        optional=_SITE_V0
        | {"start": text(), "end": text()}
        | {"limit": whole(0), "offset": whole(0)},
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
}
