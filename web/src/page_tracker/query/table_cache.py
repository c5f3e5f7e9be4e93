"""Tables that outlast a question, for what is asked again and again.

in memory → or from a file, if any process has kept it → or computed, and kept
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

import duckdb

from page_tracker.query.sql import Statement

if TYPE_CHECKING:  # Delta takes a second to load
    from page_tracker.lake.kept_sums import KeptSums


@dataclass(slots=True)
class CachedTable:
    """A cached table, and how many sessions are reading it."""

    name: str
    rows: int
    readers: int


class TableCache:
    """Tables with the results of statements; safe to use from many threads.

    Files do not change, and a statement names its files, so its result stays valid.
    Beyond `max_rows` rows in all, the table that was read longest ago is dropped.
    `files` keeps it for others, and for the time after a restart.
    """

    def __init__(self, max_rows: int, files: KeptSums | None = None) -> None:
        self._max_rows = max_rows
        self._files = files
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, CachedTable] = OrderedDict()
        self._numbers = itertools.count()

    def read(
        self,
        asked: Statement,
        files: Sequence[str],
        cursor: duckdb.DuckDBPyConnection,
    ) -> CachedTable:
        """The table of the rows of a statement that reads these files.

        It is there until it is `let_go`.
        """
        key = (asked.sql, *asked.values.items())
        if (kept := self._known(key)) is not None:
            return kept
        name = f"remembered{next(self._numbers)}"
        self._create(name, asked, files, cursor)
        ((rows,),) = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        if (kept := self._known(key, CachedTable(name, int(rows), 0))).name != name:
            cursor.execute(f"DROP TABLE {name}")  # another session was faster
        return kept

    def _create(
        self,
        name: str,
        asked: Statement,
        files: Sequence[str],
        cursor: duckdb.DuckDBPyConnection,
    ) -> None:
        sums = repr((asked.sql, *asked.values.items()))
        if self._files is None:
            cursor.execute(f"CREATE TABLE {name} AS {asked.sql}", asked.values)
        elif not self._loaded(name, self._files.path(sums, files), cursor):
            cursor.execute(f"CREATE TABLE {name} AS {asked.sql}", asked.values)
            self._files.keep(sums, files, partial(_write, name, cursor))

    def _loaded(
        self, name: str, path: Path | None, cursor: duckdb.DuckDBPyConnection
    ) -> bool:
        """Whether the table could be made from a file."""
        if path is None or self._files is None:
            return False
        try:
            cursor.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_parquet($path)",
                {"path": str(path)},
            )
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error:  # it went meanwhile, or is damaged
            self._files.forget(path)
            return False
        return True

    @overload
    def _known(self, key: object) -> CachedTable | None: ...

    @overload
    def _known(self, key: object, new: CachedTable) -> CachedTable: ...

    def _known(self, key: object, new: CachedTable | None = None) -> CachedTable | None:
        """The cached table of a statement, now being read; or else `new`."""
        with self._lock:
            kept = self._kept.get(key, new)
            if kept is not None:
                self._kept[key] = kept
                self._kept.move_to_end(key)
                kept.readers += 1
            return kept

    @property
    def rows(self) -> int:
        """The number of cached rows."""
        return sum(kept.rows for kept in list(self._kept.values()))

    def let_go(self, kept: CachedTable, cursor: duckdb.DuckDBPyConnection) -> None:
        """Note that a session no longer reads a table."""
        with self._lock:
            kept.readers -= 1
            size = self.rows
            for key, each in list(self._kept.items()):
                if size > self._max_rows and not each.readers:
                    cursor.execute(f"DROP TABLE {each.name}")
                    size -= each.rows
                    del self._kept[key]


def _write(name: str, cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    cursor.table(name).write_parquet(str(path), compression="zstd")
