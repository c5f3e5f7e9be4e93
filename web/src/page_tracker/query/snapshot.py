"""One state of the lake for each question: files, and days whose table holds.

    look: newer versions of the tables → their files → the closed days that hold

A day's table holds as long as the mark that its rows were made under is the one that
the hits have: every commit of hits that touches a closed day moves that mark.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from msgspec.structs import replace

from page_tracker.days import date_of, day_number
from page_tracker.errors import LakeError
from page_tracker.lake.closed_days import OF_CLOSED_DAYS, closed_mark, made_mark
from page_tracker.lake.data_files import DataFile, files_of
from page_tracker.lake.kept_sums import forget_copies
from page_tracker.lake.lock import folder_of
from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import (
    ReadCheckpoint,
    checkpoint_reader,
    touched_since,
    transactions,
)
from page_tracker.query.lake_state import LakeState
from page_tracker.query.problem import LakeAwayError

T = TypeVar("T")


class Reading:
    """The lake, as questions read it; safe to use from many threads.

    Every method raises LakeAwayError if the lake cannot be read.
    """

    def __init__(
        self, lake: Lake, refuse_new: Callable[[], None] = lambda: None
    ) -> None:
        """`refuse_new` raises LakeError where this lake is new, in another's place.

        The files of a lake in a bucket are named by the places of their copies.
        """
        self._lake = lake
        self._refuse_new = refuse_new
        self._lock = threading.Lock()
        self._tables: dict[str, DeltaTable] = {}
        self._files: dict[str, tuple[DataFile, ...]] = {}
        # Of the tables of closed days: which days hold.
        self._closed: dict[str, dict[date, bool]] = {
            name: {} for name in OF_CLOSED_DAYS
        }
        # Of the tables that had files: which they are.
        self._ids: dict[str, str] = {}
        # Whether files of the newest state turned out to be gone.
        self._is_doubted = False

    def sources(self, days: Iterable[date] = ()) -> LakeState:
        """The present state, and which of these days are closed."""
        asked = list(days)
        return self._read(lambda: self._sources(asked))

    def drops(self) -> tuple[DataFile, ...]:
        """The present files of the table `drops`."""
        return self._read(lambda: self._look("drops"))

    def _read(self, read: Callable[[], T]) -> T:
        try:
            with self._lock:
                try:
                    return read()
                except DeltaError:  # The log was cleaned up while it was read.
                    self._forget_all()
                    return read()
        except (DeltaError, OSError) as error:
            raise _away(str(error)) from error

    def _sources(self, days: Sequence[date]) -> LakeState:
        files = {name: self._look(name) for name in ("hits", *OF_CLOSED_DAYS)}
        self._look_at_days(days)
        holding = {
            name: frozenset(day for day in days if known[day])
            for name, known in self._closed.items()
        }
        self._is_doubted = False
        return LakeState(
            hits=files["hits"],
            days=files["days"],
            visits=files["visits"],
            pages=files["pages"],
            closed=holding["days"],
            visited=holding["visits"] & holding["pages"],
            versions={name: table.version() for name, table in self._tables.items()},
        )

    def _forget_all(self) -> None:
        self._tables.clear()
        self._files.clear()
        self._forget_closed(OF_CLOSED_DAYS)

    def renew(self) -> None:
        """Open the lake again, because files of the known state are gone.

        Files that the newest state has but that are gone are left out of answers.
        """
        with self._lock:
            self._is_doubted = True
            self._forget_all()

    def _look(self, name: str) -> tuple[DataFile, ...]:
        """The files of a table as it is now; forgets closed days that changed."""
        table = self._tables.get(name)
        if table is None:
            self._forget_closed(_closed_by(name))
            table = self._opened(name)
            files = self._files_there(name, table)
            self._forget_copies(name, table)
            self._require_ours(name, table, files)
            self._tables[name], self._files[name] = table, files
            return files
        before = table.version()
        try:
            table.update_incremental()
        except DeltaError:  # The log was cleaned up since, or the lake is away.
            del self._tables[name]
            return self._look(name)
        if table.version() != before:
            self._forget(name, table, before)
            self._files[name] = self._files_of(table)
            self._forget_copies(name, table)
        return self._files[name]

    def _opened(self, name: str) -> DeltaTable:
        """A table as it is now; none is made in place of one that there was."""
        if name in self._ids and not self._lake.has(name):
            raise _away("its folder is gone")
        return self._lake.snapshot(name)

    def _require_ours(
        self, name: str, table: DeltaTable, files: tuple[DataFile, ...]
    ) -> None:
        """Raise LakeAwayError where an empty table stands in place of another one.

        It is made where a volume is not mounted any more.
        """
        identity = str(table.metadata().id)
        if not files and self._ids.get(name, identity) != identity:
            raise _away("an empty one is in its place")
        if files:
            self._ids[name] = identity
        elif name == "hits":
            try:
                self._refuse_new()
            except LakeError as error:
                raise _away(error.problem) from error

    def _files_there(self, name: str, table: DeltaTable) -> tuple[DataFile, ...]:
        """The files of a table that was opened now, less those that are lost."""
        files = self._files_of(table)
        if self._is_doubted and folder_of(table) is not None:
            there = tuple(file for file in files if Path(file.path).exists())
            # If so, they may be gone because a newer version does not need them.
            if self._lake.snapshot(name).version() == table.version():
                return there
        return files

    def _files_of(self, table: DeltaTable) -> tuple[DataFile, ...]:
        """The files of a table, by the paths where they are read."""
        files = files_of(table)
        if copies := self._lake.copies:
            return tuple(replace(file, path=copies.path(file.path)) for file in files)
        return tuple(files)

    def _forget_copies(self, name: str, table: DeltaTable) -> None:
        """Delete the copies of files of a bucket that a table does not have."""
        if self._lake.copies:
            forget_copies(self._lake, name, table.file_uris(), self._lake.grace)

    def _forget(self, name: str, table: DeltaTable, before: int) -> None:
        touched = None
        if name == "hits":
            touched = touched_since(self._lake.log(name), table, before)
        if touched is None:
            self._forget_closed(_closed_by(name))
        for day in touched or ():
            for known in self._closed.values():
                known.pop(date_of(day), None)

    def _forget_closed(self, names: Iterable[str]) -> None:
        for name in names:
            self._closed[name].clear()

    def _look_at_days(self, days: Sequence[date]) -> None:
        """Learn for which of these days each table of closed days is valid."""
        unknown = {
            name: [day for day in days if day not in known]
            for name, known in self._closed.items()
        }
        tabled = {
            name: [day_number(day) for day in days if self._has(name, day)]
            for name, days in unknown.items()
        }
        closed = sorted({day for days in tabled.values() for day in days})
        with checkpoint_reader() as read:
            marks = self._numbers("hits", list(map(closed_mark, closed)), read)
            for name, numbers in tabled.items():
                asked = [made_mark(name, day) for day in numbers]
                made = self._numbers(name, asked, read)
                valid = {
                    date_of(day)
                    for day in numbers
                    if (number := made.get(made_mark(name, day))) is not None
                    and number == marks.get(closed_mark(day))
                }
                self._closed[name] |= {day: day in valid for day in unknown[name]}

    def _has(self, name: str, day: date) -> bool:
        """Whether a table may have rows of a day."""
        return any(file.first <= day <= file.last for file in self._files[name])

    def _numbers(
        self, name: str, applications: Sequence[str], read: ReadCheckpoint
    ) -> dict[str, int]:
        """The numbers of applications' last transactions with a table."""
        log, table = self._lake.log(name), self._tables[name]
        return transactions(log, table, applications, read)


def _closed_by(name: str) -> Iterable[str]:
    """The tables whose closed days a newer state of this table may change."""
    return OF_CLOSED_DAYS if name == "hits" else {name} & {*OF_CLOSED_DAYS}


def _away(why: str) -> LakeAwayError:
    return LakeAwayError(
        f"the lake cannot be read ({why})",
        "check that its folder or bucket is there, and ask again",
    )
