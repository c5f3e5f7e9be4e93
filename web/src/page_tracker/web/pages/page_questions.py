"""The questions that a page asks, in the query language. Pure.

Whatever a page shows can also be asked, in these words, on the command line and over
HTTP: a page has no way of its own to the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from page_tracker.query.catalog import GOAL
from page_tracker.query.query import Range
from page_tracker.web.pages.address_filter import Condition
from page_tracker.web.pages.panels import Tab
from page_tracker.web.pages.periods import as_json

Body = dict[str, Any]

FIGURES = (
    *("visitors", "visits", "pageviews"),
    *("views_per_visit", "bounce_rate", "visit_duration"),
)
# How pages were read: known only for pages, and so asked about separately.
READING = ("scroll_depth", "time_on_page")
ANY_PAGE = ["matches", "event:page", [""]]
# Rows by these are rows of events; figures of whole visits do not apply to them.
OF_EVENTS = ("event:name", "event:hostname")


class Scope(msgspec.Struct, frozen=True):
    """What all questions of a page have in common."""

    site: str
    range: Range
    compared: Range | None = None
    filters: tuple[Condition, ...] = ()
    is_any: bool = False

    @property
    def goal_is_chosen(self) -> bool:
        """Whether only visitors who reached a goal are shown."""
        return any(each.dimension == GOAL for each in self.filters)


def figures(scope: Scope) -> Body:
    """The figures of whole visits."""
    return _body(scope, FIGURES)


def reading(scope: Scope) -> Body:
    """The figures of how pages were read."""
    return _with_pages(_body(scope, READING))


def one_figure(scope: Scope, metric: str) -> Body:
    """One figure for all the days."""
    body = _body(scope, [metric])
    return _with_pages(body) if metric in READING else body


def over_time(scope: Scope, metric: str, interval: str) -> Body:
    """One figure, bucket by bucket."""
    body = _body(scope, [metric], [f"time:{interval}"])
    body["include"] = body["include"] | {"time_labels": True}
    return _with_pages(body) if metric in READING else body


def experiment(
    scope: Scope, name: str, goal: str, control: str, shares: dict[str, float]
) -> Body:
    """The question which of the groups, by a dimension's name, reached a goal."""
    body = _body(scope, ())
    kept = ("site_id", "date_range", "filters")
    return {key: body[key] for key in kept} | {
        "dimension": name,
        "goal": goal,
        "control": control,
        "shares": shares,
    }


def metrics_of(tab: Tab, scope: Scope) -> list[str]:
    """The figures of each row in a panel; rows are sorted by the first."""
    if tab.dimension == GOAL:
        return ["visitors", "events", "conversion_rate"]
    found = ["visitors", "percentage"]
    if tab.dimension == "event:name" or tab.dimension.startswith("event:props:"):
        found.insert(1, "events")
    if scope.goal_is_chosen:
        found.append("group_conversion_rate")
    return found


def columns_of(tab: Tab, scope: Scope) -> list[str]:
    """The figures of each row in the full list."""
    found = metrics_of(tab, scope)
    if tab.dimension == "event:page":
        more = ["pageviews", "visits", "bounce_rate", *READING]
    elif tab.dimension.startswith("visit:"):
        more = ["visits", "pageviews", "bounce_rate", "visit_duration"]
    elif tab.dimension == "event:hostname":
        more = ["pageviews", "visits"]
    else:
        more = []
    return found + more


def rows(scope: Scope, tab: Tab, limit: int) -> Body:
    """The first rows of a panel, and the number of all rows."""
    body = _body(scope, metrics_of(tab, scope), [tab.dimension])
    return body | {"pagination": {"limit": limit}}


def listed(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    scope: Scope, tab: Tab, order: Sequence[str], search: str, limit: int, offset: int
) -> Body:
    """A part of the full list; `order` is a metric or dimension, and its direction."""
    body = _body(scope, columns_of(tab, scope), [tab.dimension])
    body |= {
        "order_by": [list(order)],
        "pagination": {"limit": limit, "offset": offset},
    }
    if search:
        body["filters"] = [*body["filters"], searched(tab, search)]
    return body


def searched(tab: Tab, text: str) -> list[Any]:
    """The filter of a search in a list, ignoring case."""
    by = "visit:country_name" if tab.dimension == "visit:country" else tab.dimension
    return ["contains", by, [text], {"case_sensitive": False}]


def _body(scope: Scope, metrics: Sequence[str], dimensions: Sequence[str] = ()) -> Body:
    filters = [each.as_json for each in scope.filters]
    if scope.is_any and len(filters) > 1:
        filters = [["or", filters]]
    include: dict[str, Any] = {"total_rows": True} if dimensions else {}
    if scope.compared is not None:
        days = as_json(scope.compared)
        include["comparisons"] = {"mode": "custom", "date_range": days}
    return {
        "site_id": scope.site,
        "metrics": list(metrics),
        "date_range": as_json(scope.range),
        "dimensions": list(dimensions),
        "filters": filters,
        "include": include,
    }


def _with_pages(body: Body) -> Body:
    """The question with a filter by page, which figures of reading need."""
    return body | {"filters": [*body["filters"], ANY_PAGE]}
