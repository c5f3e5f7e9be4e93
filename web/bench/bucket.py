"""How fast a dashboard is answered from a bucket, beside the same lake in a folder.

    python bench/bucket.py [FOLDER] [--rounds 5] [--hits 10000000] [--visits 4000000]
        [--asked 0 1 2 3]

A year of one site's hits is made once (kept where a FOLDER is named), and its files are
copied into a bucket of a SeaweedFS on this machine. Asked in turn, each time by a new
engine: the folder, the bucket with all copies there, and with none. The answers are
compared. Beside the time by the clock stands that of the processor, which other work
changes less; the store's is not in it. The store is near: what a network adds is not in
these figures.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from filled import LAST, SITE, Year, filled
from panels import PANELS, body

from page_tracker.lake.bucket import AT_ONCE, Bucket
from page_tracker.lake.copies import Copies
from page_tracker.lake.table import Lake
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.report import Row
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site

sys.path.append(str(Path(__file__).parents[1] / "test"))
# pylint: disable-next=wrong-import-position # of the tests
from support.own_bucket import own_bucket  # noqa: E402

NOW = datetime(LAST.year, LAST.month, LAST.day, 20, tzinfo=UTC).timestamp()
ROOM = 10_000_000_000  # bytes
Answers = Sequence[Sequence[Row]]
SHOWN = 10  # rows of a panel on a dashboard
YEAR, MONTH = ("2026-01-01", "2026-12-31"), ("2026-12-02", "2026-12-31")


@dataclass(frozen=True)
class Asked:
    """The twelve panels of some days, filtered."""

    name: str
    days: tuple[str, str]
    filters: dict[str, str] = field(default_factory=dict)


ASKED = (
    Asked("12 months", YEAR),
    Asked("30 days with the open one", MONTH),
    Asked("12 months, a third of the hits", YEAR, {"device": "Mobile"}),
    Asked("30 days, a third of the hits", MONTH, {"device": "Mobile"}),
)


def copied(lake: Lake, bucket: Bucket) -> None:
    """Put a folder's lake into a bucket: its log names files by their places."""
    root = Path(lake.uri)
    paths = [each for each in root.rglob("*") if each.is_file() and each.parent != root]

    def put(path: Path) -> None:
        bucket.put_new(str(path.relative_to(root)), path.read_bytes())

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, paths))


class Taken(NamedTuple):
    """Seconds by the clock, and of the processor in this process."""

    clock: float
    processor: float


def answered(lake: Lake, dashboard: Asked) -> tuple[Taken, Answers]:
    """What a server that has just started takes to answer, and its answer."""
    asking = LakeAsking(Reading(lake), Engine(fetch=lake.fetch_named))
    queries = [
        asking.understand(
            body(panel, SITE, dashboard.days, dashboard.filters, SHOWN),
            Site(id=SITE),
            NOW,
        )
        for panel in PANELS
    ]
    began, used = time.perf_counter(), time.process_time()
    reports = asking.reports(queries)
    taken = Taken(time.perf_counter() - began, time.process_time() - used)
    return taken, [report.rows for report in reports]


def measured(folder: Lake, lake: Lake, dashboard: Asked, rounds: int) -> bool:
    """Print the ratios; whether all gave the same answer."""
    assert lake.copies
    taken: dict[str, list[Taken]] = {"folder": [], "warm": [], "cold": []}
    size, is_same = 0, True
    for _ in range(rounds):
        shutil.rmtree(lake.copies.folder, ignore_errors=True)
        cold, found = answered(lake, dashboard)
        size = sum(
            path.stat().st_size
            for path in lake.copies.folder.rglob("*")
            if path.is_file()
        )
        near, known = answered(folder, dashboard)
        warm, again = answered(lake, dashboard)
        for name, each in (("folder", near), ("warm", warm), ("cold", cold)):
            taken[name].append(each)
        is_same &= found == known == again
    near, warm, cold = (
        Taken(*map(statistics.median, zip(*each))) for each in taken.values()
    )
    print(
        f"{dashboard.name:32} folder {near.clock:.3f} s ({near.processor:.3f} s of the"
        f" processor); bucket, all copied {_times(warm, near)}, none copied"
        f" {_times(cold, near)}, which fetches {size / 1e6:.1f} MB"
        f"{'' if is_same else '; ANSWERS DIFFER'}",
        flush=True,
    )
    return is_same


def _times(taken: Taken, near: Taken) -> str:
    clock, processor = taken.clock / near.clock, taken.processor / near.processor
    return f"{clock:.2f} times ({processor:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    numbers = range(len(ASKED))
    parser.add_argument(
        "--asked", type=int, nargs="+", choices=numbers, default=numbers
    )
    given = parser.parse_args()
    year = Year(given.hits, given.visits)
    with TemporaryDirectory() as temporary:
        here = Path(temporary)
        (here / "store").mkdir()
        folder = filled(given.folder or here / "lake", year)
        with own_bucket(here / "store") as store:
            bucket = store.bucket()
            copied(folder, bucket)
            lake = Lake(bucket.uri, Copies(bucket, here / "copies", ROOM))
            asked = [ASKED[number] for number in given.asked]
            same = [measured(folder, lake, each, given.rounds) for each in asked]
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
