"""Questions over HTTP: what the way there adds, and both ways at once.

    python bench/mix.py [FOLDER] [--seconds 20] [--questions 50] [--hits 2000]

Needs the optional group `bench` and wrk. `page-tracker serve` with two workers has two
months of a site's hits up to now. First the panels of a dashboard are asked for in this
process and over HTTP in turn. Then hits come in (paced.lua), alone, with questions at a
pace beside them (panels over 30 days in turn), and with a costly question asked again
and again. Prints the rate and the 99th percentile of both. All on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from accept import BIN, HERE, UNITS
from filled import SITE, Year, filled
from panels import PANELS, body

from page_tracker.lake.table import GRACE, Lake
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site

DAYS = 60
CONNECTIONS = 128
ASKERS = 8
SHOWN = 10


@dataclass(frozen=True)
class Server:
    """Where the server is, and a token that may ask it."""

    url: str
    token: str

    def ask(self, path: str, question: object) -> float:
        """Ask, and be told in how many seconds; raises where it is refused."""
        address = urlsplit(self.url)
        began = time.perf_counter()
        connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("POST", path, json.dumps(question), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status == 200, said
        return time.perf_counter() - began


@contextmanager
def served(data: Path, lake: Lake) -> Iterator[Server]:
    """The server over a lake."""
    environment = {
        name: text
        for name, text in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("PAGE_TRACKER_")
    }
    command = [str(BIN / "page-tracker")]
    settings = ["--data", str(data), "--lake", lake.uri, "--port", "0"]
    said = data / "serve.log"
    data.mkdir(exist_ok=True)

    def tell(*words: str) -> str:
        asked = [*command, *words, "--data", str(data)]
        return subprocess.run(
            asked, env=environment, check=True, capture_output=True, text=True
        ).stdout

    with said.open("wb") as output:
        server = subprocess.Popen(
            [*command, "serve", *settings, "--trusted-proxies", "127.0.0.0/8"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        while not (found := re.search(r"counts at (\S+)", said.read_text())):
            assert server.poll() is None, said.read_text()
            time.sleep(0.1)
        tell("site", "add", SITE)
        token = tell("token", "add", "--scope", "stats", "--all-sites").strip()
        yield Server(found[1], token)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def questions() -> list[dict[str, Any]]:
    """The panels over the last 30 days, today included."""
    today = datetime.now(UTC).date()
    days = (str(today - timedelta(days=29)), str(today))
    return [body(panel, SITE, days, {}, SHOWN) for panel in PANELS]


def costly() -> dict[str, Any]:
    """Every visitor of two months told apart by page, source and city."""
    today = datetime.now(UTC).date()
    return {
        "site_id": SITE,
        "metrics": ["visitors", "visits", "bounce_rate"],
        "date_range": [str(today - timedelta(days=DAYS)), str(today)],
        "dimensions": ["visit:entry_page", "visit:exit_page", "visit:city"],
    }


def the_way_there(server: Server, lake: Lake, rounds: int = 15) -> None:
    """Print what HTTP adds to a list of panels, and to each panel by itself."""
    asking, site = LakeAsking(Reading(lake), Engine()), Site(id=SITE)
    took: dict[str, list[float]] = {"list": [], "panel": []}
    for _ in range(rounds):
        now = time.time()
        asked = questions()
        began = time.perf_counter()
        asking.reports([asking.understand(each, site, now) for each in asked])
        inside = time.perf_counter() - began
        took["list"].append(server.ask("/api/v2/queries", asked) - inside)
        for each in asked:
            began = time.perf_counter()
            asking.report(asking.understand(each, site, now))
            inside = time.perf_counter() - began
            took["panel"].append(server.ask("/api/v2/query", each) - inside)
    for name, panels in (("list", len(PANELS)), ("panel", 1)):
        more = 1000 * statistics.median(took[name]) / panels
        print(f"over HTTP a {name} takes {more:.1f} ms a panel more", flush=True)


def hits(url: str, pace: float, seconds: int) -> str:
    """Send hits at a pace a second; what they met."""
    ended = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency"]
        + ["-s", str(HERE / "paced.lua"), url],
        env=os.environ
        | {"MODE": "plausible", "SITE": SITE, "LOAD": str(HERE / "load.lua")}
        | {"PACE": str(1000 * CONNECTIONS / pace)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "Non-2xx" not in ended, ended
    rate = re.search(r"Requests/sec:\s+([\d.]+)", ended)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", ended)
    assert rate and p99, ended
    return f"{float(rate[1]):,.0f} hits/s, p99 {float(p99[1]) * UNITS[p99[2]]:.0f} ms"


def asked_at(server: Server, pace: float, seconds: int) -> str:
    """Ask panels in turn at a pace a second, late ones counted from when due."""
    panels, began = questions(), time.perf_counter()

    def ask(number: int) -> float:
        due = began + number / pace
        time.sleep(max(0.0, due - time.perf_counter()))
        server.ask("/api/v2/query", panels[number % len(panels)])
        return time.perf_counter() - due

    with ThreadPoolExecutor(ASKERS) as askers:
        took = list(askers.map(ask, range(int(pace * seconds))))
    rate = len(took) / (time.perf_counter() - began)
    p50, p99 = (1000 * statistics.quantiles(took, n=100)[at] for at in (49, 98))
    return f"{rate:.0f} questions/s, median {p50:.0f} ms, p99 {p99:.0f} ms"


@contextmanager
def asked_again_and_again(server: Server) -> Iterator[list[float]]:
    """A costly question, asked without a pause; how long each took."""
    took: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            took.append(server.ask("/api/v2/query", costly()))

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield took
    finally:
        stop.set()
        asker.join()


def mix(server: Server, given: argparse.Namespace) -> None:
    """Print what hits and questions meet alone and together."""
    print("hits alone:", hits(server.url, given.hits, given.seconds), flush=True)
    with ThreadPoolExecutor(2) as both:
        counting = both.submit(hits, server.url, given.hits, given.seconds)
        answering = both.submit(asked_at, server, given.questions, given.seconds)
        print(f"together: {counting.result()}; {answering.result()}", flush=True)
    with asked_again_and_again(server) as took:
        said = hits(server.url, given.hits, given.seconds)
    print(
        f"beside a costly question of {statistics.median(took):.2f} s,"
        f" asked {len(took)} times: {said}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seconds", type=int, default=20, help="of each load")
    parser.add_argument("--questions", type=float, default=50, help="a second")
    parser.add_argument("--hits", type=float, default=2_000, help="a second")
    given = parser.parse_args()
    today = datetime.now(UTC).date()
    year = Year(1_650_000, 660_000, 1, today - timedelta(days=DAYS), today)
    with TemporaryDirectory(prefix="page-tracker-mix-") as made:
        folder = given.folder or Path(made)
        lake = filled(folder, year, GRACE)
        with served(Path(made) / "data", lake) as server:
            the_way_there(server, lake)
            mix(server, given)


if __name__ == "__main__":
    sys.exit(main())
