"""What a hit costs in processor time, by process, beside the build before.

    python bench/accept_cost.py [--before d2f35cf] [--rounds 5] [--seconds 4]

Needs wrk (Debian: apt-get install wrk). Starts `page-tracker serve` of both builds,
each with two workers, loads them in turn by load.lua, and waits until the writer has
taken all hits. Prints the medians, in microseconds for each hit, and their ratio:
unlike hits a second, that means something while the machine does other work too.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from accept import load, tracker
from build_before import builds

# What is found in a process's name or command line, and what it is called here.
PARTS = {
    "tracker-web": "web",
    "gunicorn_config": "web",  # before web was forked
    "tracker-writer": "writer",
    "page_tracker writer": "writer",
    "valkey-server": "Redis",
}
DRAINED_SECONDS = 1.5

Cost = Mapping[str, float]


def main() -> None:
    options = _options()
    found: dict[str, list[Cost]] = defaultdict(list)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environments = stack.enter_context(builds(options.before))
        servers = {}
        for build, environment in environments.items():
            (folder / build).mkdir()
            server = stack.enter_context(tracker(folder / build, environment))
            servers[build] = server
            load(options.connections, 2, "plausible", server.url)  # caches fill
        for number in range(options.rounds):
            for build, server in servers.items():
                time.sleep(DRAINED_SECONDS)
                before = _spent(server.pid)
                said = load(
                    options.connections, options.seconds, "plausible", server.url
                )
                time.sleep(DRAINED_SECONDS)
                hits = _hits(said)
                cost = {
                    part: (seconds - before[part]) / hits * 1e6
                    for part, seconds in _spent(server.pid).items()
                }
                found[build].append(cost)
                rate = f"{hits / options.seconds:,.0f} hits/s"
                print(
                    f"round {number + 1}: {build:6} {_shown(cost)}; {rate}",
                    flush=True,
                )
    _print_medians(found)


def _print_medians(found: Mapping[str, list[Cost]]) -> None:
    medians = {
        build: {
            part: statistics.median(each[part] for each in costs) for part in costs[0]
        }
        for build, costs in found.items()
    }
    for build, cost in medians.items():
        print(f"median, {build:6} {_shown(cost)}")
    ratios = [
        sum(before.values()) / sum(now.values())
        for before, now in zip(*found.values(), strict=True)
    ]
    print(
        f"the build before costs {statistics.median(ratios):.2f} times as much"
        f" ({min(ratios):.2f}-{max(ratios):.2f})"
    )


def _shown(cost: Cost) -> str:
    parts = ", ".join(f"{part} {micros:.1f}" for part, micros in cost.items())
    return f"{sum(cost.values()):.1f} µs a hit: {parts}"


def _spent(pid: int) -> dict[str, float]:
    """Seconds of processor time of what a server runs, by its part."""
    spent = dict.fromkeys((*PARTS.values(), "serve"), 0.0)
    for each in _family(pid):
        process = Path(f"/proc/{each}")
        said = process.joinpath("comm").read_text("utf-8")
        said += process.joinpath("cmdline").read_text("utf-8").replace("\0", " ")
        part = next((part for mark, part in PARTS.items() if mark in said), "serve")
        fields = process.joinpath("stat").read_text("utf-8").rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        spent[part] += ticks / os.sysconf("SC_CLK_TCK")
    return spent


def _family(pid: int) -> list[int]:
    """A process and all that it has started."""
    children = [
        int(child)
        for listed in Path(f"/proc/{pid}/task").glob("*/children")
        for child in listed.read_text("ascii").split()
    ]
    return [pid, *(each for child in children for each in _family(child))]


def _hits(said: str) -> int:
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    return int(found[1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", default="d2f35cf", help="a commit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each load")
    parser.add_argument("--connections", type=int, default=128)
    if not shutil.which("wrk"):
        parser.error("wrk is not installed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
