"""DuckDB, bounded: what runs the statements of questions.

One engine a process; each question has a cursor of its own, a limit of time, and shares
the engine's limit of memory. Nothing is fetched, installed or written by the engine.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import overload

import duckdb

from page_tracker.lake.engine import connect
from page_tracker.query import countries
from page_tracker.query.allowance import Allowance
from page_tracker.query.clock import AGAIN, Clock
from page_tracker.query.problem import (
    BusyError,
    FilesGone,
    NobodyWaitsError,
    QuestionTooCostlyError,
)
from page_tracker.query.sql import Partial, Statement

# Questions that are answered at once; further ones wait for as long as one may take.
AT_ONCE = 4

# What a row of hits or day tables takes at most that is kept in memory.
BYTES_A_ROW = 250

# The part of the memory that DuckDB may fill with rows; what it does not count (files'
# footers, its threads, answers on their way) needs the rest.
OF_ROWS = 0.8

# What does not count in a question's time while the block is being run.
Paused = Callable[[], AbstractContextManager[None]]

# A column of a file: the type of SQL, and the values.
Column = tuple[str, Sequence[object]]


@dataclass(slots=True)
class _Kept:
    """A table that is remembered, and how many sessions read it just now."""

    name: str
    rows: int
    readers: int


class Memory:
    """Tables of what statements gave that are asked again and again.

    Files do not change, and a statement names its files: so what it gave stays true.
    What was not read for the longest time is forgotten beyond `most_rows` rows in all.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, _Kept] = OrderedDict()
        self._numbers = itertools.count()

    def read(self, asked: Statement, cursor: duckdb.DuckDBPyConnection) -> _Kept:
        """The table of a statement's rows; it is there until it is `let_go`."""
        key = (asked.sql, *asked.values.items())
        if (kept := self._known(key)) is not None:
            return kept
        name = f"remembered{next(self._numbers)}"
        cursor.execute(f"CREATE TABLE {name} AS {asked.sql}", asked.values)
        ((rows,),) = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        if (kept := self._known(key, _Kept(name, int(rows), 0))).name != name:
            cursor.execute(f"DROP TABLE {name}")  # another session was faster
        return kept

    @overload
    def _known(self, key: object) -> _Kept | None: ...

    @overload
    def _known(self, key: object, new: _Kept) -> _Kept: ...

    def _known(self, key: object, new: _Kept | None = None) -> _Kept | None:
        """What is kept of a statement, and now read; else what is new."""
        with self._lock:
            kept = self._kept.get(key, new)
            if kept is not None:
                self._kept[key] = kept
                self._kept.move_to_end(key)
                kept.readers += 1
            return kept

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return sum(kept.rows for kept in list(self._kept.values()))

    def let_go(self, kept: _Kept, cursor: duckdb.DuckDBPyConnection) -> None:
        """Say that a session does not read a table any more."""
        with self._lock:
            kept.readers -= 1
            size = self.rows
            for key, each in list(self._kept.items()):
                if size > self._most_rows and not each.readers:
                    cursor.execute(f"DROP TABLE {each.name}")
                    size -= each.rows
                    del self._kept[key]


class Session:
    """What runs the statements of one asker, one after the other.

    `most_rows` is how many rows of hits it should keep at once, and that in a `large`
    piece of work: only one is done at a time.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        memory: Memory,
        most_rows: int,
        large: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._cursor = cursor
        self._memory = memory
        self._remembered: list[_Kept] = []
        # How many rows tables of sums had when they were last added up.
        self._summed: dict[str, int] = {}
        self.most_rows = most_rows
        self.large = large

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        return list(self._cursor.execute(asked.sql, asked.values).fetchall())

    def keep(self, name: str, asked: Statement) -> None:
        """Keep the rows of a statement as a table, in place of what it held."""
        self._summed.pop(name, None)
        self._cursor.execute(f"DROP TABLE IF EXISTS {name}")
        self._cursor.execute(f"CREATE TEMP TABLE {name} AS {asked.sql}", asked.values)

    def add(self, partial: Partial) -> None:
        """Add to a table of sums that is kept; where it doubles, add it up again."""
        name, asked = partial.name, partial.sums
        self._cursor.execute(f"INSERT INTO {name} BY NAME {asked.sql}", asked.values)
        if self._count(name) > 2 * self._summed.get(name, self.most_rows // 16):
            self.keep("summed_again", partial.again)
            self._cursor.execute(f"DROP TABLE {name}")
            self._cursor.execute(f"ALTER TABLE summed_again RENAME TO {name}")
            self._summed[name] = self._count(name)

    def _count(self, name: str) -> int:
        ((rows,),) = self._cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        return int(rows)

    def remembered(self, asked: Statement) -> str:
        """The name of a table with the rows of a statement, kept beyond the session."""
        kept = self._memory.read(asked, self._cursor)
        self._remembered.append(kept)
        return kept.name

    def end(self) -> None:
        """Leave what is remembered to others."""
        for kept in self._remembered:
            self._memory.let_go(kept, self._cursor)


class Engine:
    """DuckDB in this process's memory, bounded; safe to use from many threads.

    `memory` is in bytes, and of all questions together; `seconds` of each.
    """

    def __init__(
        self, memory: int = 512_000_000, seconds: float = 30.0, threads: int = 2
    ) -> None:
        limit = f"{int(OF_ROWS * memory)}B"
        self._root = connect(limit, threads, in_order=False)
        self._root.execute("SET parquet_metadata_cache = true")
        self._root.execute(*countries.table())
        # pylint: disable-next=consider-using-with  # it lives as long as the engine
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._seconds = seconds
        self.most_rows = memory // 4 // BYTES_A_ROW
        self._large = threading.Lock()
        self._clock = Clock()
        self._memory = Memory(memory // 10 // BYTES_A_ROW)

    def allowance(self, is_wanted: Callable[[], bool] | None = None) -> Allowance:
        """What one question may take, or a list of them; `is_wanted` as there."""
        found = Allowance(self._seconds, self._seconds)
        return found if is_wanted is None else replace(found, is_wanted=is_wanted)

    def rows(
        self, asked: Statement, allowed: Allowance | None = None
    ) -> list[tuple[object, ...]]:
        """All rows of a statement; raises as `session`."""
        with self.session(allowed) as session:
            return session.rows(asked)

    @contextmanager
    def session(self, allowed: Allowance | None = None) -> Iterator[Session]:
        """Statements that are run one after the other, and bounded together.

        By what is left of an allowance, else by a new one.

        Raises:
            QuestionTooCostlyError: they took too long, or needed too much memory.
            BusyError: too many others are being answered.
            NobodyWaitsError: nobody wants the answer any more.
            FilesGone: files that they read are no more, or cannot be read.
        """
        allowed = allowed or self.allowance()
        with self._cursor(allowed) as (cursor, paused):
            alone = partial(self._alone, allowed, paused)
            session = Session(cursor, self._memory, self.most_rows, alone)
            try:
                yield session
            finally:
                session.end()

    def write_parquet(self, columns: Mapping[str, Column], path: Path) -> None:
        """Write columns, by their names, into a file; raises as `rows`."""
        places = ", ".join(
            f"unnest($c{index}::{kind}[]) AS {_identifier(name)}"
            for index, (name, (kind, _)) in enumerate(columns.items())
        )
        values = {
            f"c{index}": list(values)
            for index, (_, values) in enumerate(columns.values())
        }
        with self._cursor(self.allowance()) as (cursor, _):
            found = cursor.sql(f"SELECT {places}", params=values)
            found.write_parquet(str(path), compression="zstd")

    @contextmanager
    def _alone(self, allowed: Allowance, paused: Paused) -> Iterator[None]:
        """Wait until nobody else does large work; meanwhile others are answered.

        What it may take of time is not counted while it waits.
        """
        with paused(), allowed.waiting() as patience:
            self._free.release()
            try:
                # pylint: disable-next=consider-using-with  # it is released below
                is_alone = self._large.acquire(timeout=patience)
            finally:
                # pylint: disable-next=consider-using-with  # the session releases it
                self._free.acquire()
        if not is_alone:
            raise _busy()
        try:
            yield
        finally:
            self._large.release()

    @contextmanager
    def _cursor(
        self, allowed: Allowance
    ) -> Iterator[tuple[duckdb.DuckDBPyConnection, Paused]]:
        """A cursor whose work is bounded, and what does not count in its time."""
        if allowed.seconds <= 0:
            raise self._too_long()
        with allowed.waiting() as patience:
            if not self._free.acquire(timeout=patience):
                raise _busy()
        cursor = self._root.cursor()
        try:
            with self._limited(cursor, allowed) as paused:
                yield cursor, paused
        except duckdb.InterruptException as error:
            if not allowed.is_wanted():
                raise NobodyWaitsError(
                    "nobody waits for the answer any more", "ask again"
                ) from error
            raise self._too_long() from error
        except duckdb.OutOfMemoryException as error:
            raise QuestionTooCostlyError(
                "the question needs more memory than questions have",
                "ask for fewer days or dimensions, or give them more by"
                " PAGE_TRACKER_QUERY_MEMORY",
            ) from error
        except duckdb.Error as error:
            if _is_about_files(error):
                raise FilesGone(str(error)) from error
            raise
        finally:
            cursor.close()
            self._free.release()

    def _too_long(self) -> QuestionTooCostlyError:
        return QuestionTooCostlyError(
            f"the question was stopped after {self._seconds:g} s",
            "ask for fewer days, or give questions more by PAGE_TRACKER_QUERY_SECONDS",
        )

    @contextmanager
    def _limited(
        self, cursor: duckdb.DuckDBPyConnection, allowed: Allowance
    ) -> Iterator[Paused]:
        """Stop a cursor when its time is over, or nobody waits for it any more."""

        def look() -> None:
            if not allowed.is_wanted():
                cursor.interrupt()

        limiting = self._clock.limiting
        with (
            allowed.working(),
            limiting(look, AGAIN),
            limiting(cursor.interrupt, allowed.seconds) as paused,
        ):
            yield paused


def _is_about_files(error: duckdb.Error) -> bool:
    """Whether files are gone or damaged; some damage has no class of its own."""
    return (
        isinstance(error, duckdb.IOException)
        or not isinstance(error, duckdb.DatabaseError)
        or "parquet" in str(error).lower()
    )


def _busy() -> BusyError:
    return BusyError("other questions are being answered", "ask again in a moment")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
