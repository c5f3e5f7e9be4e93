"""How fast a dashboard is answered by ClickHouse over a lake, beside DuckDB here.

    python bench/two_databases.py [FOLDER] [--rounds 3] [--hits N] [--visits N]

Needs the optional group `bench`. A year of one site's hits, and ClickHouse's own tables
of them, are made once (kept where a FOLDER is named). Asked in turn: a new engine of a
web process, ClickHouse that reads the lake's files, and ClickHouse that reads its own
tables. The answers are compared. ClickHouse is its engine (chdb) behind the protocol of
its server, on this machine: no network, and no cluster. Prints processors' seconds, and
how many times DuckDB's these are.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from bucket import ASKED, MONTH, NOW, SHOWN, Asked
from filled import SITE, Year, filled
from panels import PANELS, body

from page_tracker.lake.table import Lake
from page_tracker.query.clickhouse.database import Server
from page_tracker.query.clickhouse.filled import fill
from page_tracker.query.clickhouse.tables import Place
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.report import Row
from page_tracker.query.snapshot import Reading
from page_tracker.settings_parsing import parse_clickhouse
from page_tracker.sites.site import Site

sys.path.append(str(Path(__file__).parents[1] / "test"))
# pylint: disable-next=wrong-import-position # of the tests
from support.clickhouse import PASSWORD, USER, clickhouse, database  # noqa: E402

Answers = Sequence[Sequence[Row]]
WAYS = ("DuckDB", "ClickHouse over the lake", "ClickHouse's own tables")
# What hits alone can tell.
DASHBOARDS = (*ASKED, Asked("30 days, of who saw some pages", MONTH))
LONGEST = 3600.0  # seconds
SEEN = [["contains", "event:page", ["/00"]]]


def answered(asking: LakeAsking, dashboard: Asked) -> tuple[float, Answers]:
    """Processors' seconds until it is answered; and the answer."""
    bodies = [
        body(panel, SITE, dashboard.days, dashboard.filters, SHOWN) for panel in PANELS
    ]
    if dashboard is DASHBOARDS[-1]:
        bodies = [each | {"filters": SEEN} for each in bodies]
    queries = [asking.understand(each, Site(id=SITE), NOW) for each in bodies]
    worked = _worked()
    reports = asking.reports(queries)
    return _worked() - worked, [report.rows for report in reports]


def _worked() -> float:
    """Processors' seconds of this process and of those that it has started."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children())]
    return sum(each.user + each.system for each in times)


def measured(
    ways: Sequence[Callable[[], LakeAsking]], dashboard: Asked, rounds: int
) -> bool:
    """Print the medians; whether all gave the same answer."""
    taken: list[list[float]] = [[] for _ in ways]
    is_same = True
    for _ in range(rounds):
        found = [answered(way(), dashboard) for way in ways]
        for each, (worked, _) in zip(taken, found, strict=True):
            each.append(worked)
        is_same &= all(answers == found[0][1] for _, answers in found)
    middle = [statistics.median(each) for each in taken]
    told = [
        f"{name} {each:.2f} s, {each / middle[0]:.2f} times"
        for name, each in zip(WAYS, middle, strict=True)
    ]
    print(
        f"{dashboard.name:32} {'; '.join(told)}{'' if is_same else '; ANSWERS DIFFER'}",
        flush=True,
    )
    return is_same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        here = Path(temporary)
        lake = filled(given.folder or here / "lake", Year(given.hits, given.visits))
        own = (given.folder or here) / "own"
        own.mkdir(exist_ok=True)
        with clickhouse(own) as port:
            at = f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{port}"
            server = Server(parse_clickhouse(at), LONGEST)
            server.do("CREATE DATABASE IF NOT EXISTS filled")
            filling = Server(parse_clickhouse(f"{at}/filled"), LONGEST)
            began = time.perf_counter()
            done = fill(filling, Place(lake.uri), Reading(lake).sources())
            took = time.perf_counter() - began
            print(f"{done.added} files put into tables in {took:.1f} s", flush=True)
            folder = Path(lake.uri)
            same = [
                measured(_ways(lake, folder, port), each, given.rounds)
                for each in DASHBOARDS
            ]
    sys.exit(not all(same))


def _ways(lake: Lake, folder: Path, port: int) -> list[Callable[[], LakeAsking]]:
    """Who is asked, in the order of WAYS; each call begins anew."""
    return [
        lambda: LakeAsking(Reading(lake), Engine(seconds=LONGEST)),
        lambda: LakeAsking(Reading(lake), Engine(), database(port, folder, LONGEST)),
        lambda: LakeAsking(
            Reading(lake), Engine(), database(port, folder, LONGEST, database="filled")
        ),
    ]


if __name__ == "__main__":
    main()
