"""How fast a site's page is served: first, again, and refreshed while hits come in.

    python bench/refresh.py FOLDER [--starts 3] [--rounds 20] [--pace 200]
                                   [--hits 10000000] [--visits 4000000]

Needs the optional group `bench` and wrk. FOLDER is as page.py keeps it. The page of
twelve months is asked for over HTTP, each time over a connection of its own, so that
whichever web process is free answers it:

    first      the first time after a start, with nothing kept from before
    again      with nothing changed, once each process has answered it
    refreshed  every five seconds, as the page itself does, while hits come in

Prints the median milliseconds of each, and their share in those of the first; what that
is of the build before, page.py tells. Fails where the hits do not show on the page.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import requests
from filled import SITE, Year, filled
from served import served

HERE = Path(__file__).parent
PAGE = f"/{SITE}?period=12mo"
CONNECTIONS = 8  # of who sends hits
POLLED_EVERY = 5.0  # seconds, by the page
VIEWS = re.compile(r"Page views</a>\s*<strong>([\d,]+)")


class Reader:
    """Who looks at the page; `views` are those that it showed last."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self._address = url + PAGE
        self._cookies = session.cookies
        self.views = 0

    def look(self) -> float:
        """Load the page; gives the milliseconds that it took."""
        began = time.perf_counter()
        answer = requests.get(self._address, cookies=self._cookies, timeout=120)
        took = 1_000 * (time.perf_counter() - began)
        answer.raise_for_status()
        if shown := VIEWS.search(answer.text):
            self.views = int(shown[1].replace(",", ""))
        return took


@contextmanager
def hits(url: str, pace: float, seconds: float) -> Iterator[None]:
    """Page views of the site come in at this pace a second."""
    with subprocess.Popen(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s"]
        + ["-s", str(HERE / "paced.lua"), url],
        env=os.environ
        | {"MODE": "plausible", "SITE": SITE, "LOAD": str(HERE / "load.lua")}
        | {"PACE": str(1_000 * CONNECTIONS / pace)},
        stdout=subprocess.PIPE,
        text=True,
    ) as sender:
        try:
            yield
        finally:
            sender.terminate()


def refreshed(url: str, reader: Reader, rounds: int, pace: float) -> list[float]:
    """The milliseconds of each refresh while hits come in, which the page must show."""
    before, took = reader.views, []
    with hits(url, pace, 2 * POLLED_EVERY * (rounds + 1)):
        for _ in range(rounds):
            time.sleep(POLLED_EVERY)
            took.append(reader.look())
    come = (reader.views - before) / (rounds * POLLED_EVERY)
    print(f"{come:.0f} page views a second were shown, of {pace:g} that were sent")
    if come < pace / 2:
        sys.exit("hits do not show on the page")
    return took


def measured(lake: Path, starts: int, rounds: int, pace: float) -> dict[str, float]:
    """The median milliseconds by what was asked."""
    first = []
    with ExitStack() as last:
        for left in reversed(range(starts)):
            with ExitStack() as now:
                stack = now if left else last
                url, session = stack.enter_context(served(lake))
                reader = Reader(url, session)
                first.append(reader.look())
        for _ in range(rounds):  # until each process has answered it
            reader.look()
        found = {
            "first": first,
            "again": [reader.look() for _ in range(rounds)],
            "refreshed": refreshed(url, reader, rounds, pace),
        }
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pace", type=float, default=200)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    given = parser.parse_args()
    first, last = date.today() - timedelta(days=364), date.today()
    filled(given.folder, Year(given.hits, given.visits, first=first, last=last))
    lake = given.folder / "lake"
    found = measured(lake, given.starts, given.rounds, given.pace)
    for name, took in found.items():
        print(f"{name:9} {took:7.0f} ms: {took / found['first']:.3f} of the first")


if __name__ == "__main__":
    main()
