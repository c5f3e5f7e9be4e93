"""Runs a question's statement in DuckDB over the lake's files and shapes the answer.

One engine a process; each question has a cursor of its own, a limit of time, and shares
the engine's limit of memory. Nothing is fetched, installed or written by the engine.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from page_tracker.query import dates
from page_tracker.query.catalog import METRICS, TIME_BUCKETS, ZERO_WHERE_EMPTY
from page_tracker.query.plan import Plan, plan
from page_tracker.query.query import Query, Range
from page_tracker.query.sources import Sources
from page_tracker.query.sql import Statement, statement

Value = int | float | None


class QuestionTooCostly(Exception):
    """A question was stopped at its limit of time or memory."""


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its dimensions' values and its metrics, in the query's orders."""

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a question; `compared` answers it for the compared range."""

    query: Query
    rows: tuple[Row, ...]
    total_rows: int
    plan: Plan
    currency: str = ""
    compared: Mapping[tuple[str, ...], tuple[Value, ...]] | None = None


class Engine:
    """DuckDB in this process's memory, bounded; safe to use from many threads."""

    def __init__(self, memory: str = "512MB", threads: int = 2, seconds: float = 30.0):
        self._root = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": "",
                "parquet_metadata_cache": True,
                "preserve_insertion_order": False,
            }
        )
        self._root.execute("SET TimeZone = 'UTC'")
        self._seconds = seconds

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement.

        Raises:
            QuestionTooCostly: it took too long, or needed too much memory.
        """
        with self._cursor() as cursor:
            try:
                return list(cursor.execute(asked.sql, asked.values).fetchall())
            except duckdb.InterruptException as error:
                raise QuestionTooCostly(
                    f"the question was stopped after {self._seconds:g} s;"
                    " ask for fewer days, or filter less"
                ) from error
            except duckdb.OutOfMemoryException as error:
                raise QuestionTooCostly(
                    "the question needs more memory than a question may have;"
                    " ask for fewer days or dimensions"
                ) from error

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._root.cursor()
        timer = threading.Timer(self._seconds, cursor.interrupt)
        timer.start()
        try:
            yield cursor
        finally:
            timer.cancel()
            timer.join()
            cursor.close()


def answer(query: Query, sources: Sources, engine: Engine) -> Report:
    """Ask a question of one state of the lake.

    Raises:
        QuestionTooCostly: see Engine.rows.
    """
    planned = plan(query, sources.closed, _currency(query))
    found = engine.rows(statement(query, planned, sources.tables(planned)))
    rows = [_row(query, values) for values in found]
    total = int(str(found[0][-1])) if found else 0
    if query.time_labels:
        rows = _labelled(query, rows)
    compared = None
    if query.comparison is not None:
        compared = _compared(query, query.comparison.range, sources, engine)
    return Report(query, tuple(rows), total, planned, planned.currency, compared)


def _currency(query: Query) -> str:
    """The one currency of the query's goals; '' where they have several, or none."""
    found = {goal.currency for goal in query.goals if goal.currency}
    return found.pop() if len(found) == 1 else ""


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


def _labelled(query: Query, rows: list[Row]) -> list[Row]:
    """The rows with those for empty buckets, where time is the only dimension."""
    if len(query.dimensions) != 1 or query.dimensions[0] not in TIME_BUCKETS:
        return rows
    known = {row.dimensions[0]: row for row in rows}
    empty = tuple(shaped(name, 0) for name in query.metrics)
    return [
        known.get(label, Row((label,), empty))
        for label in dates.labels(query.range, query.dimensions[0])
    ]


def _compared(
    query: Query, compared: Range, sources: Sources, engine: Engine
) -> dict[tuple[str, ...], tuple[Value, ...]]:
    """The metrics of the compared range, by the dimensions of the asked one.

    Buckets of time are matched by their place in the range.
    """
    other = replace(
        query,
        range=compared,
        comparison=None,
        limit=10_000,
        offset=0,
        time_labels=False,
    )
    planned = plan(other, sources.closed, _currency(other))
    found = engine.rows(statement(other, planned, sources.tables(planned)))
    moved: dict[int, dict[str, str]] = {
        index: dict(zip(dates.labels(compared, name), dates.labels(query.range, name)))
        for index, name in enumerate(query.dimensions)
        if name in TIME_BUCKETS
    }
    rows = (_row(other, values) for values in found)
    return {
        tuple(
            moved[index].get(value, "") if index in moved else value
            for index, value in enumerate(row.dimensions)
        ): row.metrics
        for row in rows
    }
