"""DuckDB, bounded: what runs the statements of questions.

One engine for each process; each question has its own cursor and time limit, and shares
the engine's memory limit. Nothing is fetched, installed or written by the engine. What
bounds questions that come at once:

    Turns.one_of_some   so many are answered at once; the others wait    (a semaphore)
    Turns.alone         one of them does large work; while one waits for
                        that, another is answered in its place           (a lock)
    Timers.limiting     each is stopped when its time is over            (one thread)
    TableCache          they share tables, which go when nobody reads    (a lock)
                        them and others need the room
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

import duckdb
from msgspec.structs import replace

from page_tracker.errors import LakeError
from page_tracker.lake.duckdb_connection import connect
from page_tracker.lake.table_files import TableFiles
from page_tracker.query import countries
from page_tracker.query.concurrency import Paused, Turns
from page_tracker.query.lake_state import LakeState
from page_tracker.query.problem import (
    FilesGoneError,
    LakeAwayError,
    QuestionTooCostlyError,
    nobody_waits,
)
from page_tracker.query.resting import Resting
from page_tracker.query.runner import Result, run
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import Statement, SumTable
from page_tracker.query.table_cache import CachedTable, TableCache
from page_tracker.query.time_budget import TimeBudget
from page_tracker.query.timers import AGAIN, Timers

if TYPE_CHECKING:  # Delta takes a second to load
    from page_tracker.lake.kept_sums import KeptSums

# The most memory that a kept row of hits or day tables takes, in bytes.
BYTES_A_ROW = 250

# Fewer hits are read again in less time than their sums are kept and found.
WORTH_KEEPING = 100_000

# The share of memory that DuckDB may fill with rows; what it does not count (files'
# footers, its threads, answers in transit) needs the rest.
OF_ROWS = 0.8

# Seconds without a question after which DuckDB's memory is given back. Opening it
# again takes some milliseconds, and what was worked out is kept in files.
REST = 60.0

# Has the files that the SQL of a statement names put there.
Fetch = Callable[[str], None]

# A column of a file: its SQL type, and its values.
Column = tuple[str, Sequence[object]]


class Opened(NamedTuple):
    """DuckDB in memory, and the tables in it that outlast a question."""

    root: duckdb.DuckDBPyConnection
    cache: TableCache


class Session:
    """Runs the statements of one asker, one after the other.

    `max_rows` is how many rows of hits it should keep at once, and that in a `large`
    piece of work: only one is done at a time. The sums of `worth_keeping` or more hits
    that will not change should be kept. `fetch` has the files that a statement names
    put there before it reads them, where they lie elsewhere.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        cache: TableCache,
        max_rows: int,
        worth_keeping: int,
        large: Callable[[], AbstractContextManager[None]],
        fetch: Fetch,
    ) -> None:
        self._cursor = cursor
        self._cache = cache
        self._cached: list[CachedTable] = []
        # How many rows tables of sums had when they were last added up.
        self._summed: dict[str, int] = {}
        self.max_rows = max_rows
        self.worth_keeping = worth_keeping
        self.large = large
        self._fetch = fetch

    def as_read(self, state: LakeState) -> LakeState:
        """The state itself: its files are read."""
        return state

    def run(self, asks: Iterable[Ask], sources: LakeState) -> dict[Ask, Result]:
        """The rows of each ask's statement."""
        return run(asks, sources, self)

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        self._fetch(asked.sql)
        return list(self._cursor.execute(asked.sql, asked.values).fetchall())

    def keep(self, name: str, asked: Statement) -> None:
        """Keep the rows of a statement as a table, replacing its contents."""
        self._fetch(asked.sql)
        self._summed.pop(name, None)
        self._cursor.execute(f"DROP TABLE IF EXISTS {name}")
        self._cursor.execute(f"CREATE TEMP TABLE {name} AS {asked.sql}", asked.values)

    def add(self, table: SumTable) -> None:
        """Add to a kept table of sums; when it has doubled, sum it up again."""
        name, asked = table.name, table.sums
        self._fetch(asked.sql)
        self._cursor.execute(f"INSERT INTO {name} BY NAME {asked.sql}", asked.values)
        if self._count(name) > 2 * self._summed.get(name, self.max_rows // 16):
            self.keep("summed_again", table.again)
            self._cursor.execute(f"DROP TABLE {name}")
            self._cursor.execute(f"ALTER TABLE summed_again RENAME TO {name}")
            self._summed[name] = self._count(name)

    def _count(self, name: str) -> int:
        ((rows,),) = self._cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        return int(rows)

    def recalled(self, asked: Statement, made_of: TableFiles) -> str | None:
        """The name of the kept table with the rows of a statement, which reads these
        files; None where it has to be made.
        """
        return self._held(self._cache.recall(asked, made_of, self._cursor))

    def remembered(
        self, asked: Statement, made_of: TableFiles, rows: Statement | None = None
    ) -> str:
        """The name of a table with the rows of a statement, which reads these files;
        kept beyond the session. `rows` gives the same where they are known already.
        """
        kept = self._cache.recall(asked, made_of, self._cursor)
        if kept is None:
            self._fetch((rows or asked).sql)
            kept = self._cache.keep(asked, made_of, rows or asked, self._cursor)
        return self._held(kept)

    @overload
    def _held(self, kept: CachedTable) -> str: ...

    @overload
    def _held(self, kept: CachedTable | None) -> str | None: ...

    def _held(self, kept: CachedTable | None) -> str | None:
        """Note that a cached table is read until the session ends."""
        if kept is None:
            return None
        self._cached.append(kept)
        return kept.name

    def end(self) -> None:
        """Release the cached tables."""
        for kept in self._cached:
            self._cache.let_go(kept, self._cursor)


class Engine:
    """DuckDB in this process's memory, bounded; safe to use from many threads.

    `memory` is in bytes, and of all questions together; `seconds` of each. `kept` has
    what was worked out before, by whatever process; sums of hits where these are
    `worth_keeping` or more. `fetch` puts the files that some SQL names there, where
    they lie elsewhere, and raises OSError. Its memory is given back when it has rested.
    """

    def __init__(
        self,
        memory: int = 512_000_000,
        seconds: float = 30.0,
        threads: int = 2,
        kept: KeptSums | None = None,
        worth_keeping: int = WORTH_KEEPING,
        fetch: Fetch = lambda sql: None,
    ) -> None:
        open_duckdb = partial(_open_duckdb, memory, threads, kept)
        self._duckdb = Resting(open_duckdb, _close_duckdb, REST)
        self._seconds, self._worth_keeping = seconds, worth_keeping
        self._fetch_named = fetch
        self.max_rows = memory // 4 // BYTES_A_ROW
        self._turns = Turns()
        self._timers = Timers()

    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        """A new budget, for one question or a list; `is_wanted` as in TimeBudget."""
        found = TimeBudget(self._seconds, self._seconds)
        return found if is_wanted is None else replace(found, is_wanted=is_wanted)

    def rows(
        self, asked: Statement, budget: TimeBudget | None = None
    ) -> list[tuple[object, ...]]:
        """All rows of a statement. Raises as `session`."""
        with self.session(budget) as session:
            return session.rows(asked)

    @contextmanager
    def session(self, budget: TimeBudget | None = None) -> Iterator[Session]:
        """Run statements one after the other, under one common limit.

        The limit is what is left of `budget`, or a new budget.

        Raises QuestionTooCostlyError if they took too long, or needed too much memory,
        BusyError if too many others are being answered, NobodyWaitsError if nobody
        wants the answer any more, or FilesGoneError if files that they read are no
        more, or cannot be read.
        """
        budget = budget or self.budget()
        with self._cursor(budget) as (cursor, cache, paused):
            alone = partial(self._turns.alone, budget, paused)
            session = Session(
                cursor,
                cache,
                self.max_rows,
                self._worth_keeping,
                alone,
                self._fetch,
            )
            try:
                yield session
            finally:
                session.end()

    def _fetch(self, sql: str) -> None:
        try:
            self._fetch_named(sql)
        except LakeError as error:
            raise LakeAwayError(error.problem, error.remedy) from error
        except OSError as error:
            raise FilesGoneError(str(error)) from error

    def write_parquet(self, columns: Mapping[str, Column], path: Path) -> None:
        """Write columns, by their names, into a file. Raises as `rows`."""
        places = ", ".join(
            f"unnest($c{index}::{kind}[]) AS {_identifier(name)}"
            for index, (name, (kind, _)) in enumerate(columns.items())
        )
        values = {
            f"c{index}": list(values)
            for index, (_, values) in enumerate(columns.values())
        }
        with self._cursor(self.budget()) as (cursor, _, _):
            found = cursor.sql(f"SELECT {places}", params=values)
            found.write_parquet(str(path), compression="zstd")

    @contextmanager
    def _cursor(
        self, budget: TimeBudget
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, TableCache, Paused]]:
        """A cursor whose work is bounded, its cache, a way to pause its time limit."""
        if budget.seconds <= 0:
            raise self._too_long()
        with (
            self._turns.one_of_some(budget),
            self._duckdb.used() as (root, cache),
            root.cursor() as cursor,
            self._errors_named(budget),
            self._limited(cursor, budget) as paused,
        ):
            yield cursor, cache, paused

    @contextmanager
    def _errors_named(self, budget: TimeBudget) -> Iterator[None]:
        """Translate DuckDB's errors into those that `session` raises."""
        try:
            yield
        except duckdb.InterruptException as error:
            if not budget.is_wanted():
                raise nobody_waits() from error
            raise self._too_long() from error
        except duckdb.OutOfMemoryException as error:
            raise QuestionTooCostlyError(
                "the question needs more memory than questions have",
                "ask for fewer days or dimensions, or give them more by"
                " PAGE_TRACKER_QUERY_MEMORY",
            ) from error
        except duckdb.Error as error:
            if _is_about_files(error):
                raise FilesGoneError(str(error)) from error
            raise

    def _too_long(self) -> QuestionTooCostlyError:
        return QuestionTooCostlyError(
            f"the question was stopped after {self._seconds:g} s",
            "ask for fewer days, or give questions more by PAGE_TRACKER_QUERY_SECONDS",
        )

    @contextmanager
    def _limited(
        self, cursor: duckdb.DuckDBPyConnection, budget: TimeBudget
    ) -> Iterator[Paused]:
        """Interrupt a cursor when its time is over, or when nobody waits for it."""

        def look() -> None:
            if not budget.is_wanted():
                cursor.interrupt()

        limiting = self._timers.limiting
        with (
            budget.working(),
            limiting(look, AGAIN),
            limiting(cursor.interrupt, budget.seconds) as paused,
        ):
            yield paused


def _open_duckdb(memory: int, threads: int, kept: KeptSums | None) -> Opened:
    root = connect(f"{int(OF_ROWS * memory)}B", threads, in_order=False)
    root.execute("SET parquet_metadata_cache = true")
    # What questions have freed goes back to the system within seconds.
    root.execute("SET allocator_background_threads = true")
    root.execute(*countries.table())
    return Opened(root, TableCache(memory // 10 // BYTES_A_ROW, kept))


def _close_duckdb(opened: Opened) -> None:
    opened.root.close()


def _is_about_files(error: duckdb.Error) -> bool:
    """Whether files are missing or damaged; some damage has no class of its own."""
    return (
        isinstance(error, duckdb.IOException)
        or not isinstance(error, duckdb.DatabaseError)
        or "parquet" in str(error).lower()
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
