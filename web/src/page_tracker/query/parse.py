"""From JSON to a Query. Every refusal has a JSON pointer to the place (RFC 6901).

The grammar is that of Plausible's Stats API v2. Pure: what is known about the site, and
the time, are arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from page_tracker.query import buckets, dates
from page_tracker.query.catalog import (
    DIMENSIONS,
    GOAL,
    METRICS,
    TIME_BUCKETS,
    Metric,
)
from page_tracker.query.filters import is_property, parse_filters
from page_tracker.query.problem import QueryError, escaped, nearest
from page_tracker.query.query import (
    Comparison,
    Leaf,
    Query,
    Range,
    all_leaves,
    event_dimensions,
    goals_named,
    leaves,
    without_what_always_holds,
)
from page_tracker.sites.goal import Goal

KEYS = (
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
)
INCLUDES = ("imports", "time_labels", "total_rows", "comparisons")
# The ranges that a question can be compared with, besides a custom one.
MODES: dict[str, Callable[[Range], Range]] = {
    "previous_period": dates.previous,
    "year_over_year": dates.year_over_year,
}
MAX_ROWS = 10_000
MAX_DIMENSIONS = 8
MAX_LABELS = 100_000


class Known(msgspec.Struct, frozen=True):
    """What has to be known about a site to understand a question about it."""

    site: str
    timezone: str
    now: datetime
    # Returns the site's first day with data.
    begun: Callable[[], date]
    goals: tuple[Goal, ...] = ()
    # Filters by the segment's id, as JSON.
    segments: Mapping[int, object] = msgspec.field(default_factory=dict)


def parse(body: object, known: Known) -> Query:
    """Understand a question.

    Raises QueryError if it is not one; says where and what would be right.
    """
    if not isinstance(body, dict):
        raise QueryError("#", "a query is a JSON object")
    for key in body:
        if key not in KEYS:
            raise QueryError(
                f"#/{escaped(key)}", f"unknown key{nearest(str(key), KEYS)}"
            )
    for key in ("site_id", "metrics", "date_range"):
        if key not in body:
            raise QueryError(f"#/{key}", "is required")
    asked = _range(body["date_range"], known, "#/date_range")
    dimensions = _dimensions(body.get("dimensions", []), asked)
    metrics = _metrics(body["metrics"])
    include = _object(body.get("include", {}), "#/include", INCLUDES)
    limit, offset = _pagination(body.get("pagination", {}))
    query = Query(
        site=known.site,
        metrics=metrics,
        range=asked,
        dimensions=dimensions,
        filter=parse_filters(body.get("filters", []), known.segments),
        order=(
            _order(body["order_by"], metrics, dimensions)
            if "order_by" in body
            else _usual_order(metrics, dimensions)
        ),
        limit=limit,
        offset=offset,
        goals=known.goals,
        time_labels=_flag(include, "time_labels"),
        total_rows=_flag(include, "total_rows"),
        imports=_flag(include, "imports"),
        comparison=(
            _comparison(include["comparisons"], asked, known)
            if "comparisons" in include
            else None
        ),
        written=json.dumps(body.get("filters", [])),
    )
    _check_labels(query)
    _check_sense(query)
    return replace(query, filter=without_what_always_holds(query.filter))


def _list(value: object, pointer: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise QueryError(pointer, "must be a list")
    return value


def _object(
    value: object, pointer: str, names: tuple[str, ...]
) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise QueryError(pointer, "must be an object")
    for key in value:
        if key not in names:
            raise QueryError(
                f"{pointer}/{escaped(key)}", f"unknown key{nearest(str(key), names)}"
            )
    return value


def _flag(include: Mapping[str, object], name: str) -> bool:
    value = include.get(name, False)
    if not isinstance(value, bool):
        raise QueryError(f"#/include/{name}", "must be true or false")
    return value


def _metrics(value: object) -> tuple[str, ...]:
    found: list[str] = []
    for index, name in enumerate(_list(value, "#/metrics")):
        pointer = f"#/metrics/{index}"
        if not isinstance(name, str) or name not in METRICS:
            raise QueryError(
                pointer, f'Invalid metric "{name}"{nearest(str(name), METRICS)}'
            )
        if name in found:
            raise QueryError(pointer, f'metric "{name}" is asked for twice')
        found.append(name)
    if not found:
        raise QueryError("#/metrics", "at least one metric is required")
    return tuple(found)


def _dimensions(value: object, asked: Range) -> tuple[str, ...]:
    found: list[str] = []
    names = _list(value, "#/dimensions")
    if len(names) > MAX_DIMENSIONS:
        raise QueryError("#/dimensions", f"at most {MAX_DIMENSIONS} dimensions")
    for index, name in enumerate(names):
        pointer = f"#/dimensions/{index}"
        if name == "time":
            name = buckets.bucket(asked)
        if not isinstance(name, str) or not is_dimension(name):
            valid = ("time", *TIME_BUCKETS, *DIMENSIONS)
            raise QueryError(
                pointer, f'Invalid dimension "{name}"{nearest(str(name), valid)}'
            )
        if name in found:
            raise QueryError(pointer, f'dimension "{name}" is asked for twice')
        found.append(name)
    return tuple(found)


def is_dimension(name: str) -> bool:
    """Whether a query may be asked by this; also by any property of events."""
    return name in DIMENSIONS or name in TIME_BUCKETS or is_property(name)


def _range(value: object, known: Known, pointer: str) -> Range:
    if isinstance(value, str):
        if value not in dates.WORDS and not re.fullmatch(dates.COUNTED, value):
            hint = nearest(value, dates.WORDS)
            raise QueryError(pointer, f'Invalid date range "{value[:100]}"{hint}')
        try:
            return _named_range(value, known)
        except ValueError as error:
            raise QueryError(pointer, str(error)) from error
    ends = _list(value, pointer)
    if len(ends) != 2 or not all(isinstance(end, str) for end in ends):
        raise QueryError(
            pointer, "must be a name or two dates, like [2026-01-01, 2026-01-31]"
        )
    first, last = str(ends[0]), str(ends[1])
    try:
        if len(first) == len(last) == len("2026-01-31"):
            return dates.days_range(
                dates.parse_day(first), dates.parse_day(last), known.timezone
            )
        return dates.instants_range(
            dates.parse_instant(first), dates.parse_instant(last), known.timezone
        )
    except (ValueError, OverflowError) as error:
        raise QueryError(pointer, str(error)) from error


def _named_range(word: str, known: Known) -> Range:
    today = known.now.astimezone(ZoneInfo(known.timezone)).date()
    begun = known.begun() if word == "all" else today
    return dates.named_range(word, known.timezone, known.now, begun)


def _usual_order(
    metrics: tuple[str, ...], dimensions: tuple[str, ...]
) -> tuple[tuple[str, bool], ...]:
    """By time, if the question has a dimension of time, then largest first."""
    times = [(name, False) for name in dimensions if name in TIME_BUCKETS]
    return (*times[:1], (metrics[0], True))


def _order(
    value: object, metrics: tuple[str, ...], dimensions: tuple[str, ...]
) -> tuple[tuple[str, bool], ...]:
    found: list[tuple[str, bool]] = []
    for index, part in enumerate(_list(value, "#/order_by")):
        pointer = f"#/order_by/{index}"
        pair = _list(part, pointer)
        if len(pair) != 2 or pair[1] not in ("asc", "desc"):
            raise QueryError(pointer, 'must be [name, "asc"] or [name, "desc"]')
        name = pair[0]
        if name == "time":
            name = next((each for each in dimensions if each in TIME_BUCKETS), "time")
        if name not in metrics and name not in dimensions:
            raise QueryError(
                f"{pointer}/0", f'"{name}" is neither a metric nor a dimension here'
            )
        if any(name == known for known, _ in found):
            raise QueryError(f"{pointer}/0", f'"{name}" is ordered by twice')
        found.append((str(name), pair[1] == "desc"))
    return tuple(found)


def _pagination(value: object) -> tuple[int, int]:
    pages = _object(value, "#/pagination", ("limit", "offset"))
    limit = _number(pages.get("limit", MAX_ROWS), "#/pagination/limit", 1, MAX_ROWS)
    offset = _number(pages.get("offset", 0), "#/pagination/offset", 0, 2**31 - 1)
    return limit, offset


def _number(value: object, pointer: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise QueryError(pointer, "must be a whole number")
    if not least <= value <= most:
        raise QueryError(pointer, f"must be {least} to {most}")
    return value


def _comparison(value: object, asked: Range, known: Known) -> Comparison:
    pointer = "#/include/comparisons"
    keys = ("mode", "date_range", "match_day_of_week")
    wanted = _object(value, pointer, keys)
    matched = wanted.get("match_day_of_week", False)
    if not isinstance(matched, bool):
        raise QueryError(f"{pointer}/match_day_of_week", "must be true or false")
    try:
        compared = _compared(wanted, asked, known, pointer)
        if matched:
            compared = dates.weekdays_matched(asked, compared)
    except (ValueError, OverflowError) as error:
        if isinstance(error, QueryError):
            raise
        raise QueryError(pointer, str(error)) from error
    return Comparison(compared)


def _compared(
    wanted: Mapping[str, object], asked: Range, known: Known, pointer: str
) -> Range:
    mode, has_range = wanted.get("mode"), "date_range" in wanted
    if mode == "custom":
        if not has_range:
            raise QueryError(f"{pointer}/date_range", "is required with custom")
        return _range(wanted["date_range"], known, f"{pointer}/date_range")
    if not isinstance(mode, str) or mode not in MODES:
        raise QueryError(f"{pointer}/mode", f"must be {', '.join(MODES)} or custom")
    if has_range:
        raise QueryError(f"{pointer}/date_range", "goes with the mode custom only")
    return MODES[mode](asked)


def _check_labels(query: Query) -> None:
    """Refuse to list, or to pair for a comparison, more buckets than the limit."""
    times = [name for name in query.dimensions if name in TIME_BUCKETS]
    if query.time_labels:
        pointer = "#/include/time_labels"
        if not times:
            raise QueryError(pointer, "needs a dimension of time")
        _check_number(query.range, times, pointer)
    if query.comparison is not None:
        for asked in (query.range, query.comparison.range):
            _check_number(asked, times, "#/include/comparisons")


def _check_number(asked: Range, times: Sequence[str], pointer: str) -> None:
    if any(buckets.max_labels(asked, name) > MAX_LABELS for name in times):
        raise QueryError(
            pointer, f"has more than {MAX_LABELS} labels of time; ask for fewer days"
        )


def _check_sense(query: Query) -> None:
    """Refuse metrics that are invalid with the query's dimensions and filters."""
    names = set(query.dimensions)
    _check_goals(query)
    # The event that has_done asks for is not among those that are counted.
    asked = names | {leaf.dimension for leaf in leaves(query.filter)}
    # The dimensions by which measures of visits are not defined.
    apart = set(event_dimensions(query)) - {"event:page"}
    if "event:page" in names:
        apart -= {"event:hostname"}
    for index, name in enumerate(query.metrics):
        problem = _problem(METRICS[name], names, asked, apart)
        if problem:
            raise QueryError(f"#/metrics/{index}", f'metric "{name}" {problem}')


def _check_goals(query: Query) -> None:
    """Refuse to filter by goals that the site does not have."""
    for leaf in all_leaves(query.filter):
        for value in leaf.values if _names_goals(leaf) else ():
            if not goals_named(replace(leaf, values=(value,)), query.goals):
                hint = nearest(value, [goal.name for goal in query.goals])
                if not query.goals:
                    hint = "; this site has no goals: add it first"
                raise QueryError("#/filters", f'there is no goal "{value[:100]}"{hint}')


def _names_goals(leaf: Leaf) -> bool:
    return leaf.dimension == GOAL and leaf.operator == "is"


def _problem(metric: Metric, names: set[str], asked: set[str], apart: set[str]) -> str:
    """Why a metric is invalid here; '' if it is valid."""
    if metric.needs == "dimension" and not names:
        return "needs a dimension"
    if metric.needs == "goal" and metric.type != "money" and GOAL not in asked:
        return "needs event:goal as a dimension or filter"
    if metric.needs == "page" and "event:page" not in asked:
        return "needs event:page as a dimension or filter"
    if metric.of_visits and apart:
        return f"cannot be told by {', '.join(sorted(apart))}"
    return ""
