"""Runs a question's statement in DuckDB over the lake's files and shapes the answer.

One engine a process; each question has a cursor of its own, a limit of time, and shares
the engine's limit of memory. Nothing is fetched, installed or written by the engine.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from page_tracker.errors import PageTrackerError
from page_tracker.query import dates
from page_tracker.query.catalog import METRICS, TIME_BUCKETS, ZERO_WHERE_EMPTY
from page_tracker.query.plan import Days, Plan, plan
from page_tracker.query.query import Query, Range
from page_tracker.query.sources import Sources, files_of
from page_tracker.query.sql import Statement, statement

Value = int | float | None

COUNTRIES = Path(__file__).with_name("countries.csv")

# Questions that are answered at once; further ones wait for as long as one may take.
AT_ONCE = 4


class QuestionTooCostlyError(PageTrackerError):
    """A question was stopped at its limit of time or memory."""


class BusyError(PageTrackerError):
    """Other questions are being answered; this one was not begun."""


class FilesGone(Exception):
    """Files of the state that was asked were cleaned up since: take a newer one."""


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


class Engine:
    """DuckDB in this process's memory, bounded; safe to use from many threads.

    `memory` is in bytes, and of all questions together; `seconds` of each.
    """

    def __init__(
        self, memory: int = 512_000_000, seconds: float = 30.0, threads: int = 2
    ) -> None:
        self._root = duckdb.connect(
            config={
                "memory_limit": f"{memory}B",
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": "",
                "preserve_insertion_order": False,
            }
        )
        self._root.execute("SET TimeZone = 'UTC'")
        self._root.execute("SET parquet_metadata_cache = true")
        # pylint: disable-next=consider-using-with  # it lives as long as the engine
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._root.execute(
            "CREATE TABLE countries AS SELECT code, name FROM"
            " read_csv($file, header = true, all_varchar = true)",
            {"file": str(COUNTRIES)},
        )
        self._seconds = seconds

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement.

        Raises:
            QuestionTooCostlyError: it took too long, or needed too much memory.
            BusyError: too many others are being answered.
            FilesGone: files that it reads are no more.
        """
        with self._cursor() as cursor:
            return list(cursor.execute(asked.sql, asked.values).fetchall())

    def write_parquet(self, asked: Statement, query: Query, path: Path) -> None:
        """Write the rows of a query's statement into a file; raises as `rows`."""
        names = [*query.dimensions, *query.metrics]
        places = [f"d{index}" for index in range(len(query.dimensions))]
        for index, name in enumerate(query.metrics):
            kind = METRICS[name].type
            scaled = {"integer": f"m{index}::BIGINT", "money": f"m{index} / 1000"}
            places.append(scaled.get(kind, f"m{index}"))
        columns = ", ".join(
            f"{place} AS {_identifier(name)}"
            for place, name in zip(places, names, strict=True)
        )
        with self._cursor() as cursor:
            found = cursor.sql(asked.sql, params=asked.values)
            found.project(columns).write_parquet(str(path), compression="zstd")

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if not self._free.acquire(timeout=self._seconds):
            raise BusyError(
                "other questions are being answered", "ask again in a moment"
            )
        cursor = self._root.cursor()
        timer = threading.Timer(self._seconds, cursor.interrupt)
        timer.start()
        try:
            yield cursor
        except duckdb.InterruptException as error:
            raise QuestionTooCostlyError(
                f"the question was stopped after {self._seconds:g} s",
                "ask for fewer days, or give questions more by"
                " PAGE_TRACKER_QUERY_SECONDS",
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise QuestionTooCostlyError(
                "the question needs more memory than questions have",
                "ask for fewer days or dimensions, or give them more by"
                " PAGE_TRACKER_QUERY_MEMORY",
            ) from error
        except duckdb.IOException as error:
            if "No such file" in str(error) or "No files found" in str(error):
                raise FilesGone(str(error)) from error
            raise
        finally:
            timer.cancel()
            timer.join()
            cursor.close()
            self._free.release()


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
    compared = None
    if query.comparison is not None:
        began = time.perf_counter()
        compared = _compared(query, query.comparison.range, sources, engine)
        seconds["compare"] = time.perf_counter() - began
    rows = tuple(_row(query, values) for values in found)
    files = {
        "hits": files_of(sources.hits, planned.hits),
        "days": files_of(sources.days, planned.tables),
    }
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
    planned = plan(other, sources.closed)
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


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
