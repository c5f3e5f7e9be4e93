"""What imports read from the lake and write to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from arro3.core import Table
from deltalake import QueryBuilder, Transaction

from page_tracker.days import date_of, day_number, month_of
from page_tracker.history.register import Import
from page_tracker.lake.commit_retries import repeated
from page_tracker.lake.found_hits import FoundHits, append_found
from page_tracker.lake.table import (
    PARQUET,
    Lake,
    append,
    persist,
    position,
    quoted,
    touching,
)
from page_tracker.lake.vacuum import clean_up
from page_tracker.origins import of_import, rows_of, rows_of_none
from page_tracker.schema import DROPS

# Numbers of an import's transactions in the table `drops`.
DROPS_IN, DROPS_OUT = 1, 2


class LiveDays(Protocol):
    """Finds days with hits that are still on their way to the lake."""

    def __call__(self, site: str, days: Sequence[int]) -> set[int]:
        """The days among `days`."""


class ImportedRows:
    """The lake's hits, as imports see them."""

    def __init__(self, lake: Lake, live_days: LiveDays) -> None:
        self._lake = lake
        self._live_days = live_days

    def live_days(
        self, site: str, days: Sequence[int], imported: Collection[int]
    ) -> list[int]:
        """Those of these days that have hits of origins other than imports."""
        if not days:
            return []
        if not self._lake.has("hits"):
            return sorted(self._live_days(site, days))
        found = self._live_days(site, days)
        hits = self._ask(
            f"SELECT DISTINCT day FROM hits WHERE site = {quoted(site)}"  # nosec
            f" AND day BETWEEN {_date(days[0])} AND {_date(days[-1])}"
            f" AND {rows_of_none(imported)}"
        )
        found.update(day_number(day) for day in hits["day"].to_pylist())
        return sorted(found.intersection(days))

    def has_origin(self, origin: int) -> bool:
        return self._position("hits", of_import(origin)) > 0

    def days_in(self, entry: Import) -> int:
        """How many of the import's days are in the lake; they go in in order."""
        return self._position("hits", of_import(entry.origin))

    def commit(self, entry: Import, first: int, last: int, hits: FoundHits) -> None:
        """Add the import's days [first, last), unless the lake has them."""
        days = [each.day for each in entry.days[first:last]]

        def step() -> None:
            with self._lake.using("hits") as snapshot:
                if position(snapshot, of_import(entry.origin)) < last:
                    transaction = Transaction(of_import(entry.origin), last)
                    append_found(self._lake, snapshot, hits, days, transaction)

        repeated(step)

    def delete(self, entry: Import) -> None:
        """Delete the import's rows. Repeating it changes nothing."""
        if not entry.days:
            return
        where = (
            f"month BETWEEN '{_month(entry.days[0].day)}'"
            f" AND '{_month(entry.days[-1].day)}' AND site = {quoted(entry.site)}"
            f" AND {rows_of(entry.origin)}"
        )
        days = [each.day for each in entry.days]

        def step() -> None:
            with self._lake.using("hits") as hits:
                hits.delete(
                    where,
                    writer_properties=PARQUET,
                    commit_properties=touching(hits, days),
                )
                persist(hits)

        repeated(step)
        clean_up(self._lake, "hits")

    def commit_drops(self, entry: Import) -> None:
        """Add the drops of the import's logs, unless the lake has them."""
        self._append_drops(entry, DROPS_IN, 1)

    def take_back_drops(self, entry: Import) -> None:
        """Add the same negated, if the lake has them: rows there have no origin."""
        if self._position("drops", of_import(entry.origin)) == DROPS_IN:
            self._append_drops(entry, DROPS_OUT, -1)

    def _append_drops(self, entry: Import, number: int, sign: int) -> None:
        rows = [
            (
                *(each.day, entry.site, each.reason, each.name, sign * each.number),
                month_of(each.day),
            )
            for each in entry.drops
        ]

        def step() -> None:
            snapshot = self._lake.snapshot("drops")
            if position(snapshot, of_import(entry.origin)) < number:
                append(snapshot, DROPS, rows, of_import(entry.origin), number)

        if rows:
            repeated(step)

    def _position(self, name: str, of: str) -> int:
        with self._lake.using(name) as table:
            return position(table, of)

    def _ask(self, sql: str) -> Table:
        with self._lake.using("hits") as hits:
            return QueryBuilder().register("hits", hits).execute(sql).read_all()


def _date(day: int) -> str:
    return f"DATE '{date_of(day)}'"


def _month(day: int) -> str:
    return f"{date_of(day):%Y-%m}"
