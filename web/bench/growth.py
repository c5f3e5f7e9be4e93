"""How time, memory and files grow with hits and sites.

    python bench/growth.py [FOLDER] [--stores 1000000:1 1000000:1000 10000000:1]

Needs the optional group `bench`. Each store, HITS:SITES, is a year made by filled.py;
the busiest site has a seventh of the hits of a thousand. A process of its own asks the
twelve panels of that site's year twice, then filtered ones, and questions that no day
table answers; its memory is what it has grown by at its peak, and has to stay under the
setting, also where a question is refused for it.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from filled import LAST, SECONDS, SITE, Year, filled, taken
from panels import PANELS, body

from page_tracker.days import day_number
from page_tracker.lake.table import Lake
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.problem import QuestionTooCostlyError
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site

MEMORY = 512_000_000
DAYS = ("2026-01-01", "2026-12-31")
# Two dimensions: no day table answers them, and there are up to millions of groups.
COSTLY = [
    {
        "site_id": SITE,
        "metrics": ["visitors", "visits", "bounce_rate"],
        "date_range": list(DAYS),
        "dimensions": dimensions,
    }
    for dimensions in (
        ["visit:source", "visit:country"],
        ["visit:entry_page", "visit:source"],
        ["visit:entry_page", "visit:exit_page"],
    )
]
NAMES = (
    "panels of a year",
    "again",
    "filtered",
    "by source and country",
    "by entry page and source",
    "by entry and exit page",
)


def measured(lake: Lake) -> tuple[list[float | None], int]:
    """Seconds of each list of questions, None where it was refused; bytes that the
    process has grown by."""
    asking, site = LakeAsking(Reading(lake), Engine(MEMORY)), Site(id=SITE)
    now = day_number(LAST) * SECONDS + 72_000.0
    year = [body(panel, SITE, DAYS, {}, 10) for panel in PANELS]
    narrow = {"source": "Google", "country": "US"}
    filtered = [body(panel, SITE, DAYS, narrow, 10) for panel in PANELS]
    before: int = _peak()
    took: list[float | None] = []
    for asked in (year, year, filtered, *([each] for each in COSTLY)):
        began = time.perf_counter()
        # Its own answers are not remembered, else nothing would be asked again.
        asking = LakeAsking(asking.reading, asking.engine)
        try:
            asking.reports([asking.understand(each, site, now) for each in asked])
            took.append(time.perf_counter() - began)
        except QuestionTooCostlyError as error:
            print(f"refused after {time.perf_counter() - began:.1f} s: {error}")
            took.append(None)
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
            print(f"{hits:,} hits, {sites:,} sites: {taken(lake)}")
            for name, seconds in zip(NAMES, took, strict=True):
                print(f"  {name:26}", f"{seconds:.2f} s" if seconds else "refused")
            print(f"  memory {grown / 1e6:.0f} MB of {MEMORY / 1e6:.0f}", flush=True)
            over = over or grown > MEMORY
    if over:
        sys.exit("questions took more memory than the setting")


if __name__ == "__main__":
    main()
