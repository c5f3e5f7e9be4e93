"""Tables that outlast a question, for what is asked again and again.

in memory → or from a file, if any process has kept it → or computed, and kept
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

import duckdb
import msgspec

from page_tracker.lake.table_files import TableFiles
from page_tracker.query.sql import Statement

if TYPE_CHECKING:  # Delta takes a second to load
    from page_tracker.lake.kept_sums import KeptSums


class CachedTable(msgspec.Struct):
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

    def recall(
        self, asked: Statement, made_of: TableFiles, cursor: duckdb.DuckDBPyConnection
    ) -> CachedTable | None:
        """The table with the rows of a statement that reads these files, if it is kept.

        It is there until it is `let_go`.
        """
        if (kept := self._known(_key(asked))) is not None or self._files is None:
            return kept
        name = f"remembered{next(self._numbers)}"
        if not self._loaded(name, self._files.path(_text(asked), made_of), cursor):
            return None
        return self._shared(name, asked, cursor)

    def keep(
        self,
        asked: Statement,
        made_of: TableFiles,
        rows: Statement,
        cursor: duckdb.DuckDBPyConnection,
    ) -> CachedTable:
        """Keep what `rows` gives as the rows of a statement that reads these files.

        The table is there until it is `let_go`.
        """
        name = f"remembered{next(self._numbers)}"
        cursor.execute(f"CREATE TABLE {name} AS {rows.sql}", rows.values)
        if self._files is not None:
            self._files.keep(_text(asked), made_of, partial(_write, name, cursor))
        return self._shared(name, asked, cursor)

    def _shared(
        self, name: str, asked: Statement, cursor: duckdb.DuckDBPyConnection
    ) -> CachedTable:
        """A new table, or that of another session which was faster."""
        ((rows,),) = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        kept = self._known(_key(asked), CachedTable(name, int(rows), 0))
        if kept.name != name:
            cursor.execute(f"DROP TABLE {name}")
        return kept

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


def _key(asked: Statement) -> object:
    return (asked.sql, *asked.values.items())


def _text(asked: Statement) -> str:
    """What tells a statement from all others, in all processes."""
    return repr(_key(asked))


def _write(name: str, cursor: duckdb.DuckDBPyConnection, path: Path) -> None:
    cursor.table(name).write_parquet(str(path), compression="zstd")
