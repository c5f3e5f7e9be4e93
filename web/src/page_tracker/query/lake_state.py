"""One state of the lake, as tables that statements can read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from page_tracker.query.dialect import DUCKDB, Dialect
from page_tracker.query.plan import Days, Plan, days_between, plan, runs
from page_tracker.query.query import Query, Range
from page_tracker.schema import DAYS, HITS, PAGES, VISITS, Column

if TYPE_CHECKING:  # Delta takes a second to load, and commands ask without it
    from page_tracker.lake.data_files import DataFile

SQL_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "map": "MAP(VARCHAR, VARCHAR)",
}


class Part(NamedTuple):
    """What is read of a table of the lake: these columns, in a version; and those of
    its files that have all the rows that are asked about."""

    name: str
    columns: Sequence[Column]
    files: Sequence[DataFile]
    version: int


class Reader(Protocol):
    """How a database reads the lake's tables, and the SQL that it understands."""

    @property
    def sql(self) -> Dialect: ...

    def table(self, part: Part) -> str:
        """The SQL of a table with the rows of a part, and perhaps others."""


class FilesReader:
    """DuckDB is told the files."""

    sql = DUCKDB

    def table(self, part: Part) -> str:
        """The SQL of these files, whatever the version has besides."""
        return table(part.columns, [file.path for file in part.files])


FILES = FilesReader()


class LakeState(msgspec.Struct, frozen=True):
    """The files of one state of the tables, and which versions of these it has.

    `closed` days have a valid day table, and `visited` ones valid tables of visits and
    their pages. `reader` reads the tables.
    """

    hits: tuple[DataFile, ...] = ()
    days: tuple[DataFile, ...] = ()
    closed: frozenset[date] = frozenset()
    visits: tuple[DataFile, ...] = ()
    pages: tuple[DataFile, ...] = ()
    visited: frozenset[date] = frozenset()
    versions: Mapping[str, int] = msgspec.field(default_factory=dict)
    reader: Reader = FILES

    def plan(self, query: Query) -> Plan:
        """Where each day of a question is best read from."""
        return plan(query, self.closed, self.visited)

    def tables(self, planned: Plan) -> dict[str, str]:
        """The SQL of each table that a statement reads, for the days of a plan."""
        found = {"hits": self.hits_of(planned.hits)}
        if planned.tables:
            found["days"] = self._table("days", DAYS, self.days, planned.tables)
        if planned.visits:
            of_visits = planned.visits
            found["visits"] = self._table("visits", VISITS, self.visits, of_visits)
            found["pages"] = self._table("pages", PAGES, self.pages, of_visits)
        return found

    def _table(
        self,
        name: str,
        columns: Sequence[Column],
        files: Iterable[DataFile],
        days: tuple[Days, ...],
    ) -> str:
        version = self.versions.get(name, 0)
        part = Part(name, columns, files_with(files, days), version)
        return self.reader.table(part)

    def read_by(self, planned: Plan) -> dict[str, list[str]]:
        """The paths of the files that a plan reads, by table."""
        return {
            "hits": paths_of(self.hits, planned.hits),
            "visits": paths_of(self.visits, planned.visits),
            "pages": paths_of(self.pages, planned.visits),
            "days": paths_of(self.days, planned.tables),
        }

    def hits_of(self, days: tuple[Days, ...]) -> str:
        """The SQL of the hits of these days."""
        return self._table("hits", HITS, self.hits, days)

    def span(self) -> Days | None:
        """The days from the first to the last of the hits; None if there are none."""
        if not self.hits:
            return None
        return Days(
            min(file.first for file in self.hits), max(file.last for file in self.hits)
        )

    def over(self, asked: Range, days: tuple[Days, ...]) -> tuple[Days, ...]:
        """Those of the days that are closed and whole in a range, which may cut its
        first and its last day."""
        return runs(
            day
            for each in days
            for day in days_between(each)
            if day in self.closed
            and (asked.start is None or asked.first < day < asked.last)
        )

    def hits_about(self, days: tuple[Days, ...]) -> int:
        """Roughly how many hits these days have, if a file's are spread evenly."""
        return _rows_about(self.hits, days)

    def visits_about(self, days: tuple[Days, ...]) -> int:
        """Roughly how many visits these days have."""
        return _rows_about(self.visits, days)


def _rows_about(files: Iterable[DataFile], days: tuple[Days, ...]) -> int:
    return round(sum(file.rows * _share(file, days) for file in files))


def paths_of(files: Iterable[DataFile], days: tuple[Days, ...]) -> list[str]:
    """The paths of the files that may have rows of these days."""
    return [file.path for file in files_with(files, days)]


def files_with(files: Iterable[DataFile], days: tuple[Days, ...]) -> list[DataFile]:
    """The files that may have rows of these days."""
    return [
        file
        for file in files
        if any(file.first <= each.last and each.first <= file.last for each in days)
    ]


def _share(file: DataFile, days: tuple[Days, ...]) -> float:
    """Which share of a file's days these are, 0 to 1."""
    common = sum(
        max(0, (min(file.last, each.last) - max(file.first, each.first)).days + 1)
        for each in days
    )
    return common / ((file.last - file.first).days + 1)


def table(columns: Sequence[Column], files: Sequence[str]) -> str:
    """The SQL of a table with these columns, read from these files."""
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
