"""A lake filled by a crowd: committed, settled, closed, merged by the lake's own code.

    python bench/filled.py FOLDER [--hits 10000000] [--visits 4000000] [--sites 1]

Each day is committed as it is over, its last one by the hour: it is still open. Upkeep
passes at the end of each month, as it would have passed every minute.
"""

from __future__ import annotations

import argparse
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from arro3.core import Table
from page_tracker.lake.table import Lake, append_table, date_of, day_of, position
from page_tracker.lake.upkeep import Upkeep

from crowd import Crowd, Scale

SITE = "example.com"
FIRST = date(2026, 1, 1)
LAST = date(2026, 12, 31)
SECONDS = 86_400
HOURS = 24


def shares(whole: int, weights: list[float]) -> list[int]:
    """A whole number in parts after weights, exactly."""
    ends = np.round(np.cumsum(weights) / sum(weights) * whole).astype(int)
    return [int(part) for part in np.diff(ends, prepend=0)]


def busy(day: int) -> float:
    """How much goes on that day: fewer on weekends, more and more over the year."""
    when = date_of(day)
    return (0.7 if when.weekday() > 4 else 1.1) * (1 + (when - FIRST).days / 730)


def fill(lake: Lake, hits: int, visits: int, sites: int = 1, seed: int = 1) -> None:
    """Fill a lake with a year of hits; its last day stays open."""
    crowd = Crowd(seed, Scale(sites=sites))
    upkeep = Upkeep(lake, quiet=0)
    days = range(day_of(FIRST), day_of(LAST) + 1)
    weights = [busy(day) for day in days]
    for day, its_visits, its_hits in zip(
        days, shares(visits, weights), shares(hits, weights)
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


def filled(folder: Path, hits: int, visits: int, sites: int = 1, seed: int = 1) -> Lake:
    """The lake in a folder; filled where the folder has none."""
    lake = Lake(f"{folder}/lake", grace=timedelta(0))
    done = folder / "filled"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        fill(lake, hits, visits, sites, seed)
        done.write_text(f"{hits} hits in {time.perf_counter() - began:.0f} s\n")
        print(f"filled {folder}: {done.read_text()}", end="", flush=True)
    return lake


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    parser.add_argument("--sites", type=int, default=1)
    given = parser.parse_args()
    filled(given.folder, given.hits, given.visits, given.sites)


if __name__ == "__main__":
    main()
