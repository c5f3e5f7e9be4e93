"""When a browser first paints a site's page, beside the same bytes as static files.

    python bench/paint.py FOLDER [--rounds 9] [--hits 10000000] [--visits 4000000]

Needs the optional group `bench`, and Chromium. FOLDER is as page.py keeps it. Chromium
has a processor that is slowed four times and a line of 1.6 Mbit/s with 75 ms of delay,
and nothing in its cache; in turn it opens the page of twelve months, and what the
server had answered for it, kept in files and served by Python's own server. Prints both
medians and their ratio; fails where that is above the target.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import requests
from filled import SITE, Year, filled
from playwright.sync_api import Browser, sync_playwright
from served import served

PAGE = f"/{SITE}?period=12mo"
TARGET = 1.3
SLOWED = 4
LINE = {
    "offline": False,
    "latency": 75,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
FIRST_PAINT = (
    "new Promise(done => new PerformanceObserver(list => {"
    " for (const each of list.getEntries())"
    "  if (each.name === 'first-contentful-paint') done(each.startTime);"
    " }).observe({ type: 'paint', buffered: true }))"
)


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a word to the terminal."""

    protocol_version = "HTTP/1.1"

    # No line for each request: its arguments do not matter.
    def log_message(self, *_: object) -> None:  # type: ignore[override]
        pass


@contextmanager
def static(url: str, session: requests.Session) -> Iterator[str]:
    """The page and what it loads, as files of a server: the page's address there."""
    page = session.get(url + PAGE, timeout=120)
    page.raise_for_status()
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "page.html").write_bytes(page.content)
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            file = folder / path.lstrip("/").partition("?")[0]
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(session.get(url + path).content)
        handler = partial(Quiet, directory=made)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/page.html"
            server.shutdown()


def painted(browser: Browser, address: str, cookies: dict[str, str]) -> float:
    """Milliseconds until something is painted, in a browser that has kept nothing."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        origin = "/".join(address.split("/")[:3])
        context.add_cookies(
            [
                {"name": name, "value": text, "url": origin}
                for name, text in cookies.items()
            ]
        )
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", LINE)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        page.goto(address, timeout=120_000)
        return float(page.evaluate(FIRST_PAINT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    given = parser.parse_args()
    today = date.today()
    first = today - timedelta(days=364)
    filled(given.folder, Year(given.hits, given.visits, first=first, last=today))
    ours, theirs = [], []
    with (
        served(given.folder / "lake") as (url, session),
        static(url, session) as file,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        ) as browser,
    ):
        cookies = session.cookies.get_dict()
        for _ in range(given.rounds):
            ours.append(painted(browser, url + PAGE, cookies))
            theirs.append(painted(browser, file, {}))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"first contentful paint {mine:.0f} ms, of static files {other:.0f} ms:"
        f" {mine / other:.2f}, at most {TARGET}"
    )
    if mine > TARGET * other:
        sys.exit("the target is missed")


if __name__ == "__main__":
    main()
