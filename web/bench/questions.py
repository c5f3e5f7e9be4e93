"""How fast a dashboard's twelve panels are answered, beside ClickHouse.

    python bench/questions.py [FOLDER] [--rounds 5] [--settings 1 2 3 4]
        [--hits 10000000] [--visits 4000000]

Needs the optional group `bench`. A year of one site's hits is made once (kept where a
FOLDER is named), closed and merged by upkeep, its last day still open; ClickHouse has
the same raw rows. Both answer in turn, in this process, and every row of every panel is
compared. Fails where an answer differs or a target is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from column_store import ColumnStore, column_store
from filled import LAST, SITE, Year, filled
from panels import PANELS, body, sql

from page_tracker.lake.table import Lake
from page_tracker.query.ask import Asking
from page_tracker.query.engine import Engine
from page_tracker.query.report_cache import ReportCache
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site

SHOWN = 10  # rows of a panel on a dashboard
ALL = 10_000
YEAR = ("2026-01-01", "2026-12-31")
MONTH = ("2026-12-02", "2026-12-31")


@dataclass(frozen=True)
class Setting:
    """Twelve panels of some days, filtered; how many times faster they have to be."""

    name: str
    days: tuple[str, str]
    target: float
    filters: dict[str, str] = field(default_factory=dict)


SETTINGS = (
    Setting("12 months", YEAR, 40),
    Setting("30 days with the open one", MONTH, 3),
    Setting(
        "12 months, a source and a country",
        YEAR,
        1.7,
        {"source": "Google"} | {"country": "US"},
    ),
    Setting("12 months, a third of the hits", YEAR, 1, {"device": "Mobile"}),
)


class Dashboard:
    """Asks both for the panels of a setting."""

    def __init__(self, lake: Lake, store: ColumnStore) -> None:
        self._lake = lake
        self.start()
        self._store = store
        self._site = Site(id=SITE)
        evening = datetime(LAST.year, LAST.month, LAST.day, 20, tzinfo=UTC)
        self._now = evening.timestamp()

    def start(self) -> None:
        """Answer as a server that has just started: nothing is remembered."""
        self._asking = Asking(Reading(self._lake), Engine())

    def forget_answers(self) -> None:
        """Answer as a server whose lake has changed: what was read is remembered."""
        self._asking = replace(self._asking, cache=ReportCache())

    def ours(self, asked: Setting, limit: int = SHOWN) -> list[list[list[Any]]]:
        """Rows of each panel, asked for as a page asks: in one list."""
        queries = [
            self._asking.understand(
                body(panel, SITE, asked.days, asked.filters, limit),
                self._site,
                self._now,
            )
            for panel in PANELS
        ]
        return [
            [[*row.dimensions, *row.metrics] for row in report.rows]
            for report in self._asking.reports(queries)
        ]

    def theirs(self, asked: Setting, limit: int = SHOWN) -> list[list[list[Any]]]:
        return [
            self._store.rows(sql(panel, SITE, asked.days, asked.filters, limit))
            for panel in PANELS
        ]

    def differences(self, asked: Setting) -> list[str]:
        """The panels that are not answered alike, to the unit and to the row."""
        ours, theirs = self.ours(asked, ALL), self.theirs(asked, ALL)
        return [
            panel.name
            for panel, our, their in zip(PANELS, ours, theirs, strict=True)
            if not our or our != their
        ]


def seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def measured(dashboard: Dashboard, asked: Setting, rounds: int) -> bool:
    """Print how long both take; whether the target is met."""
    first, ours, theirs = [], [], []
    for _ in range(rounds):
        dashboard.start()
        first.append(seconds(lambda: dashboard.ours(asked)))
        dashboard.forget_answers()
        ours.append(seconds(lambda: dashboard.ours(asked)))
        theirs.append(seconds(lambda: dashboard.theirs(asked)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"{asked.name:36} {mine:8.3f} s  ClickHouse {other:8.3f} s "
        f" {other / mine:6.1f} times faster, of {asked.target:g};"
        f" first asked {statistics.median(first):.3f} s",
        flush=True,
    )
    return other / mine >= asked.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    numbers = range(1, len(SETTINGS) + 1)
    parser.add_argument(
        "--settings", type=int, nargs="+", choices=numbers, default=numbers
    )
    given = parser.parse_args()
    settings = [SETTINGS[number - 1] for number in given.settings]
    with TemporaryDirectory(prefix="page-tracker-questions-") as made:
        folder = given.folder or Path(made)
        lake = filled(folder, Year(given.hits, given.visits))
        with column_store(folder, lake) as store:
            dashboard = Dashboard(lake, store)
            differing = {asked.name: dashboard.differences(asked) for asked in settings}
            met = [measured(dashboard, asked, given.rounds) for asked in settings]
    for name, panels in differing.items():
        if panels:
            print(f"{name}: answers differ in {', '.join(panels)}")
    if any(differing.values()) or not all(met):
        sys.exit("answers differ, or a target is missed")


if __name__ == "__main__":
    main()
