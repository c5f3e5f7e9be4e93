"""How long a day of many hits takes to close.

    python bench/closing.py [--hits 1000000] [--rounds 3]

Needs the optional group `bench`. The day is committed as the writer does, settled as
upkeep does, and then closed again and again; beside it, in the same run, its hits are
read once by DuckDB.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from tempfile import TemporaryDirectory

from arro3.core import Table
from crowd import Crowd

from page_tracker.days import day_number
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake, append_table, position
from page_tracker.upkeep.day_tables import close
from page_tracker.upkeep.lake_upkeep import settle

DAY = day_number(date(2026, 3, 2))
HITS_A_COMMIT = 5_000


def seconds(work: Callable[[], object]) -> float:
    """Of processor time, which other work on the machine hardly adds to."""
    began = time.process_time()
    work()
    return time.process_time() - began


def read(lake: Lake) -> None:
    """Read every column of all hits."""
    with engine() as connection:
        rows = rows_in(connection, lake.snapshot("hits").file_uris())
        rows.aggregate(", ".join(f"max({name})" for name in rows.columns)).fetchall()


def touch(lake: Lake, rows: Table) -> None:
    """Add a late hit: the day has to be closed again."""
    table = lake.snapshot("hits")
    append_table(table, rows, [DAY], "late", position(table, "late") + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    hits = Table.from_arrow(Crowd().day(DAY, given.hits * 2 // 5, given.hits))
    closing, reading = [], []
    with TemporaryDirectory(prefix="page-tracker-closing-") as folder:
        lake = Lake(f"{folder}/lake", grace=timedelta(0))
        for begin in range(0, given.hits, HITS_A_COMMIT):
            table = lake.snapshot("hits")
            part = hits.slice(begin, min(HITS_A_COMMIT, given.hits - begin))
            append_table(table, part, [DAY], "bench", position(table, "bench") + 1)
        settling = seconds(lambda: settle(lake, lake.snapshot("hits"), DAY))
        for _ in range(given.rounds):
            reading.append(seconds(lambda: read(lake)))
            closing.append(seconds(lambda: close(lake, [DAY])))
            touch(lake, hits.slice(0, 1))
    closed, once = statistics.median(closing), statistics.median(reading)
    print(f"settled in {settling:.2f} s, closed in {closed:.2f} s")
    print(f"reading its hits once: {once:.2f} s; ratio {closed / once:.1f}")


if __name__ == "__main__":
    main()
