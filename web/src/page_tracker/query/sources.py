"""One state of the lake, as the tables that statements read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class Sources:
    """The files of one version of the lake: table → month (YYYY-MM) → Parquet files.

    `closed` are the site's days whose table still holds, `countries` names by code.
    """

    hits: Mapping[str, tuple[str, ...]]
    days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closed: frozenset[date] = frozenset()

    def tables(self, planned: Plan) -> dict[str, str]:
        """The SQL of each table that a statement reads, for the months of a plan."""
        return {
            "hits": _table(HITS, _files(self.hits, planned.hits)),
            "days": _table(DAYS, _files(self.days, planned.tables)),
        }


def _files(table: Mapping[str, tuple[str, ...]], days: tuple[Days, ...]) -> list[str]:
    return [
        path
        for month, paths in sorted(table.items())
        if any(f"{each.first:%Y-%m}" <= month <= f"{each.last:%Y-%m}" for each in days)
        for path in paths
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
