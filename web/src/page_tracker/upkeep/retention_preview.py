"""What a site's retention would delete, before it does.

The upkeep deletes it for good within a minute (`upkeep/lake_upkeep.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from page_tracker.days import date_of
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake, quoted
from page_tracker.plural import counted
from page_tracker.sites.site import Site, first_kept


class RetentionPreview(NamedTuple):
    """How many hits would be deleted, and the first and last day of them."""

    hits: int
    first: date
    last: date

    def in_words(self) -> str:
        """For people: how many, from which days."""
        days = f"{self.first}"
        if self.first != self.last:
            days += f" to {self.last}"
        return f"{counted(self.hits, 'hit')} of {days}"


# Of a site as it would be, and a time in seconds since 1970; None if nothing goes.
PreviewRetention = Callable[[Site, float], RetentionPreview | None]


def preview_retention(lake: Lake, site: Site, now: float) -> RetentionPreview | None:
    """The hits that the next upkeep deletes if a site has these settings.

    `now` is in seconds since 1970. Raises DeltaError or OSError if the lake is away.
    """
    for name, day in first_kept([site], now):
        condition = f"day < DATE '{date_of(day)}' AND site = {quoted(name)}"
        if files := lake.paths(lake.snapshot("hits"), condition):
            with engine() as connection:
                rows = rows_in(connection, files).filter(condition)
                found = rows.aggregate("count(*), min(day), max(day)").fetchall()[0]
                return RetentionPreview(*found) if found[0] else None
    return None
