"""How fast one writer takes hits from the stream to the lake.

    python bench/drain.py [--hits 500000]

A private Redis is filled by the ingest script, in batches of 90 hits as two busy
collectors make them, and emptied by the writer's own rounds. Beside it, in the same
run: the same rows, made into Arrow tables beforehand, written by plain
`write_deltalake` in commits of the same size.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deltalake import write_deltalake
from redis import Redis
from rows import Traffic

from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.lake.columns import arrow_table
from page_tracker.lake.table import PARQUET, Lake
from page_tracker.processes.embedded import redis_of
from page_tracker.processes.garbage_collection import collect_garbage_seldom
from page_tracker.schema import HITS
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.ingest import Batch, Bounds, submit
from page_tracker.store.stream import Stream
from page_tracker.writer.commit import MAX_ROWS
from page_tracker.writer.writer import Done, Writer

HITS_A_BATCH = 90
KINDS = {"pageview": Kind.VIEW, "engagement": Kind.ENGAGEMENT}


def hit_of(row: tuple[Any, ...]) -> Hit:
    """The hit that a row of the lake comes from."""
    value = dict(zip((column.name for column in HITS), row, strict=True))

    def take(kind: type[Any]) -> Any:
        return kind(**{name: value[name] for name in kind.__struct_fields__})

    record = Record(
        touch=take(Touch),
        client=take(Client),
        place=take(Place),
        **{
            name: value[name]
            for name in Record.__struct_fields__
            if name not in ("touch", "client", "place")
        },
    )
    visitor = value["visitor"].to_bytes(16, "big")
    return Hit(record, KINDS.get(value["name"], Kind.EVENT), visitor)


def fill(redis: Redis, hits: Iterator[Hit]) -> int:
    number = 0
    while some := list(islice(hits, HITS_A_BATCH)):
        site = Site(id=some[0].record.site)
        moment = some[-1].record.time
        submit(
            redis,
            Batch(moment, some, sites={site.id: site}, bounds=Bounds(waiting=10**9)),
        )
        number += len(some)
    return number


def drain(stream: Stream, lake: Lake) -> tuple[float, float]:
    """Seconds that the writer took: by the clock, and of the processor."""
    writer = Writer(stream, lake)
    collect_garbage_seldom()
    start, start_cpu = time.perf_counter(), time.process_time()
    while writer.round() is not Done.NOTHING:
        pass
    return time.perf_counter() - start, time.process_time() - start_cpu


def plain(rows: list[tuple[Any, ...]], lake: Lake) -> tuple[float, float]:
    tables = [
        arrow_table(HITS, rows[at : at + MAX_ROWS])
        for at in range(0, len(rows), MAX_ROWS)
    ]
    start, start_cpu = time.perf_counter(), time.process_time()
    for table in tables:
        snapshot = lake.snapshot("hits")
        write_deltalake(snapshot, table, mode="append", writer_properties=PARQUET)
    return time.perf_counter() - start, time.process_time() - start_cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=500_000)
    number = parser.parse_args().hits
    with TemporaryDirectory(prefix="page-tracker-drain-") as folder:
        with redis_of(Settings(data=Path(folder) / "data")) as url:
            redis = Redis.from_url(url)
            hits = map(hit_of, Traffic().hits())
            fill(redis, islice(hits, number))
            stored = Stream(redis).waiting()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            seconds, cpu = drain(Stream(redis), Lake(f"{folder}/drained"))
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = list(islice(Traffic().hits(), stored))
        plain_seconds, plain_cpu = plain(rows, Lake(f"{folder}/plain"))
    print(
        f"writer            {stored / seconds:10,.0f} hits/s  ({cpu:.1f} s processor)"
    )
    print(
        f"write_deltalake   {stored / plain_seconds:10,.0f} rows/s"
        f"  ({plain_cpu:.1f} s processor)"
    )
    print(f"ratio             {plain_seconds / seconds:10.2f}")
    print(f"memory            {(after - before) / 1024:10,.0f} MB more at most")


if __name__ == "__main__":
    main()
