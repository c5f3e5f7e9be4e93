"""`/api/v0`: what GoatCounter's own programs ask for.

Hits are sent to `/api/v0/count`, which is `protocols/goatcounter_api.py`. A request is
about the site of its `site` parameter, else the token's only one. See
https://www.goatcounter.com/help/api.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from page_tracker.query import goatcounter_stats as stats
from page_tracker.query.goatcounter_paths import (
    Path,
    chosen,
    counts_of,
    is_full,
    names_paths,
    path_id,
    path_of,
    paths_answer,
    paths_questions,
)
from page_tracker.query.goatcounter_request import Parameters
from page_tracker.query.parse import MAX_ROWS
from page_tracker.sites.site import Site
from page_tracker.sites.token import Scope, Token, allows
from page_tracker.store.exports import Exports
from page_tracker.store.sites import Sites
from page_tracker.web.api.failures import register_failures
from page_tracker.web.api.goatcounter_export import register_exports
from page_tracker.web.api.query import readable_site
from page_tracker.web.api.sites import admitted_site
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.token_guard import Guard, Refused

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking
    from page_tracker.query.report import Report

# What a token may do, in GoatCounter's numbers: 2 is to count, 4 to export, 8 to read
# sites, 16 to add and 32 to change them, 64 to read statistics.
_COUNT, _EXPORT, _READ_SITES, _STATS = 2, 4, 8, 64
PERMISSIONS = {
    Scope.EVENTS: _COUNT,
    Scope.STATS: _READ_SITES | _STATS,
    Scope.ADMIN: _COUNT | _EXPORT | _READ_SITES | _STATS,
}
NOTHING = {"stats": [], "more": False}
# GoatCounter's own limit, four requests a second, which its clients read in every
# answer and wait by: here it is never used up.
_LIMITS = {"Limit": "4", "Remaining": "4", "Reset": "1"}


def goatcounter_api(
    asking: Callable[[], Asking],
    sites: Callable[[], Sites],
    exports: Callable[[], Exports],
    guard: Guard,
) -> Blueprint:
    """The routes for holders of tokens."""
    blueprint = Blueprint("goatcounter", __name__, url_prefix="/api/v0")
    register_failures(blueprint)
    blueprint.after_request(_with_limits)

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
        return jsonify(sites=[_as_json(each) for each in mine])

    @blueprint.get("/sites/<int:number>")
    def show_site(number: int) -> Response:
        """A site by the number that the list has."""
        token = guard.token()
        for site in sites().all():
            if path_id(site.id) == number and allows(token, Scope.STATS, site.id):
                return jsonify(_as_json(site))
        raise Refused(404, f"there is no site with the number {number}")

    def owned() -> str:
        return admitted_site(guard, sites(), _named(sites(), guard.token()))

    register_exports(blueprint, asking, exports, owned)
    statistics = _Statistics(asking, sites, guard)
    for rule, view in (
        ("/paths", statistics.paths),
        ("/stats/total", statistics.total),
        ("/stats/hits", statistics.hits),
        ("/stats/hits/<int:number>", statistics.referrers),
        ("/stats/<name>", statistics.rows),
        ("/stats/<name>/<path:row_id>", statistics.details),
    ):
        blueprint.add_url_rule(rule, view_func=view)
    return blueprint


def _with_limits(answer: Response) -> Response:
    for name, value in _LIMITS.items():
        answer.headers.setdefault(f"X-Rate-Limit-{name}", value)
    return answer


class _Statistics:
    """The views of what was counted."""

    def __init__(
        self,
        asking: Callable[[], Asking],
        sites: Callable[[], Sites],
        guard: Guard,
    ) -> None:
        self._asking = asking
        self._sites = sites
        self._guard = guard

    def paths(self) -> Response:
        """All pages and events that the site ever had."""
        return jsonify(paths_answer(self._paths(self._site()), _said()))

    def total(self) -> Response:
        site, said = self._site(), _said()
        asked = stats.total_questions(site.id, said, _now(), self._chosen(site, said))
        return jsonify(stats.total_answer(self._reports(site, asked)))

    def hits(self) -> Response:
        site, said, now = self._site(), _said(), _now()
        asked = stats.hits_questions(site.id, said, now, self._chosen(site, said))
        shown, has_more = stats.hits_shown(self._reports(site, asked), said)
        paths = [path for path, _ in shown]
        series = stats.series_questions(site.id, said, now, paths)
        answered = self._reports(site, series)
        return jsonify(stats.hits_answer(shown, has_more, answered, said))

    def referrers(self, number: int) -> Response:
        """Where a path's visitors came from."""
        site = self._site()
        path = path_of(self._paths(site), number)
        if path is None:
            raise Refused(404, f"there is no path with the number {number}")
        asked = stats.referrers_question(site.id, _said(), _now(), path)
        return jsonify(stats.referrers_answer(*self._reports(site, [asked])))

    def rows(self, name: str) -> Response:
        site, said = self._site(), _said()
        if name in stats.UNKNOWN:
            return jsonify(NOTHING)
        _require_panel(name, ("total", "hits", *stats.PANELS, *stats.UNKNOWN))
        paths = self._chosen(site, said)
        asked = stats.rows_question(site.id, name, said, _now(), paths)
        return jsonify(stats.rows_answer(name, *self._reports(site, [asked])))

    def details(self, name: str, row_id: str) -> Response:
        """What a row of a panel is made of: versions, regions, pages."""
        site, said = self._site(), _said()
        _require_panel(name, tuple(stats.PANELS))
        if not stats.PANELS[name].detail:
            return jsonify(NOTHING)
        paths = self._chosen(site, said)
        asked = stats.detail_question(
            *(site.id, name, row_id), said=said, now=_now(), paths=paths
        )
        return jsonify(stats.detail_answer(name, row_id, *self._reports(site, [asked])))

    def _site(self) -> Site:
        token = self._guard.token()
        return readable_site(self._sites(), token, _named(self._sites(), token))

    def _chosen(self, site: Site, said: Parameters) -> list[Path] | None:
        """The paths that a request is about; None where it is about all."""
        return chosen(said, self._paths(site)) if names_paths(said) else None

    def _paths(self, site: Site) -> list[Path]:
        """All paths, however many answers they take."""
        found: list[Path] = []
        for offset in count(0, MAX_ROWS):
            reports = self._reports(site, paths_questions(site.id, offset))
            found += [path for path, _ in counts_of(*reports)]
            if not is_full(reports):
                break
        return found

    def _reports(self, site: Site, bodies: Sequence[dict[str, Any]]) -> list[Report]:
        asking, now = self._asking(), time.time()
        budget = asking.budget(is_wanted())
        asked = [asking.understand(body, site, now, budget) for body in bodies]
        return asking.reports(asked, budget) if asked else []


def _require_panel(name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise Refused(404, f"there is no {name[:100]!r}, only {', '.join(known)}")


def _said() -> Parameters:
    """The request's parameters; those that are given several times are lists."""
    return {name: ",".join(texts) for name, texts in request.args.lists()}


def _as_json(site: Site) -> dict[str, Any]:
    return {"id": path_id(site.id), "code": site.id, "cname": site.id}


def _now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)


def _named(sites: Sites, token: Token) -> str:
    """The domain of the site that is asked about. Raises Refused."""
    named = request.args.get("site", "")
    if not named and token.sites is not None and len(token.sites) == 1:
        named = token.sites[0]
    if not named and (only := sites.directory().only()):
        named = only.id
    if not named:
        raise Refused(
            400, "this token is for several sites: name one by the parameter site"
        )
    return named
