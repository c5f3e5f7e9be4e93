"""Every route of the read and admin interface: what it does, for whom, and its schemas.

A route that is missing here, or does not exist, fails a test.
"""

from __future__ import annotations

from page_tracker.web.openapi.goatcounter_operations import GOATCOUNTER
from page_tracker.web.openapi.operation import Operation
from page_tracker.web.openapi.plausible_operations import PLAUSIBLE
from page_tracker.web.openapi.schemas import SITE, text

OPERATIONS: dict[tuple[str, str], Operation] = {
    **PLAUSIBLE,
    **GOATCOUNTER,
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
    ("GET", "/api/health"): Operation(
        "health",
        "Whether all that counting needs is there, as Plausible answers it",
        "",
        {"type": "object"},
    ),
    ("GET", "/api/v2/realtime"): Operation(
        "realtime",
        "Who is here, the last 30 minutes, what of today did not count",
        "stats",
        "Realtime",
        query={"site_id": text(like=SITE)},
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
