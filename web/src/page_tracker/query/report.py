"""Asks a question's statement of one state of the lake and shapes the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from page_tracker.query import dates
from page_tracker.query.catalog import METRICS, TIME_BUCKETS, ZERO_WHERE_EMPTY
from page_tracker.query.plan import Days, Plan, plan
from page_tracker.query.query import Query, Range
from page_tracker.query.sources import Sources, files_of
from page_tracker.query.sql import Statement, statement

if TYPE_CHECKING:  # what only shapes answers does not load DuckDB
    from page_tracker.query.engine import Engine

Value = int | float | None

# More rows than any question has.
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its dimensions' values and its metrics, in the query's orders."""

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a question; `compared` answers it for the compared range.

    `seconds` says what took how long.
    """

    query: Query
    rows: tuple[Row, ...]
    total_rows: int
    plan: Plan
    files: Mapping[str, Sequence[str]]
    asked: Statement
    seconds: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[tuple[str, ...], tuple[Value, ...]] | None = None


def first_day(site: str, sources: Sources, engine: Engine) -> date | None:
    """The first day that a site has hits of; None where it has none. Raises as rows."""
    tables = sources.tables(Plan((), (Days(date.min, date.max),)))
    sql = (
        f"WITH hits AS ({tables['hits']}) SELECT min(day) FROM hits WHERE site = $site"
    )
    ((found,),) = engine.rows(Statement(sql, {"site": site}))
    return found if isinstance(found, date) else None


def answer(query: Query, sources: Sources, engine: Engine) -> Report:
    """Ask a question of one state of the lake; raises as Engine.rows."""
    began = time.perf_counter()
    planned = plan(query, sources.closed)
    asked = statement(query, planned, sources.tables(planned))
    compiled = time.perf_counter()
    found = engine.rows(asked)
    seconds = {"compile": compiled - began, "run": time.perf_counter() - compiled}
    rows = tuple(_row(query, values) for values in found)
    compared = None
    if query.comparison is not None:
        began = time.perf_counter()
        compared = _compared(query, query.comparison.range, rows, sources, engine)
        seconds["compare"] = time.perf_counter() - began
    files = {
        "hits": files_of(sources.hits, planned.hits),
        "days": files_of(sources.days, planned.tables),
    }
    if not found and query.total_rows and query.offset:
        # The number of rows stands beside each row, and none is left.
        first = replace(query, limit=1, offset=0)
        found = engine.rows(statement(first, planned, sources.tables(planned)))
    total = int(str(found[0][-1])) if found else 0
    return Report(query, rows, total, planned, files, asked, seconds, compared)


def _row(query: Query, values: tuple[object, ...]) -> Row:
    width = len(query.dimensions)
    metrics = zip(query.metrics, values[width:-1], strict=True)
    return Row(
        tuple(str(value) for value in values[:width]),
        tuple(shaped(name, value) for name, value in metrics),
    )


def shaped(name: str, value: object) -> Value:
    """A metric's value in the type that answers tell it in."""
    if value is None:
        return 0 if name in ZERO_WHERE_EMPTY else None
    number = float(str(value))
    if METRICS[name].type == "money":
        return number / 1000
    return number if METRICS[name].type == "float" else int(number)


def _compared(
    query: Query,
    compared: Range,
    rows: Sequence[Row],
    sources: Sources,
    engine: Engine,
) -> dict[tuple[str, ...], tuple[Value, ...]]:
    """The metrics of the compared range for each of the rows, by its dimensions."""
    if not rows:
        return {}
    moves = label_moves(query, compared)
    known = {_moved(row.dimensions, moves): row.dimensions for row in rows}
    other = replace(
        query, range=compared, comparison=None, limit=_ALL, offset=0, time_labels=False
    )
    planned = plan(other, sources.closed)
    asked = statement(other, planned, sources.tables(planned))
    found = [_row(other, values) for values in engine.rows(_only(asked, list(known)))]
    return {known[row.dimensions]: row.metrics for row in found}


def label_moves(query: Query, compared: Range) -> dict[int, dict[str, str]]:
    """Of each dimension of time, by its place: the compared range's labels by ours.

    Buckets of time are matched by their place in the range.
    """
    return {
        index: dict(zip(dates.labels(query.range, name), dates.labels(compared, name)))
        for index, name in enumerate(query.dimensions)
        if name in TIME_BUCKETS
    }


def _moved(
    dimensions: Sequence[str], moves: Mapping[int, Mapping[str, str]]
) -> tuple[str, ...]:
    return tuple(
        moves[index].get(value, "") if index in moves else value
        for index, value in enumerate(dimensions)
    )


def _only(asked: Statement, groups: Sequence[tuple[str, ...]]) -> Statement:
    """The statement with the rows of these groups alone."""
    if groups == [()]:
        return asked
    columns = {f"g{place}": list(of) for place, of in enumerate(zip(*groups))}
    dims = ", ".join(f"d{place}" for place in range(len(columns)))
    wanted = ", ".join(f"unnest(${name})" for name in columns)
    sql = f"SELECT * FROM (\n{asked.sql}\n)\nWHERE ({dims}) IN (SELECT {wanted})"
    return Statement(sql, {**asked.values, **columns})
