"""How time, memory and files grow with hits and sites.

    python bench/growth.py [FOLDER] [--stores 1000000:1 1000000:1000 10000000:1]

Needs the optional group `bench`. Each store, HITS:SITES, is a year made by filled.py;
the busiest site has a seventh of the hits of a thousand. A process of its own asks the
twelve panels of that site's year twice, then filtered ones, and a question that no day
table answers; its memory is what it has grown by at its peak, and has to stay under the
setting.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from page_tracker.asking import Asking
from page_tracker.lake.reading import Reading
from page_tracker.lake.table import Lake, day_of
from page_tracker.query.engine import Engine
from page_tracker.query.problem import QuestionTooCostlyError
from page_tracker.site import Site

from filled import LAST, SECONDS, SITE, Year, filled, taken
from panels import PANELS, body

MEMORY = 512_000_000
DAYS = ("2026-01-01", "2026-12-31")
COSTLY = {
    "site_id": SITE,
    "metrics": ["visitors", "visits", "bounce_rate"],
    "date_range": list(DAYS),
    "dimensions": ["visit:entry_page", "visit:exit_page"],
}


def measured(lake: Lake) -> tuple[list[float], int]:
    """Seconds of each list of questions; bytes that the process has grown by.

    Says which was refused, and why.
    """
    asking, site = Asking(Reading(lake), Engine(MEMORY)), Site(id=SITE)
    now = day_of(LAST) * SECONDS + 72_000.0
    year = [body(panel, SITE, DAYS, {}, 10) for panel in PANELS]
    narrow = {"source": "Google", "country": "US"}
    filtered = [body(panel, SITE, DAYS, narrow, 10) for panel in PANELS]
    before, took = _peak(), []
    for asked in (year, year, filtered, [COSTLY]):
        began = time.perf_counter()
        try:
            asking.reports([asking.understand(each, site, now) for each in asked])
        except QuestionTooCostlyError as error:
            print(error)
        took.append(time.perf_counter() - began)
    return took, _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument(
        "--stores", nargs="+", default=["1000000:1", "1000000:1000", "10000000:1"]
    )
    given = parser.parse_args()
    over = False
    with TemporaryDirectory(prefix="page-tracker-growth-") as made:
        for store in given.stores:
            hits, sites = map(int, store.split(":"))
            folder = (given.folder or Path(made)) / store.replace(":", "-")
            lake = filled(folder, Year(hits, hits * 2 // 5, sites))
            with get_context("spawn").Pool(1) as process:
                took, grown = process.apply(measured, (lake,))
            first, again, filtered, costly = took
            print(
                f"{hits:,} hits, {sites:,} sites: {taken(lake)}\n"
                f"  panels of a year {first:.2f} s, again {again:.2f} s,"
                f" filtered {filtered:.2f} s; by entry and exit page {costly:.2f} s;"
                f" memory {grown / 1e6:.0f} MB of {MEMORY / 1e6:.0f}",
                flush=True,
            )
            over = over or grown > MEMORY
    if over:
        sys.exit("questions took more memory than the setting")


if __name__ == "__main__":
    main()
