"""How fast a dashboard is answered from a bucket, beside the same lake in a folder.

    python bench/bucket.py [FOLDER] [--rounds 5] [--hits 10000000] [--visits 4000000]

A year of one site's hits is made once (kept where a FOLDER is named), and its files are
copied into a bucket of a SeaweedFS on this machine. Asked in turn, each time by a new
engine: the folder, the bucket with all copies there, and with none. The answers are
compared. The store is near: what a network adds is not in these figures.
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

from filled import LAST, SITE, Year, filled
from panels import PANELS, body

from page_tracker.lake.bucket import AT_ONCE, Bucket
from page_tracker.lake.copies import Copies
from page_tracker.lake.table import Lake
from page_tracker.query.ask import Asking
from page_tracker.query.engine import Engine
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


def answered(lake: Lake, dashboard: Asked) -> tuple[float, Answers]:
    """The seconds until a server that has just started has answered, and its answer."""
    asking = Asking(Reading(lake), Engine(fetch=lake.fetch_named))
    queries = [
        asking.understand(
            body(panel, SITE, dashboard.days, dashboard.filters, SHOWN),
            Site(id=SITE),
            NOW,
        )
        for panel in PANELS
    ]
    began = time.perf_counter()
    reports = asking.reports(queries)
    return time.perf_counter() - began, [report.rows for report in reports]


def measured(folder: Lake, lake: Lake, dashboard: Asked, rounds: int) -> bool:
    """Print the ratios; whether all gave the same answer."""
    assert lake.copies
    taken: dict[str, list[float]] = {"folder": [], "warm": [], "cold": []}
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
        for name, seconds in (("folder", near), ("warm", warm), ("cold", cold)):
            taken[name].append(seconds)
        is_same &= found == known == again
    near, warm, cold = (statistics.median(each) for each in taken.values())
    print(
        f"{dashboard.name:36} folder {near:6.3f} s;"
        f" bucket, all copied {warm / near:5.2f} times,"
        f" none copied {cold / near:5.2f} times, which fetches"
        f" {size / 1e6:.1f} MB{'' if is_same else '; ANSWERS DIFFER'}",
        flush=True,
    )
    return is_same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
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
            same = [measured(folder, lake, each, given.rounds) for each in ASKED]
    sys.exit(not all(same))


if __name__ == "__main__":
    main()
