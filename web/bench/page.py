"""How fast a site's page is answered, beside the build before.

    python bench/page.py FOLDER --before TREE [--rounds 3]
        [--hits 10000000] [--visits 4000000]

Needs the optional group `bench`. FOLDER keeps a year of one site's hits up to today,
closed and merged by upkeep; TREE is a git worktree of another build. Both serve a copy
of the lake in turn, each to a person who has signed in and asks for twelve months:

    first      the first view after the start
    again      with nothing changed
    changing   while hits come in, 200 a second

Prints seconds, and ratios to the first view of the build before. Fails where a target
is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from filled import SITE, Year, filled

HERE = Path(__file__).parent
OURS = HERE.parents[1]
PAGE = f"/{SITE}?period=12mo"
VIEWS = 10
RATE = 200  # hits a second
TOKEN = re.compile(r'name="token" value="(\w+)"')
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/{}.0.0.0 Safari/537.36"
)
# The most that each may take, of the first view of the build before.
TARGETS = {"first": 1 / 2, "again": 1 / 20, "changing": 1 / 5}


@dataclass
class Build:
    """A build, and the seconds that its pages took, by what was asked."""

    name: str
    tree: Path
    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in TARGETS}
    )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.tree / "web" / "src")}


@contextmanager
def serving(build: Build, lake: Path) -> Iterator[tuple[str, requests.Session]]:
    """A server with a copy of the lake: its address, and who has signed in there."""
    with TemporaryDirectory(prefix="page-tracker-page-", dir=lake.parent) as made:
        data = Path(made) / "data"
        copy = Path(made) / "lake"
        subprocess.run(["cp", "-al", lake, copy], check=True)
        command = [sys.executable, "-m", "page_tracker"]
        folder = ("--data", str(data), "--lake", str(copy))
        subprocess.run(
            [*command, "site", "add", SITE, *folder[:2]],
            env=build.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with subprocess.Popen(
            [*command, "serve", "--port", "0", *folder],
            env=build.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield _signed_in(process)
            finally:
                process.terminate()
                process.wait()


def _signed_in(process: subprocess.Popen[str]) -> tuple[str, requests.Session]:
    said = ""
    while not (link := re.search(r"(https?://\S+)(/welcome/\S+)", said)):
        said += process.stdout.readline() if process.stdout else ""
    threading.Thread(target=process.communicate, daemon=True).start()
    session = requests.Session()
    fields = {"name": "ada", "password": "quiet river under old bridges"}
    if token := TOKEN.search(session.get(link[1] + link[2]).text):
        fields["token"] = token[1]
    session.post(link[1] + link[2], data=fields).raise_for_status()
    time.sleep(2)  # all workers know the account by then
    return link[1], session


def view(url: str, session: requests.Session) -> float:
    """The seconds that the page takes."""
    began = time.perf_counter()
    answer = session.get(url + PAGE, timeout=120)
    taken = time.perf_counter() - began
    answer.raise_for_status()
    if "Visitors by" not in answer.text:
        raise RuntimeError(f"no page: {answer.text[:500]}")
    return taken


@contextmanager
def hits(url: str) -> Iterator[None]:
    """Hits come in, so many a second, of a new visitor each minute."""
    is_over = threading.Event()

    def send() -> None:
        session = requests.Session()
        due = time.monotonic()
        number = 0
        while not is_over.is_set():
            event = {
                "name": "pageview",
                "url": f"https://{SITE}/{number % 50}",
                "domain": SITE,
            }
            agent = {"User-Agent": AGENT.format(100 + number // (60 * RATE) % 40)}
            session.post(
                f"{url}/api/event", data=json.dumps(event), headers=agent, timeout=30
            )
            number += 1
            due += 1 / RATE
            time.sleep(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def measure(build: Build, lake: Path) -> None:
    """One round: a server from its start on."""
    with serving(build, lake) as (url, session):
        build.seconds["first"].append(view(url, session))
        again = [view(url, session) for _ in range(VIEWS)]
        build.seconds["again"].append(statistics.median(again))
        with hits(url):
            time.sleep(3)
            changing = []
            for _ in range(VIEWS):
                changing.append(view(url, session))
                time.sleep(1)
        build.seconds["changing"].append(statistics.median(changing))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    given = parser.parse_args()
    today = date.today()
    first = today - timedelta(days=364)
    filled(given.folder, Year(given.hits, given.visits, first=first, last=today))
    builds = [Build("before", given.before), Build("now", OURS)]
    for _ in range(given.rounds):
        for build in builds:
            measure(build, given.folder / "lake")
    before, now = builds
    whole = statistics.median(before.seconds["first"])
    missed = False
    for name, target in TARGETS.items():
        theirs, ours = (
            statistics.median(build.seconds[name]) for build in (before, now)
        )
        missed = missed or ours > target * whole
        print(
            f"{name:9} {ours:7.3f} s, before {theirs:7.3f} s:"
            f" {ours / whole:6.3f} of the first view before, at most {target:g}"
        )
    if missed:
        sys.exit("a target is missed")


if __name__ == "__main__":
    main()
