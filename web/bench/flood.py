"""What an honest sender waits beside a flood from one other address.

    python bench/flood.py [--rounds 3] [--seconds 5] [--rate 3000] [--connections 1000]

Starts `page-tracker serve` with two workers and its defaults. An honest sender at
127.0.0.2 sends 40 hits a second over four connections: in turn alone, and while
127.0.0.1 sends a flood over its own. Prints both 99th percentiles, their ratio, and how
the flood was answered. All of it on this machine, senders too; it ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

BIN = Path(sys.executable).parent
SITE = "example.org"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
HONEST, FLOOD = "127.0.0.2", "127.0.0.1"
HONEST_RATE, HONEST_CONNECTIONS = 40, 4
TICK = 0.01  # seconds
WARM = 3  # seconds of flood before the honest sender begins: its burst is over
GRACE = 3.0  # seconds in which what was sent last is answered


def main() -> None:
    options = _options()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder, tracker(Path(folder)) as url:
        alone, beside = [], []
        _honest(url, options.seconds)  # caches fill
        for number in range(options.rounds):
            alone.append(p99(_honest(url, options.seconds)))
            said, waits = _beside_a_flood(url, options)
            beside.append(p99(waits))
            print(
                f"round {number + 1}: p99 alone {alone[-1]:.1f} ms, beside the flood"
                f" {beside[-1]:.1f} ms, ratio {beside[-1] / alone[-1]:.2f};"
                f" flood {sum(said.values()) / (options.seconds + WARM):,.0f}/s:"
                f" {dict(sorted(said.items()))}",
                flush=True,
            )
        ratio = statistics.median(beside) / statistics.median(alone)
        print(f"ratio of the medians: {ratio:.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--rate", type=int, default=3000, help="of the flood")
    parser.add_argument("--connections", type=int, default=1000, help="of the flood")
    return parser.parse_args()


@contextmanager
def tracker(folder: Path) -> Iterator[str]:
    """The server with its store, its lake and one site."""
    data, said = folder / "data", folder / "serve.log"
    kept = {
        name: text
        for name, text in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("PAGE_TRACKER_")
    }
    command = [BIN / "page-tracker", "serve", "--port", "0", "--data", data]
    with (
        said.open("wb") as output,
        subprocess.Popen(command, env=kept, stdout=output, stderr=output) as server,
    ):
        try:
            while not (found := re.search(r"counts at (\S+)", said.read_text())):
                assert server.poll() is None, said.read_text()
                time.sleep(0.1)
            add = [BIN / "page-tracker", "site", "add", SITE, "--data", data]
            subprocess.run(add, env=kept, check=True, stdout=subprocess.DEVNULL)
            yield found[1]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _beside_a_flood(
    url: str, options: argparse.Namespace
) -> tuple[Counter[str], list[float]]:
    """How a flood was answered, and what the honest sender waited meanwhile."""
    ours, theirs = multiprocessing.Pipe()
    seconds = options.seconds + WARM
    load = (url, FLOOD, options.connections, options.rate, seconds, theirs)
    flood = multiprocessing.Process(target=_flood, args=load)
    flood.start()
    ours.recv()  # its connections are open
    time.sleep(WARM)
    waits = _honest(url, options.seconds)
    statuses: Counter[str] = ours.recv()
    flood.join()
    return statuses, waits


def _flood(
    url: str, address: str, connections: int, rate: int, seconds: int, told: Connection
) -> None:
    """Send, and tell when it begins, and in the end how often what was answered."""
    load = (url, address, connections, rate, seconds)
    found = asyncio.run(sending(*load, lambda: told.send(True)))
    told.send(Counter(status for status, _ in found))


def _honest(url: str, seconds: int) -> list[float]:
    """What each of the honest sender's hits waited, in seconds."""
    load = (url, HONEST, HONEST_CONNECTIONS, HONEST_RATE, seconds)
    found = asyncio.run(sending(*load, lambda: None))
    wrong = Counter(status for status, _ in found if status != "202")
    assert not wrong, f"the honest sender was answered {dict(wrong)}"
    return [wait for _, wait in found]


async def sending(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    url: str,
    address: str,
    connections: int,
    rate: int,
    seconds: int,
    begins: Callable[[], None],
) -> list[tuple[str, float]]:
    """Send at an even pace; the status of each answer, and what it took in seconds."""
    at, loop = urlsplit(url), asyncio.get_running_loop()
    senders = []
    for _ in range(connections):
        made = loop.create_connection(
            Sender, at.hostname, at.port, local_addr=(address, 0)
        )
        senders.append((await made)[1])
    begins()
    begin, sent = loop.time(), 0
    while (passed := loop.time() - begin) < seconds:
        while sent < passed * rate:
            senders[sent % connections].send()
            sent += 1
        await asyncio.sleep(TICK)
    deadline = loop.time() + GRACE
    while any(sender.since for sender in senders) and loop.time() < deadline:
        await asyncio.sleep(TICK)
    for sender in senders:
        sender.close()
    return [answer for sender in senders for answer in sender.answers]


class Sender(asyncio.Protocol):
    """One connection: a hit at a time, so that a slow server is sent less."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, float]] = []
        self.since = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self) -> None:
        if self._transport is None or self.since:
            return
        self.since = time.perf_counter()
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        # Answers are far smaller than a packet: each comes in one piece.
        status = data[9:12].decode("ascii")
        self.answers.append((status, time.perf_counter() - self.since))
        self.since = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        if self.since:
            self.answers.append(("closed", time.perf_counter() - self.since))
        self._transport, self.since = None, 0.0

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _request() -> bytes:
    body = json.dumps({"n": "pageview", "u": f"https://{SITE}/", "d": SITE})
    head = (
        f"POST /api/event HTTP/1.1\r\nHost: {SITE}\r\nUser-Agent: {AGENT}\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode("ascii")


def p99(waits: list[float]) -> float:
    """Milliseconds."""
    return 1000 * statistics.quantiles(waits, n=100)[-1]


REQUEST = _request()

if __name__ == "__main__":
    main()
