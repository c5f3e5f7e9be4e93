"""Which days of a question the day tables answer, which the visits of closed days, and
which the hits. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from page_tracker.query.catalog import (
    DIMENSIONS,
    PAGE,
    PROPS_PREFIX,
    TIME_BUCKETS,
    dimension,
)
from page_tracker.query.query import Query, Range, all_leaves, leaves, measures_of
from page_tracker.query.strategies import WHOLE_DAYS

# Measures in a day's table; shares are computed when a question is asked.
TABLED_MEASURES = frozenset(
    {"visitors", "visits", "views", "events", "entered", "entered_views", "landed"}
    | {
        "bounces",
        "since",
        "scroll",
        "scrolled",
        "engaged",
        "engaged_visits",
        "all_visitors",
    }
)
# Measures of reading, and the dimensions by which a day's table has them.
READING_MEASURES = frozenset({"scroll", "scrolled", "engaged", "engaged_visits"})
READING_DIMENSIONS = frozenset({"", PAGE})
# Dimensions in a day's table; `''` is the site as a whole.
TABLED_DIMENSIONS = ("", *(name for name in DIMENSIONS if name != "event:goal"))


def tabled(measure: str) -> str:
    """The column of a day's table for a measure: without filters all visits land."""
    return "entered" if measure == "landed" else measure


class Days(msgspec.Struct, frozen=True):
    """A run of days, both ends included."""

    first: date
    last: date


class Plan(msgspec.Struct, frozen=True):
    """Where each day of a question is read from."""

    tables: tuple[Days, ...]
    hits: tuple[Days, ...]
    visits: tuple[Days, ...] = ()


def can_use_tables(query: Query) -> bool:
    """Whether day tables answer the query exactly, for days whose table is valid."""
    if query.range.start is not None or query.filter.parts:
        return False
    needed = set(measures_of(query))
    if not needed <= TABLED_MEASURES:
        return False
    times = [name for name in query.dimensions if name in TIME_BUCKETS]
    others = [name for name in query.dimensions if name not in TIME_BUCKETS]
    if any(name in ("time:hour", "time:minute") for name in times) or len(others) > 1:
        return False
    if needed & READING_MEASURES and not {*others, ""} <= READING_DIMENSIONS:
        return False
    return all(
        name in TABLED_DIMENSIONS and not name.startswith(PROPS_PREFIX)
        for name in others
    )


def can_use_visits(query: Query) -> bool:
    """Whether visits answer the query exactly, for days whose visits are known: it asks
    of whole visits only, by what all hits of a visit have in common, or by page."""
    filtered = leaves(query.filter)
    if query.range.start is not None or filtered != all_leaves(query.filter):
        return False
    dims = {*query.dimensions} - WHOLE_DAYS
    needed = set(measures_of(query))
    if dims == {PAGE}:
        is_known = not needed & READING_MEASURES
    else:
        is_known = all(dimension(name).scope == "visit" for name in dims)
    return (
        is_known
        and needed <= TABLED_MEASURES
        and all(dimension(leaf.dimension).scope == "visit" for leaf in filtered)
    )


def runs(days: Iterable[date]) -> tuple[Days, ...]:
    """Days in any order, as runs of consecutive days."""
    found: list[Days] = []
    for day in sorted(set(days)):
        if found and found[-1].last + timedelta(days=1) == day:
            found[-1] = Days(found[-1].first, day)
        else:
            found.append(Days(day, day))
    return tuple(found)


def plan(
    query: Query, closed: frozenset[date], visited: frozenset[date] = frozenset()
) -> Plan:
    """The plan for a query; `closed` days have a valid day table, and `visited` ones a
    valid table of visits."""
    asked = Days(query.range.first, query.range.last)
    if can_use_tables(query):
        tables, hits = _divided(asked, closed)
        return Plan(tables, hits)
    if can_use_visits(query):
        visits, hits = _divided(asked, visited)
        return Plan((), hits, visits)
    return Plan((), (asked,))


@lru_cache(maxsize=64)  # all questions of a page are about the same days
def _divided(
    asked: Days, chosen: frozenset[date]
) -> tuple[tuple[Days, ...], tuple[Days, ...]]:
    """Those of the days that are among the chosen, and the others."""
    days = days_between(asked)
    return (
        runs(day for day in days if day in chosen),
        runs(day for day in days if day not in chosen),
    )


def days_of(asked: Range) -> list[date]:
    """All days of a range."""
    return days_between(Days(asked.first, asked.last))


def days_between(run: Days) -> list[date]:
    """All days of a run."""
    count = (run.last - run.first).days + 1
    return [run.first + timedelta(days=step) for step in range(count)]


def without(days: Iterable[Days], others: Iterable[Days]) -> tuple[Days, ...]:
    """The days of some runs that are in none of the others."""
    gone = {day for each in others for day in days_between(each)}
    return runs(day for each in days for day in days_between(each) if day not in gone)
