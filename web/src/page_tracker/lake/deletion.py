"""Deleting hits for good: a site's, a page's, of some days, or all of these at once.

    store: open visits end (collect/removal.py) → what was set aside is replayed
      → writer: what waits goes to the lake → lake, day by day: rows gone, the visits
      that they leave are numbered anew, one commit → counters lowered
      → files, orphans and log cleaned → append-only file written anew

Whatever it is killed at, the same deletion once more finishes it: each step does
nothing where there is nothing left to do. What a day's commit takes off the counters is
noted in the store before it, and taken off after it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from page_tracker.collect.removal import Removal
from page_tracker.lake.engine import engine, rows_in
from page_tracker.lake.lock import alone
from page_tracker.lake.table import PARQUET, Lake, closed_mark, day_of, quoted
from page_tracker.lake.upkeep import remove_unfinished
from page_tracker.lake.writer import Done, Writer


@dataclass(frozen=True)
class Selection:
    """Which hits: of a site, of one page, of the days from `first` to `last`."""

    site: str
    path: str | None = None
    first: int | None = None
    last: int | None = None

    @property
    def is_whole_site(self) -> bool:
        return self.path is None and not self.has_days

    @property
    def has_days(self) -> bool:
        return self.first is not None or self.last is not None

    def condition(self) -> str:
        """The rows of `hits`, as a condition of SQL."""
        parts = [f"site = {quoted(self.site)}", *self._days()]
        if self.path is not None:
            parts.append(f"path = {quoted(self.path)}")
        return " AND ".join(parts)

    def of_drops(self) -> str | None:
        """The rows of `drops`: none where a page is meant."""
        if self.path is not None:
            return None
        return " AND ".join([f"site = {quoted(self.site)}", *self._days()])

    def _days(self) -> Iterator[str]:
        if self.first is not None:
            yield f"day >= DATE '{date_of(self.first)}'"
        if self.last is not None:
            yield f"day <= DATE '{date_of(self.last)}'"


def date_of(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


# A visit without its deleted hits: those that are left, numbered as if there had been
# no others. Its visitor, source and place stay what they were.
RENUMBERED = """
SELECT left_over.* REPLACE (
    CASE WHEN step > 0 THEN counted ELSE 0 END::INTEGER AS step,
    CASE WHEN view > 0 THEN views ELSE 0 END::INTEGER AS view,
    CASE WHEN interaction > 0 THEN interactions ELSE 0 END::INTEGER AS interaction,
    CASE WHEN step > 0 THEN coalesce(ms - last_ms, 0) ELSE 0 END::INTEGER AS since,
    (ms - first_ms)::INTEGER AS elapsed,
    row_number() OVER (PARTITION BY day, visitor ORDER BY {order}) = 1 AS arrival,
    CASE WHEN view > 0 AND views > 1 THEN last_path ELSE '' END AS previous,
    CASE WHEN view > 0 AND views > 1 THEN last_host ELSE '' END AS previous_hostname,
    first_path AS entry_path,
    first_host AS entry_hostname
) EXCLUDE (counted, views, interactions, ms, first_ms, last_ms, first_path, first_host,
    last_path, last_host)
FROM (
    SELECT *,
        count(*) FILTER (step > 0) OVER so_far AS counted,
        count(*) FILTER (view > 0) OVER so_far AS views,
        count(*) FILTER (interaction > 0) OVER so_far AS interactions,
        epoch_ms(time) AS ms,
        first_value(CASE WHEN step > 0 THEN epoch_ms(time) END IGNORE NULLS) OVER so_far
            AS first_ms,
        first_value(CASE WHEN step > 0 THEN path END IGNORE NULLS) OVER so_far
            AS first_path,
        first_value(CASE WHEN step > 0 THEN hostname END IGNORE NULLS) OVER so_far
            AS first_host,
        max(CASE WHEN step > 0 THEN epoch_ms(time) END) OVER before AS last_ms,
        last_value(CASE WHEN view > 0 THEN path END IGNORE NULLS) OVER before
            AS last_path,
        last_value(CASE WHEN view > 0 THEN hostname END IGNORE NULLS) OVER before
            AS last_host
    FROM touched
    WHERE NOT ({condition})
    WINDOW so_far AS (
        PARTITION BY day, visit ORDER BY {order} ROWS UNBOUNDED PRECEDING
    ), before AS (
        PARTITION BY day, visit ORDER BY {order}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
    QUALIFY counted > 0
) AS left_over
"""
ORDER = "time, step = 0, step"


class Deletion:
    """One deletion over a lake and the store before it.

    Every step raises DeltaError, OSError or RedisError where lake or store is away:
    then the same deletion once more finishes it.
    """

    def __init__(
        self, lake: Lake, writers: Sequence[Writer], removal: Removal
    ) -> None:
        self.lake = lake
        self._writers = writers
        self._removal = removal

    def count(self, selection: Selection) -> int:
        """How many hits there are to delete, those that wait included; deletes none."""
        waiting = sum(
            _matches(selection, row)
            for writer in self._writers
            for entry in _waiting(writer)
            for row in entry
        )
        return waiting + self._count_in_lake(selection)

    def _count_in_lake(self, selection: Selection) -> int:
        files = self.lake.snapshot("hits").file_uris()
        if not files:
            return 0
        with engine() as connection:
            rows = rows_in(connection, files).filter(selection.condition())
            (number,) = rows.count("*").fetchall()[0]
            return int(number)

    def run(self, selection: Selection, today: int) -> int:
        """Delete; answers how many hits. `today` is the newest day that may be open."""
