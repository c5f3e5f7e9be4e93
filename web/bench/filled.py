"""A lake filled by a crowd: committed, settled, closed, merged by the lake's own code.

    python bench/filled.py FOLDER [--hits 10000000] [--visits 4000000] [--sites 1]

Each day is committed as it is over, its last one by the hour: it is still open. Upkeep
passes at the end of each month, as it would have passed every minute. Prints how long
that took, and what the lake takes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from arro3.core import Table
from crowd import Crowd, Scale

from page_tracker.days import date_of, day_number
from page_tracker.lake.table import Lake, append_table, position
from page_tracker.upkeep.lake_upkeep import Upkeep

SITE = "example.com"
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
SECONDS = 86_400
HOURS = 24


@dataclass(frozen=True)
class Year:
    """What a lake is filled with: so many hits of the days from `first` to `last`."""

    hits: int = 10_000_000
    visits: int = 4_000_000
    sites: int = 1
    first: date = FIRST
    last: date = LAST

    def busy(self, day: int) -> float:
        """How much goes on a day: less on weekends, more and more over a year."""
        when = date_of(day)
        return (0.7 if when.weekday() > 4 else 1.1) * (
            1 + (when - self.first).days / 730
        )


def shares(whole: int, weights: list[float]) -> list[int]:
    """A whole number in parts after weights, exactly."""
    ends = np.round(np.cumsum(weights) / sum(weights) * whole).astype(int)
    return [int(part) for part in np.diff(ends, prepend=0)]


def fill(lake: Lake, year: Year) -> None:
    """Fill a lake; its last day stays open."""
    crowd = Crowd(scale=Scale(sites=year.sites))
    upkeep = Upkeep(lake, quiet=0)
    days = range(day_number(year.first), day_number(year.last) + 1)
    weights = [year.busy(day) for day in days]
    for day, its_visits, its_hits in zip(
        days, shares(year.visits, weights), shares(year.hits, weights)
    ):
        rows = crowd.day(day, its_visits, its_hits)
        is_open = day == days[-1]
        _commit(lake, Table.from_arrow(rows), day, HOURS if is_open else 1)
        if is_open or date_of(day + 1).day == 1:
            # The day before is over everywhere and has been for a while.
            upkeep.tidy((day + 1) * SECONDS + (0 if is_open else 13 * 3_600))


def _commit(lake: Lake, rows: Table, day: int, parts: int) -> None:
    ends = [rows.num_rows * part // parts for part in range(parts + 1)]
    for begin, end in zip(ends, ends[1:]):
        table = lake.snapshot("hits")
        part = rows.slice(begin, end - begin)
        append_table(table, part, [day], "bench", position(table, "bench") + 1)


def filled(folder: Path, year: Year, grace: timedelta = timedelta(0)) -> Lake:
    """The lake in a folder; filled where the folder has none."""
    lake = Lake(f"{folder}/lake", grace=grace)
    done = folder / "filled"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        fill(lake, year)
        done.write_text(f"{year} in {time.perf_counter() - began:.0f} s\n")
        print(f"filled {folder}: {done.read_text()}", end="", flush=True)
    return lake


def taken(lake: Lake) -> str:
    """How many files the tables have, and how large they are."""
    said = []
    for name in ("hits", "days", "visits", "pages"):
        files = [Path(file) for file in lake.snapshot(name).file_uris()]
        size = sum(file.stat().st_size for file in files) / 1e6
        said.append(f"{name}: {len(files)} files, {size:.1f} MB")
    return "; ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    parser.add_argument("--sites", type=int, default=1)
    given = parser.parse_args()
    year = Year(given.hits, given.visits, given.sites)
    print(taken(filled(given.folder, year)))


if __name__ == "__main__":
    main()
