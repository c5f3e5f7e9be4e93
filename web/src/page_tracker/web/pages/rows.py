"""The rows of a panel: each a filter, with its share and its change. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from page_tracker.query.answer import before_of
from page_tracker.query.catalog import GOAL
from page_tracker.query.query import currency
from page_tracker.query.report import Report, Row
from page_tracker.web.pages import formatting
from page_tracker.web.pages.address_filter import Condition
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.panels import Panel, Tab
from page_tracker.web.pages.view import View, written

# As browsers write it: names in other scripts are in ASCII there.
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
NO_NAMES = frozenset({"(not set)", "(none)", "Direct / None", ""})


class Cell(msgspec.Struct, frozen=True):
    """A figure of a row, its change, and its previous value."""

    value: str
    change: str = ""
    mood: str = ""
    before: str = ""


class Line(msgspec.Struct, frozen=True):
    """A row: its name, its cells, its percentage of the first row's value, its links.

    `with_` leads to the page with this filter, or without it if it is on (`is_on`);
    `without` to the page without this row; `outside` to what the row names, or ''.
    """

    name: str
    cells: list[Cell]
    share: int
    with_: str
    without: str
    is_on: bool
    outside: str = ""


class Filled(msgspec.Struct, frozen=True):
    """A panel as the page shows it."""

    panel: Panel
    tab: Tab
    tabs: list[tuple[str, str, bool]]
    label: str
    heads: list[str]
    lines: list[Line]
    total_rows: int
    query: str
    note: str = ""


class Whole(msgspec.Struct, frozen=True):
    """What panels are parts of: how many visitors there were, and whether there were
    any in the days compared with."""

    visitors: int
    is_compared: bool


def filled(
    asked: Asked, panel: Panel, tab: Tab, report: Report, whole: Whole
) -> Filled:
    """A panel with a report's rows."""
    tabs = list(panel.tabs)
    if tab not in tabs:
        tabs.append(tab)
    return Filled(
        panel=panel,
        tab=tab,
        tabs=[
            (
                each.label,
                written(asked.view.with_tab(panel.name, each.name)) or "?",
                each == tab,
            )
            for each in tabs
        ],
        label=formatting.label_of(tab.dimension),
        heads=[formatting.LABELS[name] for name in report.query.metrics],
        lines=lines_of(asked.view, report, asked.site.id, whole.is_compared),
        total_rows=report.total_rows,
        query=written(asked.view.with_tab(panel.name, tab.name)),
        note=adding_up(report, whole.visitors),
    )


def lines_of(view: View, report: Report, site: str, is_compared: bool) -> list[Line]:
    """The rows of a report by one dimension; `is_compared`: with their changes."""
    most = max((row.metrics[0] or 0 for row in report.rows), default=0)
    return [
        _line(
            view,
            row,
            report,
            site,
            round(100 * (row.metrics[0] or 0) / most) if most else 0,
            is_compared,
        )
        for row in report.rows
    ]


def _line(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    view: View, row: Row, report: Report, site: str, share: int, is_compared: bool
) -> Line:
    (value,), (dimension,) = row.dimensions, report.query.dimensions
    condition = Condition("is", dimension, (value,))
    is_on = condition in view.filters
    plain = view.of_page()
    chosen = plain.without_filter(condition) if is_on else narrowed(plain, condition)
    without = plain.without_filter(condition).with_filter(
        replace(condition, operator="is_not")
    )
    return Line(
        name=formatting.name_of(dimension, value),
        cells=_cells(report, row, is_compared),
        share=share,
        with_=written(chosen) or "?",
        without="" if dimension == GOAL else written(without),
        is_on=is_on,
        outside=outside(dimension, value, site),
    )


def narrowed(view: View, condition: Condition) -> View:
    """The view filtered by this value, replacing the values that include it."""
    for known in view.filters:
        is_wider = (known.operator, known.dimension) == ("is", condition.dimension)
        if is_wider and condition.values[0] in known.values:
            return view.without_filter(known).with_filter(condition)
    return view.with_filter(condition)


def _cells(report: Report, row: Row, is_compared: bool) -> list[Cell]:
    unit = currency(report.query, row.dimensions)
    before = before_of(report, row) if is_compared else None
    found = []
    for index, (metric, now) in enumerate(
        zip(report.query.metrics, row.metrics, strict=True)
    ):
        value = formatting.figure(metric, now, unit)
        if before is None or metric == "percentage":
            found.append(Cell(value))
            continue
        then = before[index]
        change, mood = formatting.changed(metric, now, then)
        found.append(Cell(value, change, mood, formatting.figure(metric, then, unit)))
    return found


def outside(dimension: str, value: str, site: str) -> str:
    """The address of what a row names; '' if that is not a page on the web."""
    if value in NO_NAMES:
        return ""
    if dimension in ("event:page", "visit:entry_page", "visit:exit_page"):
        address = f"https://{site}{value}" if value.startswith("/") else ""
    elif dimension == "visit:referrer":
        address = value if "://" in value else f"https://{value}"
    elif dimension in ("event:hostname",):
        address = f"https://{value}/"
    else:
        address = ""
    return address if is_web(address) else ""


def is_web(address: str) -> bool:
    """Whether an address may be linked: http or https, with a host."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(_HOST.fullmatch(host))


_OVER = {
    "event:page": "A visitor of two pages is in both rows",
    "event:name": "A visitor with two events is in both rows",
    GOAL: "A visitor who reached two goals is in both rows",
    "event:hostname": "A visitor of two hosts is in both rows",
}


def adding_up(report: Report, total: int) -> str:
    """Why rows add up to more than the number of visitors; '' if they do not."""
    if report.query.metrics[0] != "visitors":
        return ""
    added = sum(int(row.metrics[0] or 0) for row in report.rows)
    if added <= total:
        return ""
    (dimension,) = report.query.dimensions
    why = _OVER.get(dimension, "A visitor with two visits may be in two rows")
    return f"{why}: these are {added:,}, all visitors {total:,}."
