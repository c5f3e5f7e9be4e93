"""How accepting grows with shards: 1, 2, 4 and 8, simulated on one machine.

    PYTHONPATH=web/test python web/bench/shards.py [--hits N] [--rounds N]

The same hits are divided among shards by their visitors, as web processes do. Each
shard's batches go to a server of its own, which syncs every write, one server after the
other; what is measured is the processor time of the thread that runs the ingest script
there. Were each on a processor of its own, all would be done when the busiest shard is:
so the rate is the number of hits divided by that shard's time. In each round all
numbers of shards are measured, in an order of their own.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ingest import hits_of
from redis import Redis

from page_tracker.hits.hit import Hit
from page_tracker.store.ingest import Batch, submit
from page_tracker.store.keys import shard_of
from support.redis_servers import started_redis

SHARDS = (1, 2, 4, 8)
BATCH = 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    hits, chance = hits_of(options.hits), random.Random(1)
    rates = defaultdict(list)
    for _ in range(options.rounds):
        measured = {
            shards: _rate(hits, shards) for shards in chance.sample(SHARDS, len(SHARDS))
        }
        for shards, rate in measured.items():
            rates[shards].append((rate, rate / measured[1]))
    for shards in SHARDS:
        rate, ratio = map(statistics.median, zip(*rates[shards], strict=True))
        print(f"{shards} shards: {rate:9,.0f} hits/s, {ratio:.2f} of one shard's")


def _rate(hits: Sequence[Hit], shards: int) -> float:
    """Hits a second, were each shard's server on a processor of its own."""
    parts = defaultdict(list)
    for hit in hits:
        parts[shard_of(hit.visitor, shards)].append(hit)
    return len(hits) / max(_seconds(part, shard) for shard, part in parts.items())


def _seconds(hits: Sequence[Hit], shard: int) -> float:
    """How much processor time a shard's server takes for its hits."""
    with (
        tempfile.TemporaryDirectory(prefix="shards-bench-") as folder,
        started_redis(Path(folder)) as redis,
    ):
        before = _processor(redis)
        for at in range(0, len(hits), BATCH):
            some = hits[at : at + BATCH]
            submit(redis, Batch(some[0].record.time, some, shard=shard))
        return _processor(redis) - before


def _processor(redis: Redis) -> float:
    """Seconds of the thread that runs scripts, all that surrounds them included."""
    used = redis.info("cpu")
    return sum(used[f"used_cpu_{of}_main_thread"] for of in ("user", "sys"))


if __name__ == "__main__":
    main()
