"""How fast a dashboard is answered by ClickHouse over a lake, beside DuckDB here.

    python bench/two_databases.py [FOLDER] [--rounds 5] [--hits N] [--visits N]

A year of one site's hits is made once (kept where a FOLDER is named). Asked in turn:
a new engine of a web process, ClickHouse that reads the lake's files, and ClickHouse
whose own tables were filled with them. The answers are compared. ClickHouse is its
engine (chdb) behind the protocol of its server, on this machine: no network, and no
cluster. In parentheses stand the processors' seconds.
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
from bucket import ASKED, NOW, SHOWN, Asked
from filled import SITE, Year, filled
from panels import PANELS, body

from page_tracker.lake.table import Lake
from page_tracker.query.ask import Asking
from page_tracker.query.clickhouse.database import Server
from page_tracker.query.clickhouse.filled import fill
from page_tracker.query.clickhouse.tables import Place
from page_tracker.query.engine import Engine
from page_tracker.query.report import Row
from page_tracker.query.snapshot import Reading
from page_tracker.settings_parsing import parse_clickhouse
from page_tracker.sites.site import Site

sys.path.append(str(Path(__file__).parents[1] / "test"))
# pylint: disable-next=wrong-import-position # of the tests
from support.clickhouse import PASSWORD, USER, clickhouse, database  # noqa: E402

Answers = Sequence[Sequence[Row]]
WAYS = ("DuckDB", "ClickHouse over the lake", "ClickHouse, filled")


def answered(asking: Asking, dashboard: Asked) -> tuple[float, float, Answers]:
    """Seconds by the clock and of processors until it is answered; and the answer."""
    queries = [
        asking.understand(
            body(panel, SITE, dashboard.days, dashboard.filters, SHOWN),
            Site(id=SITE),
            NOW,
        )
        for panel in PANELS
    ]
    worked, began = _worked(), time.perf_counter()
    reports = asking.reports(queries)
    taken = time.perf_counter() - began
    return taken, _worked() - worked, [report.rows for report in reports]


def _worked() -> float:
    """Processors' seconds of this process and of those that it has started."""
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children())]
    return sum(each.user + each.system for each in times)


def measured(
    ways: Sequence[Callable[[], Asking]], dashboard: Asked, rounds: int
) -> bool:
    """Print the medians; whether all gave the same answer."""
    taken: list[list[tuple[float, float]]] = [[] for _ in ways]
    is_same = True
    for _ in range(rounds):
        found = [answered(way(), dashboard) for way in ways]
        for each, (clock, worked, _) in zip(taken, found, strict=True):
            each.append((clock, worked))
        is_same &= all(answers == found[0][2] for _, _, answers in found)
    told = [
        f"{name} {statistics.median(clock for clock, _ in each):.2f} s"
        f" ({statistics.median(worked for _, worked in each):.2f})"
        for name, each in zip(WAYS, taken, strict=True)
    ]
    print(
        f"{dashboard.name:32} {'; '.join(told)}{'' if is_same else '; ANSWERS DIFFER'}",
        flush=True,
    )
    return is_same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=2_500_000)
    parser.add_argument("--visits", type=int, default=1_000_000)
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        here = Path(temporary)
        lake = filled(given.folder or here / "lake", Year(given.hits, given.visits))
        with clickhouse(here / "clickhouse") as port:
            at = f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{port}"
            server = Server(parse_clickhouse(at), 3600)
            server.do("CREATE DATABASE filled")
            filling = Server(parse_clickhouse(f"{at}/filled"), 3600)
            began = time.perf_counter()
            fill(filling, Place(lake.uri), Reading(lake).sources())
            print(f"filled in {time.perf_counter() - began:.1f} s", flush=True)
            folder = Path(lake.uri)
            same = [
                measured(_ways(lake, folder, port), each, given.rounds)
                for each in ASKED
            ]
    sys.exit(not all(same))


def _ways(lake: Lake, folder: Path, port: int) -> list[Callable[[], Asking]]:
    """Who is asked, in the order of WAYS; each call begins anew."""
    return [
        lambda: Asking(Reading(lake), Engine()),
        lambda: Asking(Reading(lake), Engine(), database(port, folder)),
        lambda: Asking(
            Reading(lake), Engine(), database(port, folder, database="filled")
        ),
    ]


if __name__ == "__main__":
    main()
