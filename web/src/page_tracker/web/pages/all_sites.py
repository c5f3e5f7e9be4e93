"""All sites on one page: one figure for each, its change, and its line over time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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
from page_tracker.web.pages.rows import Cell
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.view import CHARTED, View, written

if TYPE_CHECKING:
    from page_tracker.query.ask import Asking

# Figures that add up over days, and over sites.
ADDING_UP = ("visitors", "visits", "pageviews")
PERIODS = ("7d", "28d", "91d")
ORDERS = ("name", "figure", "change", "now")
# A site's page shows longer periods.
USUAL = "28d"


@dataclass(frozen=True, slots=True)
class SiteLine:
    """A site in the list. `now` is None if the store does not answer; `line` is the
    path of its figure over time."""

    name: str
    is_demonstration: bool
    href: str
    now: int | None
    cell: Cell
    line: str
    number: Value
    grown: float


def all_sites_page(
    sites: Sequence[Site],
    view: View,
    problems: Sequence[str],
    asking: Callable[[], Asking],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs. Raises as `Asking.reports`."""
    said = list(problems)
    period = _known(view.period, PERIODS, "period", USUAL, said)
    metric = _known(view.metric, CHARTED, "metric", CHARTED[0], said)
    order = _known(view.sort.removeprefix("-") or "name", ORDERS, "sort", "name", said)
    wanted = [site for site in sites if view.search.casefold() in site.id]
    now = time.time()
    reports = _reports(wanted, period, metric, now, asking())
    common = _most_of_all(reports) if view.is_any else None
    lines = [
        _line(site, over_time, whole, now, live, common)
        for site, (over_time, whole) in zip(wanted, reports, strict=True)
    ]
    own = [line for line in lines if not line.is_demonstration]
    return {
        "problems": tuple(said),
        "view": view,
        "query": written(view),
        "lines": _ordered(lines, order, view.sort.startswith("-")),
        "number": len(sites),
        "label": formatting.LABELS[metric],
        "has_demonstration": any(site.demonstration for site in sites),
        "number_of_own": len(own),
        "sum": _sum(metric, own),
        "now": _sum_now(lines),
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
            "one scale for all", _to(view, is_any=not view.is_any), view.is_any
        ),
    }


def _to(view: View, **changes: object) -> str:
    return written(view, **changes) or "?"


def _known(
    said: str, known: Sequence[str], name: str, usual: str, problems: list[str]
) -> str:
    if said in known:
        return said
    problems.append(
        f"{name}={said}: the page of all sites has {', '.join(known)}"[:2_000]
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
    number = _added(metric, [row.metrics[0] for row in whole.rows])
    before = _added(metric, [before_of(whole, row)[0] for row in whole.rows])
    change, mood = formatting.changed(metric, number, before) if before else ("", "")
    values = [
        point.value for point in points_of(over_time, datetime.fromtimestamp(now, UTC))
    ]
    return SiteLine(
        name=site.id,
        is_demonstration=site.demonstration,
        href=home_of(site.id),
        now=_now(live, site, now),
        cell=Cell(
            formatting.figure(metric, number),
            change,
            mood,
            formatting.figure(metric, before),
        ),
        line=path(values, common or _most(over_time) or 1),
        number=number,
        grown=(number or 0) / before if before else float("inf") if number else 0,
    )


def _added(metric: str, values: Sequence[Value]) -> Value:
    """A figure for all days: the sum if it adds up, else the only value."""
    if metric in ADDING_UP:
        return int(sum(value or 0 for value in values))
    return next(iter(values), None)


def _sum(metric: str, lines: Sequence[SiteLine]) -> str:
    """The sum over sites; '' for figures that do not add up."""
    if metric not in ADDING_UP:
        return ""
    return formatting.figure(metric, int(sum(line.number or 0 for line in lines)))


def _now(live: Callable[[], Live], site: Site, now: float) -> int | None:
    try:
        return live().current(site.id, int(now)).visitors
    except RedisError:
        return None


def _sum_now(lines: Sequence[SiteLine]) -> int | None:
    if any(line.now is None for line in lines):
        return None
    return sum(line.now or 0 for line in lines if not line.is_demonstration)


def _ordered(lines: Sequence[SiteLine], order: str, is_turned: bool) -> list[SiteLine]:
    """By name from A on, else highest first; a minus before `sort` reverses it."""
    keys: dict[str, Callable[[SiteLine], float]] = {
        "figure": lambda line: -(line.number or 0),
        "change": lambda line: -line.grown,
        "now": lambda line: -(line.now or 0),
    }
    found = sorted(lines, key=lambda line: line.name)
    if order in keys:
        found.sort(key=keys[order])
    return found[::-1] if is_turned else found


def _order_href(view: View, name: str) -> str:
    said = view.sort or "name"
    return _to(view, sort=f"-{name}" if said == name else name)
