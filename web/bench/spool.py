"""What senders wait while Redis is away, and how fast the hits reach it afterwards.

    python bench/spool.py [--rounds 3] [--seconds 5] [--rate 200]

Starts `page-tracker serve` with two workers and its defaults; four addresses send at an
even pace, all the time. In turn its Redis works, is frozen (it takes connections and
answers nothing), and works again. Prints the 99th percentile of the answers in each of
the first two, from a second after the change on, and their ratio; and how many hits a
second left the disk for Redis afterwards, with those that came meanwhile, as a multiple
of the rate at which they came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections import Counter
from itertools import chain
from pathlib import Path

from flood import p99, sending, tracker
from redis import Redis

from page_tracker.processes.folder import holder

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
CONNECTIONS = 4  # of each address
SETTLE = 1  # seconds


def main() -> None:
    options = _options()
    waits, speeds = [], []
    with tempfile.TemporaryDirectory() as folder, tracker(Path(folder)) as url:
        data = Path(folder) / "data"
        who = holder(data)
        assert who
        with Redis.from_url(who.redis_url) as redis:
            pid = int(redis.info("server")["process_id"])
        asyncio.run(_load(url, options.rate, options.seconds))  # caches fill
        for number in range(options.rounds):
            usual = p99(asyncio.run(_load(url, options.rate, options.seconds)))
            os.kill(pid, signal.SIGSTOP)
            try:
                first = max(asyncio.run(_load(url, options.rate, SETTLE)))
                away = p99(asyncio.run(_load(url, options.rate, options.seconds)))
            finally:
                os.kill(pid, signal.SIGCONT)
            seconds = asyncio.run(_drained(url, options.rate, data / "spool"))
            waits.append(away / usual)
            speeds.append((SETTLE + options.seconds + seconds) / seconds)
            print(
                f"round {number + 1}: p99 usual {usual:.1f} ms, away {away:.1f} ms,"
                f" ratio {waits[-1]:.2f} (at first {first * 1000:.0f} ms at most);"
                f" drained in {seconds:.2f} s, {speeds[-1]:.1f} times as fast as they"
                " came",
                flush=True,
            )
    print(f"ratio of the waits, median: {statistics.median(waits):.2f}")
    print(f"drained, median: {statistics.median(speeds):.1f} times the rate")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--rate", type=int, default=200, help="hits a second")
    return parser.parse_args()


async def _load(url: str, rate: int, seconds: int) -> list[float]:
    """What each hit waited, in seconds; all were taken."""
    each = rate // len(ADDRESSES)
    found = await asyncio.gather(
        *(
            sending(url, address, CONNECTIONS, each, seconds, lambda: None)
            for address in ADDRESSES
        )
    )
    answers = list(chain.from_iterable(found))
    wrong = Counter(status for status, _ in answers if status != "202")
    assert not wrong, f"senders were answered {dict(wrong)}"
    return [wait for _, wait in answers]


async def _drained(url: str, rate: int, spool: Path) -> float:
    """For how many seconds hits still waited on disk, while others came."""
    began = time.monotonic()
    load = asyncio.create_task(_load(url, rate, SETTLE))
    while list(spool.glob("*.spool")):
        if load.done():
            load = asyncio.create_task(_load(url, rate, SETTLE))
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began
    await load
    return seconds


if __name__ == "__main__":
    main()
