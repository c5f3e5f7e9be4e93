"""What people feel, in one table: the build before, this one, and what each is beside.

    python bench/all.py [--before d2f35cf] [--rounds 5] [--lines 3000000] [--year DIR]

Runs each row's program with both builds in turn, and prints the medians: processor time
where there is one, for other work on the machine adds little to it. Filters are left
out without the group `bench`; DIR keeps the year of hits that they are asked about.
It takes long; stop what else runs.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from build_before import builds

HERE = Path(__file__).parent
# What start.py prints for each thing that is started.
STARTED = re.compile(
    r"^(?P<name>.+): (?P<now>[\d.]+) s of processor time, .*?\((?P<before>[\d.]+) s\)",
    re.MULTILINE,
)


class Row(NamedTuple):
    """A figure of a program's output: `pattern` finds `ours`, and `peer` if it has one.

    `target` is of the ratio to the build before, or else to the peer.
    """

    name: str
    program: Sequence[str]
    pattern: str
    peer: str
    target: str


class Line(NamedTuple):
    """A row of the table, measured; no number is 0 where there is nothing."""

    name: str
    before: float
    now: float
    peer: str
    target: str

    def __str__(self) -> str:
        ratio = self.now / self.before
        before, now = _shown(self.before), _shown(self.now)
        return (
            f"| {self.name} | {before} | {now} | {self.peer} |"
            f" {ratio:.2f} | {self.target} |"
        )


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def rows(options: argparse.Namespace) -> list[Row]:
    importing = ("import_log.py", "--lines", str(options.lines))
    found = [
        Row(
            "hits accepted a second",
            ("accept.py", "--rounds", "1"),
            r"median: (?P<ours>[\d,]+) hits/s, nginx (?P<peer>[\d,]+)",
            "nginx",
            "1.5 of before",
        ),
        Row(
            f"importing {options.lines:,} lines, s of processor time",
            importing,
            r"(?P<ours>[\d.,]+) s of processor time, goaccess (?P<peer>[\d.,]+)",
            "goaccess",
            "0.5 of before, 0.8 of goaccess",
        ),
        Row(
            "its memory, MB",
            importing,
            r"most memory: (?P<ours>[\d,]+) MB",
            "",
            "250 MB",
        ),
        Row(
            "idle memory, MB",
            ("memory.py",),
            r"(?P<ours>[\d.]+) MB  in all; bare Flask (?P<peer>[\d.]+)",
            "bare Flask",
            "0.6 of before",
        ),
    ]
    for number, name, target in (("3", "source and country", "5"), ("4", "third", "3")):
        if options.year and find_spec("chdb"):
            program = ("questions.py", options.year, "--rounds", "1", "--settings")
            found.append(
                Row(
                    f"twelve panels filtered by a {name}, s",
                    (*program, number),
                    r"(?P<ours>[\d.]+) s  ClickHouse +(?P<peer>[\d.]+) s",
                    "ClickHouse",
                    f"1/{target} of ClickHouse",
                )
            )
    return found


def main() -> None:
    options = _options()
    lines = [_started(each) for each in STARTED.finditer(_start(options))]
    with builds(options.before) as environments:
        said: dict[Sequence[str], list[Mapping[str, str]]] = {}
        for row in rows(options):
            if row.program not in said:  # one program may have several figures
                said[row.program] = [
                    {build: _said(row.program, each) for build, each in turn}
                    for turn in [environments.items()] * options.rounds
                ]
            lines.append(_measured(row, said[row.program]))
    print("\n| what | before | now | beside | now / before | target |")
    print("|---|---|---|---|---|---|")
    print(*lines, sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", default="d2f35cf", help="a commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--year", metavar="DIR", help="of questions.py")
    return parser.parse_args()


def _said(program: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a program prints; some end with an error where a target is missed."""
    ended = subprocess.run(
        [sys.executable, HERE / program[0], *program[1:]],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(ended.stdout, flush=True)
    return ended.stdout


def _measured(row: Row, turns: Sequence[Mapping[str, str]]) -> Line:
    """A row's medians; the peer's from the runs of this build."""
    found = [
        {build: _figures(row.pattern, text) for build, text in turn.items()}
        for turn in turns
    ]
    before, now = (
        statistics.median(each[build]["ours"] for each in found)
        for build in ("before", "now")
    )
    peer = ""
    if row.peer:
        theirs = statistics.median(each["now"]["peer"] for each in found)
        peer = f"{row.peer} {_shown(theirs)}; {now / theirs:.2f} of it"
    return Line(row.name, before, now, peer, row.target)


def _figures(pattern: str, text: str) -> dict[str, float]:
    found = re.search(pattern, text)
    assert found, f"nothing like {pattern} in {text}"
    return {
        name: float(number.replace(",", ""))
        for name, number in found.groupdict().items()
    }


def _start(options: argparse.Namespace) -> str:
    """What start.py prints: it runs both builds itself."""
    ended = subprocess.run(
        [sys.executable, HERE / "start.py", "--before", options.before]
        + ["--rounds", str(options.rounds)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(ended.stdout, flush=True)
    return ended.stdout


def _started(found: re.Match[str]) -> Line:
    title = f"start: {found['name']}, s of processor time"
    return Line(title, float(found["before"]), float(found["now"]), "", "0.5 of before")


if __name__ == "__main__":
    main()
