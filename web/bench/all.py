"""What people feel, in one table: the build before, this one, and what each is beside.

    python bench/all.py [--rows start memory accept import filter] [--rounds 5]
        [--before d2f35cf] [--lines 3000000] [--year DIR]

Runs each row's program with both builds in turn, and prints the medians: processor time
where there is one, for other work on the machine adds little to it. Filters are left
out without the group `bench`; DIR has the year of hits that they are asked about, which
takes minutes to make where it is not there yet. On a quiet machine of 2 cores all but
the filters take some 20 minutes; each row is printed as soon as it is measured.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from build_before import Environment, builds
from import_log import make_log

MOST_ROUNDS = 100
HERE = Path(__file__).parent
HEAD = "| what | before | now | beside | now / before | target |\n" + "|---" * 6 + "|"
# What programs that run both builds themselves print of each thing.
STARTED = re.compile(
    r"^(?P<name>.+): (?P<ours>[\d.]+) s of processor time, .*?\((?P<before>[\d.]+) s\)",
    re.MULTILINE,
)
FILTERED = re.compile(
    r"^(?P<name>.+?) +(?P<ours>[\d.]+) s  ClickHouse +(?P<peer>[\d.]+) s .*\n"
    r" +the build before (?P<before>[\d.]+) s",
    re.MULTILINE,
)


class Figure(NamedTuple):
    """A figure in a program's output: `pattern` finds `ours`, and `peer` if it has one.

    `target` is of the ratio to the build before, or else to the peer.
    """

    name: str
    pattern: str
    peer: str
    target: str


class Line(NamedTuple):
    """A row of the table, measured; `peer` is empty where there is none."""

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


class Measuring(NamedTuple):
    """What rows are measured with: options, and how each build is run."""

    options: argparse.Namespace
    environments: Mapping[str, Environment]

    def lines(
        self, program: Sequence[str], *figures: Figure, most: int = MOST_ROUNDS
    ) -> Iterator[Line]:
        """The medians of what a program prints, run with both builds in turn.

        There are as many rounds as the options say, and at most so many.
        """
        turns = [
            {
                build: _said(program, environment)
                for build, environment in self.environments.items()
            }
            for _ in range(min(most, self.options.rounds))
        ]
        return (_measured(figure, turns) for figure in figures)


def start(measuring: Measuring) -> Iterator[Line]:
    options = measuring.options
    program = ("start.py", "--before", options.before, "--rounds", str(options.rounds))
    for found in _all_found(STARTED, _said(program)):
        title = f"{found['name']}, s of processor time"
        before, ours = float(found["before"]), float(found["ours"])
        yield Line(title, before, ours, "", "0.5 of before")


def memory(measuring: Measuring) -> Iterator[Line]:
    return measuring.lines(
        ("memory.py", "--used"),
        Figure(
            "idle memory, MB",
            r"(?P<ours>[\d.]+) MB  in all; bare Flask (?P<peer>[\d.]+)",
            "bare Flask",
            "0.6 of before",
        ),
        Figure(
            "the same after an import and questions, MB",
            r"(?P<ours>[\d.]+) MB  in all, after",
            "",
            "0.6 of before",
        ),
        most=2,  # it hardly differs, and takes minutes
    )


def accept(measuring: Measuring) -> Iterator[Line]:
    return measuring.lines(
        ("accept.py", "--rounds", "1"),
        Figure(
            "hits accepted a second",
            r"median: (?P<ours>[\d,]+) hits/s, nginx (?P<peer>[\d,]+)",
            "nginx",
            "1.5 of before",
        ),
    )


def importing(measuring: Measuring) -> Iterator[Line]:
    lines = measuring.options.lines
    with TemporaryDirectory(prefix="page-tracker-all-") as folder:
        log = Path(folder) / "access.log"
        make_log(log, lines)
        yield from measuring.lines(
            ("import_log.py", "--log", str(log)),
            Figure(
                f"importing {lines:,} lines, s of processor time",
                r"(?P<ours>[\d.,]+) s of processor time, goaccess (?P<peer>[\d.,]+)",
                "goaccess",
                "0.5 of before, 0.8 of goaccess",
            ),
            Figure(
                "the same, s by the clock",
                r"page-tracker import +(?P<ours>[\d.,]+) s",
                "",
                "0.5 of before",
            ),
            Figure("its memory, MB", r"most memory: (?P<ours>[\d,]+) MB", "", "250 MB"),
        )


def filtering(measuring: Measuring) -> Iterator[Line]:
    options = measuring.options
    if not options.year or not find_spec("chdb"):
        print("filter: needs --year and the group `bench`", file=sys.stderr)
        return
    tree = Path(measuring.environments["before"]["PYTHONPATH"]).parents[1]
    program = ("questions.py", options.year, "--before", str(tree))
    settings = ("--settings", "3", "4", "--rounds", str(options.rounds))
    said = _all_found(FILTERED, _said((*program, *settings)))
    for found, target in zip(said, ("1/5 of ClickHouse", "1/3 of ClickHouse")):
        before, ours, peer = (float(found[each]) for each in ("before", "ours", "peer"))
        title = f"twelve panels, {found['name']}, s"
        beside = _beside("ClickHouse", ours, peer)
        yield Line(title, before, ours, beside, target)


ROWS: Mapping[str, Callable[[Measuring], Iterator[Line]]] = {
    "start": start,
    "memory": memory,
    "accept": accept,
    "import": importing,
    "filter": filtering,
}


def main() -> None:
    options = _options()
    lines = []
    with builds(options.before) as environments:
        for row in options.rows:
            for line in ROWS[row](Measuring(options, environments)):
                print(f"{HEAD}\n{line}\n", flush=True)
                lines.append(line)
    print(f"\n{HEAD}")
    print(*lines, sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--before", default="d2f35cf", help="a commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--year", metavar="DIR", help="of questions.py")
    return parser.parse_args()


def _said(program: Sequence[str], environment: Environment | None = None) -> str:
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


def _measured(figure: Figure, turns: Sequence[Mapping[str, str]]) -> Line:
    """A figure's medians; the peer's from the runs of this build."""
    found = [
        {build: _numbers(figure.pattern, text) for build, text in turn.items()}
        for turn in turns
    ]
    before, now = (
        statistics.median(each[build]["ours"] for each in found)
        for build in ("before", "now")
    )
    peer = ""
    if figure.peer:
        theirs = statistics.median(each["now"]["peer"] for each in found)
        peer = _beside(figure.peer, now, theirs)
    return Line(figure.name, before, now, peer, figure.target)


def _numbers(pattern: str, text: str) -> dict[str, float]:
    found = re.search(pattern, text)
    assert found, f"nothing like {pattern} in {text}"
    return {
        name: float(number.replace(",", ""))
        for name, number in found.groupdict().items()
    }


def _all_found(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    found = list(pattern.finditer(text))
    assert found, f"nothing like {pattern.pattern} in {text}"
    return found


def _beside(peer: str, ours: float, theirs: float) -> str:
    return f"{peer} {_shown(theirs)}; {ours / theirs:.2f} of it"


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


if __name__ == "__main__":
    main()
