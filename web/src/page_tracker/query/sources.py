"""One state of the lake, as the tables that statements read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from page_tracker.query.plan import Days, Plan
from page_tracker.schema import DAYS, HITS, Column

SQL_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "map": "MAP(VARCHAR, VARCHAR)",
}


@dataclass(frozen=True, slots=True)
class File:
    """A Parquet file and the days of its rows, both included."""

    path: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one state of both tables; `closed` days have a table that holds."""

    hits: tuple[File, ...] = ()
    days: tuple[File, ...] = ()
    closed: frozenset[date] = frozenset()

    def tables(self, planned: Plan) -> dict[str, str]:
        """The SQL of each table that a statement reads, for the days of a plan."""
        found = {"hits": _table(HITS, files_of(self.hits, planned.hits))}
        if planned.tables:
            found["days"] = _table(DAYS, files_of(self.days, planned.tables))
        return found


def files_of(files: Iterable[File], days: tuple[Days, ...]) -> list[str]:
    """The paths of the files that may have rows of these days."""
    return [
        file.path
        for file in files
        if any(file.first <= each.last and each.first <= file.last for each in days)
    ]


def _table(columns: tuple[Column, ...], files: list[str]) -> str:
    if not files:
        nothing = ", ".join(
            f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in columns
        )
        return f"SELECT {nothing} WHERE false"
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return (
        f"SELECT * FROM read_parquet([{listed}], hive_partitioning = true,"
        " hive_types_autocast = false)"
    )
