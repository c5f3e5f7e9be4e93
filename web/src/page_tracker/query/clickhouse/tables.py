"""The lake's tables, as a ClickHouse server reads them. Pure.

`deltaLake` reads the newest version of a table, unless it is told one: all that is read
for an answer is of one state, which `Reading` has looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from page_tracker.query.clickhouse.dialect import CLICKHOUSE, quoted
from page_tracker.schema import Column

if TYPE_CHECKING:  # it brings Delta, which a web process loads with its first question
    from page_tracker.lake.data_files import DataFile

_TYPES = {
    "string": "String",
    "int32": "Int32",
    "int64": "Int64",
    "bool": "Bool",
    "date": "Date32",
    "timestamp": "DateTime64(6, 'UTC')",
    "map": "Map(String, String)",
}


def structure(columns: Sequence[Column]) -> str:
    """The columns with their types; without the partition, which no question reads."""
    return ", ".join(
        f"{column.name} {_type_of(column)}"
        for column in columns
        if column.name != "month"
    )


def _type_of(column: Column) -> str:
    found = _TYPES[column.type]
    return f"Nullable({found})" if column.nullable else found


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server finds the lake: a folder below its user_files_path, or the
    address of a bucket; with the key to that, if there is one."""

    address: str
    key: str = ""
    secret: str = ""

    def table(self, name: str) -> str:
        """The table function that reads a table of the lake."""
        where = f"{self.address.rstrip('/')}/{name}"
        if "://" not in self.address:
            return f"deltaLakeLocal({quoted(where)})"
        given = [where, *filter(None, (self.key, self.secret))]
        return f"deltaLake({', '.join(map(quoted, given))})"


@dataclass(frozen=True, slots=True)
class ServerTables:
    """The tables of the lake at a place, by name."""

    place: Place
    sql = CLICKHOUSE

    def table(
        self,
        name: str,
        columns: Sequence[Column],
        files: Sequence[DataFile],
        version: int,
    ) -> str:
        """The SQL of a table as it is in a version."""
        if not files:
            return f"SELECT * FROM null({quoted(structure(columns))})"
        return (
            f"SELECT * FROM {self.place.table(name)}"
            f" SETTINGS delta_lake_snapshot_version = {version}"
        )
