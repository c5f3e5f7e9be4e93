"""How fast a dashboard's twelve panels are answered, beside ClickHouse.

    python bench/questions.py [FOLDER] [--before TREE] [--rounds 5]
        [--settings 1 2 3 4] [--hits 10000000] [--visits 4000000]

Needs the optional group `bench`. A year of one site's hits is made once (kept where a
FOLDER is named), closed and merged by upkeep, its last day still open; ClickHouse has
the same raw rows. Both answer in turn, and every row of every panel is compared. What
is filtered is asked for the first time, by a server that has answered the panels
without the filter: that is what the click on a filter takes. The build in TREE, a git
worktree, is asked the same in a process of its own. Prints the seconds of processor
time, which other work on the machine does not add to. Fails where an answer differs or
a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from argparse import SUPPRESS, Namespace
from collections import defaultdict
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
from page_tracker.query.engine import Engine
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site

try:
    from page_tracker.query.lake_asking import LakeAsking
except ImportError:  # of the build before
    from page_tracker.query.ask import Asking as LakeAsking

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
        5,
        {"source": "Google"} | {"country": "US"},
    ),
    Setting("12 months, a third of the hits", YEAR, 3, {"device": "Mobile"}),
)


class Dashboard:
    """Asks for the panels of a setting."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.start()
        self._site = Site(id=SITE)
        evening = datetime(LAST.year, LAST.month, LAST.day, 20, tzinfo=UTC)
        self._now = evening.timestamp()

    def start(self) -> None:
        """Answer as a server that has just started: nothing is remembered."""
        self._asking = LakeAsking(Reading(self._lake), Engine())

    def forget_answers(self) -> None:
        """Answer as a server whose lake has changed: what was read is remembered."""
        self._asking = LakeAsking(self._asking.reading, self._asking.engine)

    def await_click(self, asked: Setting) -> None:
        """Answer as a server whose page is open, without its filter; or, where there is
        none, as one whose lake has changed."""
        if asked.filters:
            self.start()
            self.rows(replace(asked, filters={}))
        else:
            self.forget_answers()

    def rows(self, asked: Setting, limit: int = SHOWN) -> list[list[list[Any]]]:
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


def theirs(
    store: ColumnStore, asked: Setting, limit: int = SHOWN
) -> list[list[list[Any]]]:
    """Rows of each panel, of ClickHouse."""
    return [
        store.rows(sql(panel, SITE, asked.days, asked.filters, limit))
        for panel in PANELS
    ]


def differences(dashboard: Dashboard, store: ColumnStore, asked: Setting) -> list[str]:
    """The panels that are not answered alike, to the unit and to the row."""
    ours, other = dashboard.rows(asked, ALL), theirs(store, asked, ALL)
    return [
        panel.name
        for panel, our, their in zip(PANELS, ours, other, strict=True)
        if not our or our != their
    ]


def seconds(ask: Callable[[], object], clock: Callable[[], float]) -> float:
    """By how much asking moves a clock."""
    began = clock()
    ask()
    return clock() - began


def seconds_of(dashboard: Dashboard, asked: Setting) -> dict[str, float]:
    """What a setting takes: after a start, when it is measured, and asked again."""
    dashboard.start()

    def took() -> float:
        return seconds(lambda: dashboard.rows(asked), time.process_time)

    found = {"first": took()}
    dashboard.await_click(asked)
    found["measured"] = took()
    dashboard.forget_answers()
    return found | {"again": took()}


def seconds_before(tree: Path, folder: Path, number: int) -> dict[str, float]:
    """The same, of the build in a tree; as this file has it, run there."""
    ran = subprocess.run(
        [sys.executable, __file__, folder, "--answer", f"{number}"],
        env={**os.environ, "PYTHONPATH": str(tree / "web" / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def measured(
    folder: Path, lake: Lake, store: ColumnStore, number: int, given: Namespace
) -> bool:
    """Print what each takes; whether the target is met."""
    asked, times = SETTINGS[number - 1], defaultdict[str, list[float]](list)
    for _ in range(given.rounds):
        for name, took in seconds_of(Dashboard(lake), asked).items():
            times[name].append(took)
        times["theirs"].append(
            seconds(lambda: theirs(store, asked), store.processor_seconds)
        )
        if given.before:
            before = seconds_before(given.before, folder, number)
            times["before"].append(before["measured"])
    middle = {name: statistics.median(took) for name, took in times.items()}
    faster = middle["theirs"] / middle["measured"]
    print(
        f"{asked.name:36} {middle['measured']:8.3f} s"
        f"  ClickHouse {middle['theirs']:8.3f} s "
        f" {faster:6.1f} times faster, of {asked.target:g};"
        f" after a start {middle['first']:.3f} s, again {middle['again']:.3f} s",
        flush=True,
    )
    if given.before:
        share = middle["measured"] / middle["before"]
        print(f"{'':36} the build before {middle['before']:.3f} s: {share:.2f} of it")
    return faster >= asked.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--before", type=Path, metavar="TREE")
    parser.add_argument("--answer", type=int, help=SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    numbers = range(1, len(SETTINGS) + 1)
    parser.add_argument(
        "--settings", type=int, nargs="+", choices=numbers, default=numbers
    )
    given = parser.parse_args()
    if given.answer:
        dashboard = Dashboard(Lake(f"{given.folder}/lake"))
        print(json.dumps(seconds_of(dashboard, SETTINGS[given.answer - 1])))
        return
    settings = [SETTINGS[number - 1] for number in given.settings]
    with TemporaryDirectory(prefix="page-tracker-questions-") as made:
        folder = given.folder or Path(made)
        lake = filled(folder, Year(given.hits, given.visits))
        with column_store(folder, lake) as store:
            dashboard = Dashboard(lake)
            differing = {
                asked.name: differences(dashboard, store, asked) for asked in settings
            }
            met = [
                measured(folder, lake, store, number, given)
                for number in given.settings
            ]
    for name, panels in differing.items():
        if panels:
            print(f"{name}: answers differ in {', '.join(panels)}")
    if any(differing.values()) or not all(met):
        sys.exit("answers differ, or a target is missed")


if __name__ == "__main__":
    main()
