"""What guides/experiments.md shows is what its commands print."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

from naive_answers import Row
from page_tracker.lake.table import Lake
from support import commands
from support.asked import put, view
from support.documentation import page
from support.processes import clean_environment
from support.transcripts import steps

# Who was shown what: visitors, and how many of them signed up.
SHOWN = {"old": (1204, 96), "new": (1187, 131)}
IN_BOTH = 3
DAYS = [date(2026, 11, day) for day in range(2, 16)]


def put_visitors(folder: Path) -> None:
    """The site's hits of two weeks."""
    rows: list[Row] = []
    for group, (visitors, signed_up) in SHOWN.items():
        for number in range(visitors + IN_BOTH):
            day = DAYS[number % len(DAYS)]
            # The first few are the same people in either group.
            visitor = number if number < IN_BOTH else len(rows) + IN_BOTH
            row = view(visitor, day=day, site="example.com")
            is_signup = visitors - signed_up <= number - IN_BOTH
            row["props"] = {"buttons": group}
            rows.append(row | {"name": "Signup" if is_signup else "pageview"})
    put(Lake(str(folder / "lake")), rows, 1)


def test_every_command_prints_what_is_shown(tmp_path: Path) -> None:
    put_visitors(tmp_path)
    environment = clean_environment(PAGE_TRACKER_DATA=str(tmp_path))

    def run(command: str) -> str:
        words = shlex.split(command)[1:]
        done = commands.run(*words, environment=environment, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("page-tracker site add example.com")
    for step in steps(page("guides/experiments")):
        if step.command.startswith("page-tracker"):
            assert step.output in run(step.command)
