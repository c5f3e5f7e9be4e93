"""All sites on one page: one figure for each, its change, and its line over time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec.structs import replace
from redis import RedisError

from page_tracker.days import MICROSECONDS
from page_tracker.query.answer import before_of
from page_tracker.query.report import Report, Value
from page_tracker.sites.site import Site, zone_at
from page_tracker.store.counters import Live
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.pages import formatting, page_questions, periods
from page_tracker.web.pages.chart import path, points_of
from page_tracker.web.pages.menus import Choice
from page_tracker.web.pages.page_questions import Scope
from page_tracker.web.pages.site_groups import (
    ADDING_UP,
    SiteLine,
    added,
    compared_cell,
    grouped,
    grown,
    summed,
)
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.view import CHARTED, LONGEST, View, written

if TYPE_CHECKING:
    from page_tracker.query.ask import Asking

PERIODS = ("7d", "28d", "91d")
ORDERS = ("name", "figure", "change", "now")
# A site's page shows longer periods.
USUAL = "28d"


def all_sites_page(
    sites: Sequence[Site],
    view: View,
    problems: Sequence[str],
    asking: Callable[[], Asking],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs. Raises as `Asking.reports`."""
    view, foreign = _parted(view)
    said = [*problems, *foreign]
    period = _known(view.period, PERIODS, "period", USUAL, said)
    metric = _known(view.metric, CHARTED, "metric", CHARTED[0], said)
    order = _known(view.sort.removeprefix("-") or "name", ORDERS, "sort", "name", said)
    wanted = [site for site in sites if _is_found(site, view.search.casefold())]
    now = time.time()
    reports = _reports(wanted, period, metric, now, asking())
    common = _most_of_all(reports) if view.has_common_scale else None
    lines = [
        _line(site, over_time, whole, now, live, common)
        for site, (over_time, whole) in zip(wanted, reports, strict=True)
    ]
    return {
        "problems": tuple(said),
        "view": view,
        "query": written(view),
        "groups": grouped(lines, metric, order, view.sort.startswith("-")),
        "whole": summed("", lines, metric),
        "number": len(sites),
        "label": formatting.LABELS[metric],
        "has_demonstration": any(site.demonstration for site in sites),
        "order": order,
        "heads": {name: _order_href(view, name) for name in ORDERS},
        "figures": [
            Choice(formatting.LABELS[name], _to(view, metric=name), name == metric)
            for name in CHARTED
        ],
        "periods": [
            Choice(
                each.label, _to(view, period=each.word), each.word == period, each.key
            )
            for each in periods.OFFERED
            if each.word in PERIODS
        ],
        "scale": Choice(
            "one scale for all",
            _to(view, has_common_scale=not view.has_common_scale),
            view.has_common_scale,
        ),
    }


def _parted(view: View) -> tuple[View, list[str]]:
    """The view without what only a site's page has, and a problem that names that."""
    own = View(
        period=view.period,
        metric=view.metric,
        search=view.search,
        sort=view.sort,
        has_common_scale=view.has_common_scale,
    )
    usual = View()
    rest = replace(
        view,
        period=usual.period,
        metric=usual.metric,
        search=usual.search,
        sort=usual.sort,
        has_common_scale=usual.has_common_scale,
    )
    if rest == usual:
        return own, []
    named = unquote(written(rest).removeprefix("?"))
    return own, [f"{named}: only a site's own page has this; open one"[:LONGEST]]


def _is_found(site: Site, search: str) -> bool:
    return search in site.id or search in site.group.casefold()


def _to(view: View, **changes: object) -> str:
    return written(view, **changes) or "?"


def _known(
    said: str, known: Sequence[str], name: str, usual: str, problems: list[str]
) -> str:
    if said in known:
        return said
    problems.append(
        f"{name}={said} is unknown here; this page offers {', '.join(known)}"[:LONGEST]
    )
    return usual


def _reports(
    sites: Sequence[Site], period: str, metric: str, now: float, asking: Asking
) -> list[tuple[Report, Report]]:
    """Each site's figure over time, and its value for all the days; all from one
    state of the lake. Figures that add up are asked for once."""
    budget = asking.budget(is_wanted())
    moment = datetime.fromtimestamp(now, UTC)
    queries = []
    for site in sites:
        zone = zone_at(site, int(now * MICROSECONDS))
        asked = periods.range_of(period, zone, moment, moment.date())
        compared = periods.compared("previous", False, asked, moment)
        scope = Scope(site.id, asked, compared)
        bodies = [page_questions.over_time(scope, metric, "day")]
        if metric not in ADDING_UP:
            bodies.append(page_questions.one_figure(scope, metric))
        queries += [asking.understand(body, site, now, budget) for body in bodies]
    reports = asking.reports(queries, budget) if queries else []
    if metric in ADDING_UP:
        return [(report, report) for report in reports]
    return list(zip(reports[::2], reports[1::2], strict=True))


def _most_of_all(reports: Sequence[tuple[Report, Report]]) -> float:
    return max((_most(over_time) for over_time, _ in reports), default=1) or 1


def _most(report: Report) -> float:
    return max((row.metrics[0] or 0 for row in report.rows), default=0)


def _line(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    site: Site,
    over_time: Report,
    whole: Report,
    now: float,
    live: Callable[[], Live],
    common: float | None,
) -> SiteLine:
    metric = over_time.query.metrics[0]
    number = _value(metric, [row.metrics[0] for row in whole.rows])
    before = _value(metric, [before_of(whole, row)[0] for row in whole.rows])
    values = [
        point.value for point in points_of(over_time, datetime.fromtimestamp(now, UTC))
    ]
    return SiteLine(
        name=site.id,
        group=site.group,
        is_demonstration=site.demonstration,
        href=home_of(site.id),
        now=_now(live, site, now),
        cell=compared_cell(metric, number, before),
        line=path(values, common or _most(over_time) or 1),
        number=number,
        before=before,
        grown=grown(number, before),
    )


def _value(metric: str, values: Sequence[Value]) -> Value:
    """A figure for all days: the sum if it adds up, else the only value."""
    if metric in ADDING_UP:
        return added(values)
    return next(iter(values), None)


def _now(live: Callable[[], Live], site: Site, now: float) -> int | None:
    try:
        return live().current(site.id, int(now)).visitors
    except RedisError:
        return None


def _order_href(view: View, name: str) -> str:
    said = view.sort or "name"
    return _to(view, sort=f"-{name}" if said == name else name)
