"""A year of one hit every 10 seconds, through the ingest script, writer and upkeep.

    python bench/year.py [--days 365] [--hit-by-hit 4] [--hits-of-those 8640]

Some days, evenly spread, are sent hit by hit: each in a commit of its own, upkeep a
pass a minute, as in life; the others in one go. Time runs SPEED times as fast, and so
do the times after which files may go. Fails where the lake's folder, logs and all, ever
has more than 200 files or 90 MB, or has not every hit once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drain import hit_of
from redis import Redis
from rows import DAY, Traffic

from page_tracker.hits.hit import Hit
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import GRACE, Lake
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.ingest import MAX_HITS, Batch, submit
from page_tracker.store.stream import Stream
from page_tracker.upkeep.lake_upkeep import QUIET, Upkeep
from page_tracker.writer.writer import Done, Writer

SPEED = 250
STEP = 10.0  # seconds between hits
HITS_A_PASS = 6  # upkeep passes once a minute
MOST_FILES = 200
MOST_BYTES = 90_000_000


class Year:
    """The simulated year, and the most that the lake has ever taken."""

    def __init__(self, redis: Redis, lake: Lake) -> None:
        self._redis = redis
        self._lake = lake
        self._writer = Writer(Stream(redis), lake)
        self._upkeep = Upkeep(lake, quiet=QUIET / SPEED)
        self.hits = 0
        self.files = 0
        self.bytes = 0

    def send(self, hits: list[Hit]) -> None:
        sites = {hit.record.site: Site(id=hit.record.site) for hit in hits}
        submit(self._redis, Batch(hits[-1].record.time, hits, sites=sites))
        self.hits += len(hits)

    def write(self) -> None:
        while self._writer.round() is Done.PART:
            pass
        self._look()

    def tidy(self, moment: int) -> None:
        self._upkeep.tidy(moment / 1e6)
        self._look()

    def hit_by_hit(self, hits: list[Hit]) -> None:
        for number, hit in enumerate(hits):
            due = time.monotonic() + STEP / SPEED
            self.send([hit])
            self.write()
            if number % HITS_A_PASS == 0:
                self.tidy(hit.record.time)
            time.sleep(max(0.0, due - time.monotonic()))

    def in_one_go(self, hits: list[Hit]) -> None:
        for at in range(0, len(hits), MAX_HITS):
            self.send(hits[at : at + MAX_HITS])
        self.write()
        self.tidy(hits[-1].record.time)

    def _look(self) -> None:
        files = [path for path in Path(self._lake.uri).rglob("*") if path.is_file()]
        self.files = max(self.files, len(files))
        self.bytes = max(self.bytes, sum(path.stat().st_size for path in files))


def days(rows: Iterator[tuple[Any, ...]], number: int) -> Iterator[list[Hit]]:
    by_day = groupby(rows, key=lambda row: row[0] // DAY)
    for _, its_rows in islice(by_day, number):
        yield [hit_of(row) for row in its_rows]


def stored(lake: Lake) -> int:
    with engine() as connection:
        files = lake.snapshot("hits").file_uris()
        (number,) = rows_in(connection, files).count("*").fetchall()[0]
        return int(number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--hit-by-hit", type=int, default=4)
    parser.add_argument("--hits-of-those", type=int, default=8640)
    options = parser.parse_args()
    every = max(1, options.days // max(1, options.hit_by_hit))
    with TemporaryDirectory(prefix="page-tracker-year-") as folder:
        lake = Lake(f"{folder}/lake", grace=timedelta(seconds=GRACE.seconds / SPEED))
        with redis_of(Settings(data=Path(folder) / "data")) as url:
            year = Year(Redis.from_url(url), lake)
            traffic = Traffic(first_day=20_454, visits_a_day=2_140).hits()
            for day, hits in enumerate(days(traffic, options.days)):
                detailed = options.hits_of_those if day % every == every - 1 else 0
                year.hit_by_hit(hits[:detailed])
                if hits[detailed:]:
                    year.in_one_go(hits[detailed:])
            year.write()
            waiting = Stream(Redis.from_url(url)).waiting()
        found = stored(lake) + waiting
    print(f"hits    {year.hits:12,}  in the lake or waiting {found:,}")
    print(f"files   {year.files:12,}  at most, of {MOST_FILES}")
    print(f"bytes   {year.bytes:12,}  at most, of {MOST_BYTES:,}")
    if found != year.hits or year.files > MOST_FILES or year.bytes > MOST_BYTES:
        sys.exit("the lake grows beyond its bounds, or has not every hit once")


if __name__ == "__main__":
    main()
