"""`/api/v0`: what GoatCounter's own programs ask for.

Hits are sent to `/api/v0/count`, which is `protocols/goatcounter_api.py`. A request is
about the site of its `site` parameter, else the token's only one. See
https://www.goatcounter.com/help/api.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from page_tracker.query import goatcounter_stats as stats
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, allows
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.query import readable_site
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.token_guard import Guard, Refused

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking
    from page_tracker.query.report import Report

# What a token may do, in GoatCounter's numbers: 2 is to count, 4 to export, 8 to read
# sites, 16 to add and 32 to change them, 64 to read statistics.
_COUNT, _READ_SITES, _STATS = 2, 8, 64
PERMISSIONS = {
    Scope.EVENTS: _COUNT,
    Scope.STATS: _READ_SITES | _STATS,
    Scope.ADMIN: _COUNT | _READ_SITES | _STATS,
}


def goatcounter_api(
    asking: Callable[[], Asking], sites: Callable[[], Sites], guard: Guard
) -> Blueprint:
    """The routes for holders of tokens."""
    blueprint = Blueprint("goatcounter", __name__, url_prefix="/api/v0")
    register_failures(blueprint)

    def reports(site: Site, bodies: Sequence[dict[str, Any]]) -> list[Report]:
        budget, now = asking().budget(is_wanted()), time.time()
        asked = [asking().understand(body, site, now, budget) for body in bodies]
        return asking().reports(asked, budget)

    @blueprint.get("/me")
    def me() -> Response:
        """Whose token it is, and what it may do: importers ask before they begin."""
        token = guard.token()
        shown = {"name": token.name, "permissions": PERMISSIONS[token.scope]}
        return jsonify(user={}, token=shown)

    @blueprint.get("/sites")
    def list_sites() -> Response:
        token = guard.token()
        mine = [each for each in sites().all() if allows(token, Scope.STATS, each.id)]
        return jsonify(
            sites=[
                {"id": stats.path_id(each.id), "code": each.id, "cname": each.id}
                for each in mine
            ]
        )

    @blueprint.get("/stats/total")
    def total() -> Response:
        site = _site(sites(), guard)
        asked = stats.total_questions(site.id, request.args, _now())
        return jsonify(stats.total_answer(reports(site, asked)))

    @blueprint.get("/stats/hits")
    def hits() -> Response:
        site, said, now = _site(sites(), guard), request.args, _now()
        (pages,) = reports(site, [stats.pages_question(site.id, said, now)])
        shown, has_more = stats.pages_shown(pages, said)
        paths = [path for path, _ in shown]
        series = stats.series_questions(site.id, said, now, paths) if paths else []
        answered = reports(site, series) if series else []
        return jsonify(stats.pages_answer(shown, has_more, answered))

    @blueprint.get("/stats/<name>")
    def rows(name: str) -> Response:
        site = _site(sites(), guard)
        if name in stats.UNKNOWN:
            return jsonify(stats=[], more=False)
        if name not in stats.DIMENSIONS:
            known = ", ".join(("total", "hits", *stats.DIMENSIONS, *stats.UNKNOWN))
            raise Refused(404, f"there is no {name[:100]!r}, only {known}")
        asked = stats.rows_question(site.id, name, request.args, _now())
        (report,) = reports(site, [asked])
        return jsonify(stats.rows_answer(report))

    return blueprint


def _now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)


def _site(sites: Sites, guard: Guard) -> Site:
    """The site that is asked about. Raises Refused."""
    token, named = guard.token(), request.args.get("site", "")
    if not named and token.sites is not None and len(token.sites) == 1:
        named = token.sites[0]
    if not named and (only := sites.directory().only()):
        named = only.id
    if not named:
        raise Refused(
            400, "this token is for several sites: name one by the parameter site"
        )
    return readable_site(sites, token, named)
