"""Hits a second into a cluster of three servers, relative to one server with as many
shards.

    PYTHONPATH=web/test python web/bench/cluster.py [--seconds N] [--rounds N]

Every shard's queue sends a batch of 48 hits, waits for its answer and sends the next,
as a web process's queues do under load. The servers sync every write. In each round all
kinds are measured, in an order of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ingest import hits_of
from msgspec.structs import replace

from page_tracker.hits.hit import Hit
from page_tracker.store.clients import open_async_client
from page_tracker.store.ingest import Batch, BatchId, Bounds, submit_async
from page_tracker.store.replicas import Copies
from support.clusters import started_cluster
from support.redis_servers import started_redis

ONE = "one server"
SHARDS, BATCH = 24, 48
PATIENCE = 30.0  # seconds
ROWS = 10**9  # that may wait: nobody drains


class Kind(NamedTuple):
    """What hits are sent to."""

    name: str
    url: str
    copies: Copies = Copies()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    rates = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="cluster-bench-") as folder:
        for measured in _rounds(Path(folder), options.rounds, options.seconds):
            print({name: round(rate) for name, rate in measured.items()})
            for name, rate in measured.items():
                rates[name].append(rate / measured[ONE])
    for name, ratios in rates.items():
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{name:28} {statistics.median(ratios):.2f} of one server ({each})")


def _rounds(folder: Path, rounds: int, seconds: float) -> Iterator[dict[str, float]]:
    """Hits a second by kind, again and again."""
    hits, chance = hits_of(20_000), random.Random(1)
    for name in ("one", "three", "six"):
        (folder / name).mkdir()
    with (
        started_redis(folder / "one"),
        started_cluster(folder / "three", 3, 0) as three,
        started_cluster(folder / "six", 3, 3) as six,
    ):
        kinds = [
            Kind(ONE, f"unix://{folder}/one/redis.sock"),
            Kind("three servers", three.url),
            Kind("three and replicas", six.url),
            Kind("three and replicas, WAIT 1", six.url, Copies(1, 20_000)),
        ]
        for _ in range(rounds):
            yield {
                kind.name: asyncio.run(_rate(kind, hits, seconds))
                for kind in chance.sample(kinds, len(kinds))
            }


async def _rate(kind: Kind, hits: list[Hit], seconds: float) -> float:
    """Hits a second that are acknowledged."""
    client = open_async_client(kind.url, PATIENCE)
    bounds = Bounds(waiting=ROWS, visitors=ROWS, of_address=ROWS, copies=kind.copies)
    began = time.perf_counter()

    async def keep_sending(shard: int) -> int:
        stored, batch = 0, Batch(hits[0].record.time, (), shard=shard, bounds=bounds)
        while time.perf_counter() < began + seconds:
            at = random.Random(f"{shard} {stored}").randrange(len(hits) - BATCH)
            batch = replace(batch, hits=hits[at : at + BATCH], id=BatchId.alone())
            stored += len(await submit_async(client, batch))
        return stored

    sent = await asyncio.gather(*map(keep_sending, range(SHARDS)))
    rate = sum(sent) / (time.perf_counter() - began)
    await client.aclose()
    return rate


if __name__ == "__main__":
    main()
