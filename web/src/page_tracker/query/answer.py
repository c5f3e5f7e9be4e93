"""A report as JSON, in the shape of Plausible's Stats API v2. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from page_tracker.query.buckets import labels
from page_tracker.query.catalog import GOAL, METRICS, TIME_BUCKETS
from page_tracker.query.query import Query, Range, counted_goals, currencies, currency
from page_tracker.query.report import Report, Row, Value, label_moves, nothing

# Metrics that are percentages: a change of them is given in points.
POINTS = frozenset(
    {"bounce_rate", "percentage", "conversion_rate", "group_conversion_rate"}
    | {"scroll_depth"}
)
# The Stats API's codes for why there is no revenue.
NO_REVENUE = {
    "no_revenue_goals_matching": "the goals asked about have no revenue;"
    " ask about a goal with a currency",
    "no_single_revenue_currency": "the goals asked about have revenue in several"
    " currencies; ask by goal, or filter by goals of one currency",
}


def as_json(report: Report, imports: str = "") -> dict[str, Any]:
    """The answer to a question, as JSON.

    `imports` is the code that tells why no imports are included, if that was asked.
    """
    query = report.query
    meta: dict[str, Any] = {}
    if query.imports:
        meta["imports_included"] = not imports
        if imports:
            meta["imports_skip_reason"] = imports
    if query.time_labels:
        name = next(each for each in query.dimensions if each in TIME_BUCKETS)
        meta["time_labels"] = list(labels(query.range, name))
    if query.total_rows:
        meta["total_rows"] = report.total_rows
    if warnings := metric_warnings(query):
        meta["metric_warnings"] = warnings
    moves = label_moves(query, query.comparison.range) if query.comparison else {}
    return {
        "results": [_result(report, row, moves) for row in report.rows],
        "meta": meta,
        "query": query_as_json(query),
    }


def metric_warnings(query: Query) -> dict[str, dict[str, str]]:
    """Why metrics are null: code and warning, by the metric."""
    found = currencies(counted_goals(query))
    if not found:
        code = "no_revenue_goals_matching"
    elif len(found) > 1 and GOAL not in query.dimensions:
        code = "no_single_revenue_currency"
    else:
        return {}
    return {
        name: {"code": code, "warning": NO_REVENUE[code]}
        for name in query.metrics
        if METRICS[name].type == "money"
    }


def _result(
    report: Report, row: Row, moves: Mapping[int, Mapping[str, str]]
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "metrics": _values(report.query, row, row.metrics),
        "dimensions": list(row.dimensions),
    }
    if report.compared is not None:
        before = before_of(report, row)
        result["comparison"] = {
            "dimensions": [
                moves[index].get(value) if index in moves else value
                for index, value in enumerate(row.dimensions)
            ],
            "metrics": _values(report.query, row, before),
            "change": [
                change(name, now, then)
                for name, now, then in zip(
                    report.query.metrics, row.metrics, before, strict=True
                )
            ],
        }
    return result


def before_of(report: Report, row: Row) -> tuple[Value, ...]:
    """A row's metrics in the compared range; zeros for a group that it did not have."""
    known = report.compared or {}
    return known.get(row.dimensions) or nothing(report.query, row.dimensions)


def change(metric: str, now: Value, before: Value) -> Value:
    """A metric's change in percent; for a percentage, in points."""
    if now is None or before is None:
        return None
    if metric in POINTS:
        return round(now - before, 2)
    if before == 0:
        return 100 if now > 0 else 0
    return round(100 * (now - before) / before)


def _values(query: Query, row: Row, metrics: tuple[Value, ...]) -> list[Any]:
    unit = currency(query, row.dimensions)
    return [
        money(value, unit) if METRICS[name].type == "money" else value
        for name, value in zip(query.metrics, metrics, strict=True)
    ]


def money(value: Value, unit: str) -> dict[str, Any] | None:
    """An amount with its texts; None without a currency, or an amount."""
    if value is None or not unit:
        return None
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= 0.99995 * size:  # is rounded to 1.0 of it
            short = f"{value / size:.1f}{letter}"
            break
    else:
        short = f"{value:.1f}"
    return {
        "value": value,
        "currency": unit,
        "short": f"{unit} {short}",
        "long": f"{unit} {value:,.2f}",
    }


def query_as_json(query: Query) -> dict[str, Any]:
    """A query as it was understood: asking it again gives the same answer."""
    include: dict[str, Any] = {
        name: True
        for name in ("imports", "time_labels", "total_rows")
        if getattr(query, name)
    }
    if query.comparison is not None:
        include["comparisons"] = {
            "mode": "custom",
            "date_range": range_as_json(query.comparison.range),
        }
    return {
        "site_id": query.site,
        "metrics": list(query.metrics),
        "date_range": range_as_json(query.range),
        "dimensions": list(query.dimensions),
        "filters": json.loads(query.written),
        "order_by": [[name, "desc" if down else "asc"] for name, down in query.order],
        "include": include,
        "pagination": {"limit": query.limit, "offset": query.offset},
    }


def range_as_json(asked: Range) -> list[str]:
    """The first and the last second of a range."""
    zone = ZoneInfo(asked.timezone)
    if asked.start is not None and asked.end is not None:
        start, end = asked.start.astimezone(zone), asked.end.astimezone(zone)
        return [_second(start), _second(end - timedelta(seconds=1))]
    midnight = datetime.min.time()
    after = datetime.combine(asked.last + timedelta(days=1), midnight, zone)
    last = (after.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)
    first = datetime.combine(asked.first, midnight, zone)
    return [_second(first.astimezone(UTC).astimezone(zone)), _second(last)]


def _second(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
