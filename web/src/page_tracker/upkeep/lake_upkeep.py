"""Upkeep: keeps the lake small, quick to read and free of what has expired.

    sites' retention → files and clock → days to settle and close, merges (pure)
      → rewritten, each in one commit → vacuum → checkpoint → clean-up of the log

Small files are merged by tiers, so that a row is rewritten once per tier and not with
every commit. A day that is over everywhere is *settled*: its rows are written sorted by
site, visit and time, which makes them a fifth smaller and lets a question read its own
site's row groups. Except for retention, nothing here changes what the lake contains; a
commit that is refused because another process committed first is made again from the
new state.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from page_tracker.days import date_of, day_number, first_day
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.commit_retries import done_each, repeated
from page_tracker.lake.data_files import DataFile, files_of
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import PARQUET, TABLES, Lake
from page_tracker.lake.table_log import transactions
from page_tracker.lake.vacuum import clean_up
from page_tracker.sites.site import Site, first_kept
from page_tracker.upkeep.day_tables import close
from page_tracker.upkeep.expiry import expire

# A merge makes files of a tier's size from the smaller ones of a month, once there are
# this many of them; a month that has not grown for a while is merged into one of them.
TIERS = (256 << 10, 4 << 20, 64 << 20, 256 << 20)  # bytes
ENOUGH = 16
QUIET = 3_600  # seconds

# A day is closed this long after it is over: writers may have other clocks.
LATE = 600  # seconds


class Merge(msgspec.Struct, frozen=True):
    """Merge a month's files below a size into files of about that size."""

    month: str
    below: int


def merges(files: Iterable[DataFile], now: float, quiet: float = QUIET) -> list[Merge]:
    """What to merge: for each month the highest tier with enough files. Pure."""
    months: dict[str, list[DataFile]] = defaultdict(list)
    for file in files:
        months[file.month].append(file)
    found = []
    for month, its_files in sorted(months.items()):
        sizes = [file.size for file in its_files if file.size < TIERS[-1]]
        if now - max(file.modified for file in its_files) >= quiet and len(sizes) > 1:
            found.append(Merge(month, TIERS[-1]))
            continue
        for low, high in reversed(list(zip((0, *TIERS), TIERS))):
            if sum(low <= size < high for size in sizes) >= ENOUGH:
                found.append(Merge(month, high))
                break
    return found


def over(files: Iterable[DataFile], now: float) -> list[int]:
    """The days that have rows in files and are over everywhere. Pure."""
    last = first_day(now) - 1
    return sorted(
        {
            day
            for file in files
            for day in range(
                day_number(file.first), min(day_number(file.last), last) + 1
            )
        }
    )


def closable(lake: Lake, now: float) -> list[int]:
    """The days that may be closed: including closed ones that have lost all hits.

    Tables of closed days may each have some of those: an older version, which did not
    know them all, has closed these days without the others.
    """
    names = ("hits", *OF_CLOSED_DAYS)
    return over(
        (file for name in names for file in files_of(lake.snapshot(name))), now - LATE
    )


def settled_mark(day: int) -> str:
    """The application whose transaction marks a day as settled."""
    return f"settled:{day}"


class Upkeep:
    """The upkeep of one lake. Any number may run: if two rewrite the same files,
    one is refused, and looks again. Of machines that share a bucket one does it."""

    def __init__(
        self,
        lake: Lake,
        quiet: float = QUIET,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lake = lake
        self._quiet = quiet
        # The clock that the files' own times come from.
        self._clock = clock
        # By table: the version that the last checkpoint covers.
        self._summed_up: dict[str, int | None] = {}
        self._settled: set[int] = set()

    def tidy(self, now: float, sites: Sequence[Site] = ()) -> None:
        """One pass; `now` in seconds since 1970 decides which days are over.

        A failure does not keep the rest from being done. Raises DeltaError, OSError or
        LakeBusyError after it, if the lake is away or damaged: what is done stays done.
        """
        expiring = [
            partial(expire, self.lake, name, site, date_of(first))
            for site, first in first_kept(sites, now)
            for name in ("hits", "drops")
        ]
        with self.lake.turn_if_free("upkeep") as is_free:
            if is_free:
                done_each([*expiring, lambda: self._close(now), self._trim_all])

    def trim(self) -> None:
        """The part of a pass that needs no engine. Raises as `tidy`."""
        with self.lake.turn_if_free("upkeep") as is_free:
            if is_free:
                self._trim_all()

    def _trim_all(self) -> None:
        done_each(partial(self._trim, name) for name in TABLES)

    def _trim(self, name: str) -> None:
        files = files_of(self.lake.snapshot(name))
        merging = [
            partial(_merge, self.lake, name, merge)
            for merge in merges(files, self._clock(), self._quiet)
        ]
        done_each([*merging, lambda: self._clean_up(name)])

    def _clean_up(self, name: str) -> None:
        self._summed_up[name] = clean_up(self.lake, name, self._summed_up.get(name))

    def _close(self, now: float) -> None:
        days = closable(self.lake, now)
        settling = [partial(self._settle, day) for day in self._unsettled(days)]
        done_each([*settling, lambda: close(self.lake, days)])

    def _unsettled(self, days: Iterable[int]) -> list[int]:
        marks = {settled_mark(day): day for day in days if day not in self._settled}
        hits = self.lake.snapshot("hits")
        known = transactions(self.lake.log("hits"), hits, [*marks])
        self._settled.update(marks[mark] for mark in known)
        return [day for mark, day in marks.items() if mark not in known]

    def _settle(self, day: int) -> None:
        def step() -> None:
            with self.lake.using("hits") as hits:
                settle(self.lake, hits, day)

        repeated(step)
        self._settled.add(day)


def settle(lake: Lake, table: DeltaTable, day: int) -> None:
    """Write a day's hits sorted by site, visit and time, in one commit.

    Raises CommitFailedError if rows of that day arrived meanwhile.
    """
    when = date_of(day)
    month = f"{when:%Y-%m}"
    mark = Transaction(settled_mark(day), table.version() + 1)
    if not (files := lake.paths(table, f"month = '{month}'")):
        return
    with engine() as connection:
        rows = rows_in(connection, files).filter(f"day = DATE '{when}'")
        write_deltalake(
            table,
            rows.order("site, visit, time"),
            mode="overwrite",
            predicate=f"month = '{month}' AND day = DATE '{when}'",
            writer_properties=PARQUET,
            commit_properties=CommitProperties(
                custom_metadata={"days": []}, app_transactions=[mark]
            ),
        )


def _merge(lake: Lake, name: str, merge: Merge) -> None:
    def step() -> None:
        with lake.using(name) as table:
            table.optimize.compact(
                partition_filters=[("month", "=", merge.month)],
                target_size=merge.below,
                max_concurrent_tasks=1,
                writer_properties=PARQUET,
                commit_properties=CommitProperties(custom_metadata={"days": []}),
            )

    repeated(step)
