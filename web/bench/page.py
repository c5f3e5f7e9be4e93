"""How fast the questions of a site's page are answered, beside the build before.

    python bench/page.py FOLDER --before TREE [--hits 10000000] [--visits 4000000]

Needs the optional group `bench`. FOLDER keeps a year of one site's hits up to today,
closed and merged by upkeep; TREE is a git worktree of another build. Both answer what
the page of twelve months asks, as one list, in a process of their own with a copy of
the lake:

    first      the first time after the start
    again      with nothing changed
    changed    when hits have come in: what closed days gave is known
    restarted  the first time after another start

Prints the seconds of processor time, which other work on the machine does not add to,
and their share in the first of the build before, which is given the memory it needs
(PAGE_TRACKER_QUERY_MEMORY). Fails where a target is missed.

The program runs in both builds; so it imports of Page Tracker only where it works, and
of the other build only what that has.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__)
OURS = HERE.parents[2]
SITE = "example.com"
# The most that each may take, of the first time of the build before.
TARGETS = {"first": 1 / 2, "again": 1 / 20, "changed": 1 / 5, "restarted": 1 / 2}
MEMORY = 6_000_000_000  # bytes, for the build before


def bodies() -> list[dict[str, Any]]:
    """What the page of twelve months asks today."""
    from page_tracker.sites.site import Site
    from page_tracker.web.pages import page_questions as ask
    from page_tracker.web.pages.panels import PANELS
    from page_tracker.web.pages.periods import compared, range_of
    from page_tracker.web.pages.site_page import ROWS

    now, site = _now(), Site(id=SITE)
    asked = range_of("12mo", site.timezone, now, now.date())
    scope = ask.Scope(SITE, asked, compared("previous", False, asked, now))
    return [
        ask.figures(scope),
        ask.reading(scope),
        ask.over_time(scope, "visitors", "week"),
        *(ask.rows(scope, panel.tabs[0], ROWS) for panel in PANELS.values()),
    ]


def _now() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def answer(folder: str, questions: list[dict[str, Any]], is_ours: bool) -> None:
    """Ask in this process, and print the processor seconds by what was asked."""
    from page_tracker.lake.table import Lake
    from page_tracker.query.engine import Engine
    from page_tracker.query.snapshot import Reading
    from page_tracker.sites.site import Site

    try:
        from page_tracker.query.lake_asking import LakeAsking
    except ImportError:  # of the build before
        from page_tracker.query.ask import Asking as LakeAsking

    lake, site, now = Lake(folder), Site(id=SITE), time.time()

    def started() -> LakeAsking:
        if not is_ours:
            return LakeAsking(Reading(lake), Engine(MEMORY, 600))
        from page_tracker.lake.kept_sums import KeptSums

        return LakeAsking(Reading(lake), Engine(kept=KeptSums(lake)))

    def ask(asking: LakeAsking) -> Callable[[], object]:
        queries = [asking.understand(body, site, now) for body in questions]
        return lambda: asking.reports(queries)

    asking = started()
    found = {"first": _seconds(ask(asking)), "again": _seconds(ask(asking))}
    asking = LakeAsking(asking.reading, asking.engine)
    found["changed"] = _seconds(ask(asking))
    found["restarted"] = _seconds(ask(started()))
    print(json.dumps(found))


def _seconds(ask: Callable[[], object]) -> float:
    began = time.process_time()
    ask()
    return time.process_time() - began


def measured(tree: Path, lake: Path, questions: str) -> dict[str, float]:
    """The seconds of the build in a tree."""
    with TemporaryDirectory(prefix="page-tracker-page-", dir=lake.parent) as made:
        subprocess.run(["cp", "-al", lake, f"{made}/lake"], check=True)
        is_ours = "ours" if tree == OURS else "before"
        ran = subprocess.run(
            [sys.executable, str(HERE), f"{made}/lake", "--answer", is_ours],
            env={**os.environ, "PYTHONPATH": str(tree / "web" / "src")},
            input=questions,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--hits", type=int, default=10_000_000)
    parser.add_argument("--visits", type=int, default=4_000_000)
    parser.add_argument("--answer", choices=("ours", "before"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        answer(str(given.folder), json.load(sys.stdin), given.answer == "ours")
        return
    if given.before is None:
        parser.error("--before is needed")
    from filled import Year, filled

    first, last = date.today() - timedelta(days=364), date.today()
    filled(given.folder, Year(given.hits, given.visits, first=first, last=last))
    lake, questions = given.folder / "lake", json.dumps(bodies())
    now = measured(OURS, lake, questions)
    before = measured(given.before, lake, questions)
    for name, target in TARGETS.items():
        print(
            f"{name:9} {now[name]:7.3f} s, before {before[name]:7.3f} s:"
            f" {now[name] / before['first']:.4f} of its first, at most {target:g}"
        )
    if any(now[name] > most * before["first"] for name, most in TARGETS.items()):
        sys.exit("a target is missed")


if __name__ == "__main__":
    main()
