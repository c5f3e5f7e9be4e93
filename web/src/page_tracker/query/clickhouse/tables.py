"""The lake's tables, as a ClickHouse server reads them. Pure.

`deltaLake` reads the newest version of a table, unless it is told one: all that is read
for an answer is of one state, which `Reading` has looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from page_tracker.query.clickhouse.dialect import CLICKHOUSE, quoted
from page_tracker.query.lake_state import Part
from page_tracker.schema import Column

if TYPE_CHECKING:  # it brings Delta, which a web process loads with its first question
    from page_tracker.lake.data_files import DataFile

# If the server lacks more files of a table than these, it reads the lake alone.
MOST_FETCHED = 20

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


class Place(msgspec.Struct, frozen=True):
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

    def file(self, name: str, file: DataFile, columns: Sequence[Column]) -> str:
        """The table function that reads one of its files; fails where that is gone."""
        month, base = file.path.split("/")[-2:]
        where = f"{self.address.rstrip('/')}/{name}/{month}/{base}"
        told = (where, "Parquet", structure(columns))
        if "://" not in self.address:
            return f"file({', '.join(map(quoted, told))})"
        given = (where, *filter(None, (self.key, self.secret)), *told[1:])
        return f"s3({', '.join(map(quoted, given))})"


def base_name(file: DataFile) -> str:
    """A file's name without its folders; no two files of a table have the same."""
    return file.path.rpartition("/")[2]


def filled_table(name: str) -> str:
    """The server's own table with the rows of a table of the lake."""
    return f"page_tracker_{name}"


class ServerTables(msgspec.Struct, frozen=True):
    """The tables of the lake at a place, by name; `filled` has the files whose rows the
    server has in tables of its own."""

    place: Place
    filled: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    sql = CLICKHOUSE

    def table(self, part: Part) -> str:
        """The SQL of a table as it is in a version."""
        if not part.files:
            return f"SELECT * FROM null({quoted(structure(part.columns))})"
        filled = self.filled.get(part.name, frozenset())
        others = [file for file in part.files if base_name(file) not in filled]
        if len(others) == len(part.files) or len(others) > MOST_FETCHED:
            return (
                f"SELECT * FROM {self.place.table(part.name)}"
                f" SETTINGS delta_lake_snapshot_version = {part.version}"
            )
        return self._of_both(part, others)

    def _of_both(self, part: Part, others: Sequence[DataFile]) -> str:
        """The rows that the server has itself, and those of the other files."""
        name, columns, files, _ = part
        listed = ", ".join(each.name for each in columns if each.name != "month")
        own = ", ".join(quoted(base_name(file)) for file in files if file not in others)
        selects = [f"SELECT {listed} FROM {filled_table(name)} WHERE file IN ({own})"]
        selects += [
            f"SELECT {listed} FROM {self.place.file(name, file, columns)}"
            for file in others
        ]
        return "\nUNION ALL\n".join(selects)
