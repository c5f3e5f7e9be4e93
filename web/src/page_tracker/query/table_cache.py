"""Tables in memory that outlast a question: what is asked again and again."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from page_tracker.query.sql import Statement

if TYPE_CHECKING:
    import duckdb


@dataclass(slots=True)
class CachedTable:
    """A table that is remembered, and how many sessions read it just now."""

    name: str
    rows: int
    readers: int


class TableCache:
    """Tables of what statements gave; safe to use from many threads.

    Files do not change, and a statement names its files: so what it gave stays true.
    What was not read for the longest time is forgotten beyond `max_rows` rows in all.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, CachedTable] = OrderedDict()
        self._numbers = itertools.count()

    def read(self, asked: Statement, cursor: duckdb.DuckDBPyConnection) -> CachedTable:
        """The table of a statement's rows; it is there until it is `let_go`."""
        key = (asked.sql, *asked.values.items())
        if (kept := self._known(key)) is not None:
            return kept
        name = f"remembered{next(self._numbers)}"
        cursor.execute(f"CREATE TABLE {name} AS {asked.sql}", asked.values)
        ((rows,),) = cursor.execute(f"SELECT count(*) FROM {name}").fetchall()
        if (kept := self._known(key, CachedTable(name, int(rows), 0))).name != name:
            cursor.execute(f"DROP TABLE {name}")  # another session was faster
        return kept

    @overload
    def _known(self, key: object) -> CachedTable | None: ...

    @overload
    def _known(self, key: object, new: CachedTable) -> CachedTable: ...

    def _known(self, key: object, new: CachedTable | None = None) -> CachedTable | None:
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

    def let_go(self, kept: CachedTable, cursor: duckdb.DuckDBPyConnection) -> None:
        """Say that a session does not read a table any more."""
        with self._lock:
            kept.readers -= 1
            size = self.rows
            for key, each in list(self._kept.items()):
                if size > self._max_rows and not each.readers:
                    cursor.execute(f"DROP TABLE {each.name}")
                    size -= each.rows
                    del self._kept[key]
