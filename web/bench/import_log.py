"""How fast a log is imported: lines a second, against reading the same file bare.

    python bench/import_log.py [--lines 1000000 [3000000 …] | --log FILE]

Needs goaccess (Debian: apt-get install goaccess). The log is the real one of test/data,
repeated: times shifted so that its days follow one another, addresses varied. Measured
in one run: `wc -l`, DuckDB that reads the same file as lines and takes its fields apart
by one pattern, GoAccess's report of it, and `page-tracker import` with everything that
it does, from start to end. Its memory (PSS of all its processes, Redis included) is
told as it went on, so that several sizes show what grows with a log.
Where other programs compete for the machine, look at the processor time.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb
import psutil

LOG = Path(__file__).parent.parent / "test" / "data" / "apache_combined.log.gz"
DAYS_OF_LOG = 4
LOOK_SECONDS = 0.5
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PAGE_TRACKER = (sys.executable, "-m", "page_tracker")
FIELDS = (
    r'^([^ ]+) [^ ]+ [^ ]+ \[([^\]]+)\] "([^"]*)" ([0-9]+) [^ ]+ "([^"]*)" "([^"]*)"'
)


# pylint: disable-next=too-many-locals  # one for each part of a line
def make_log(path: Path, lines: int, seed: int = 1) -> None:
    """Write the real log again and again: other days, other addresses."""
    chance = random.Random(seed)  # nosec: no secret
    with gzip.open(LOG, "rt", encoding="utf-8") as log:
        real = log.readlines()
    pattern = re.compile(r"^(\S+)( \S+ \S+ \[)(\d\d/\w+/\d{4})(.*)$", re.DOTALL)
    parts = [found.groups() for found in map(pattern.match, real) if found]
    with open(path, "w", encoding="utf-8") as file:
        written = turn = 0
        while written < lines:
            shifted: dict[str, str] = {}
            moved: dict[str, str] = {}
            for address, middle, day, rest in parts[: lines - written]:
                if day not in shifted:
                    then = datetime.strptime(day, "%d/%b/%Y")
                    then += timedelta(days=DAYS_OF_LOG * (turn % 90))
                    shifted[day] = then.strftime("%d/%b/%Y")
                if address not in moved:
                    moved[address] = ".".join(
                        str(chance.randint(1, 254)) for _ in range(4)
                    )
                file.write(f"{moved[address]}{middle}{shifted[day]}{rest}")
            written += len(parts)
            turn += 1


def timed_wc(path: Path) -> float:
    began = time.perf_counter()
    subprocess.run(("wc", "-l", path), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def timed_goaccess(path: Path) -> float:
    """Seconds of processor time until GoAccess has made its report of the log."""
    began = _processor_seconds()
    report = path.with_suffix(".html")
    subprocess.run(
        ("goaccess", path, "--log-format=COMBINED", "--no-progress", "-o", report),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return _processor_seconds() - began


def timed_duckdb(path: Path) -> float:
    began = time.perf_counter()
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
        connection.execute(
            "SELECT count(*), count(DISTINCT part.address), max(part.agent) FROM ("
            " SELECT regexp_extract(line, $fields, ['address', 'time', 'request',"
            " 'status', 'referrer', 'agent']) AS part FROM read_csv($path,"
            " header = false, auto_detect = false, columns = {'line': 'VARCHAR'},"
            " delim = '\x01', quote = '', escape = '', strict_mode = false))",
            {"fields": FIELDS, "path": str(path)},
        ).fetchall()
    return time.perf_counter() - began


class Run(NamedTuple):
    """An import: seconds by the clock and of the processors, page views, and the memory
    of all its processes (bytes, PSS), looked at now and then."""

    seconds: float
    processor_seconds: float
    views: int
    memory: list[int]


def timed_import(path: Path, data: Path) -> Run:
    environment = {**os.environ, "PAGE_TRACKER_DATA": str(data)}
    environment.pop("REDIS_URL", None)
    subprocess.run(
        (*PAGE_TRACKER, "site", "add", "example.com"),
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    began = time.perf_counter()
    used = _processor_seconds()
    with subprocess.Popen(
        (*PAGE_TRACKER, "import", "example.com", str(path), "--json"),
        env=environment,
        stdout=subprocess.PIPE,
    ) as process:
        memory = []
        while process.poll() is None:
            memory.append(sum(_pss(psutil.Process(process.pid))))
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - began
        said = json.loads(process.communicate()[0])
    return Run(seconds, _processor_seconds() - used, said["pageviews"], memory)


def _adopt_orphans() -> None:
    """Have what an import's processes leave behind waited for here, and so counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _processor_seconds() -> float:
    """Of all processes that were started here, and by these; all must have ended."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _pss(process: psutil.Process) -> Iterator[int]:
    try:
        for each in (process, *process.children(recursive=True)):
            try:
                yield each.memory_full_info().pss
            except psutil.Error:
                pass
    except psutil.Error:
        pass


def measure_made(lines: int) -> None:
    """Measure a log of so many lines, which is made for it."""
    with TemporaryDirectory(prefix="bench-import-") as folder:
        log = Path(folder) / "access.log"
        make_log(log, lines)
        measure(log)


# pylint: disable-next=too-many-locals  # one for each figure
def measure(log: Path) -> None:
    with log.open("rb") as file:
        lines = sum(1 for _ in file)
    with TemporaryDirectory(prefix="bench-import-") as folder:
        size = log.stat().st_size
        print(f"{lines:,} lines, {size / 1e6:,.0f} MB, {os.cpu_count()} cores")
        timed_wc(log)  # the file is in the page cache from here on
        bare, taken_apart = timed_wc(log), timed_duckdb(log)
        goaccess = timed_goaccess(log)
        run = timed_import(log, Path(folder) / "data")
        lake = Path(folder) / "data" / "lake" / "hits"
        stored = sum(each.stat().st_size for each in lake.rglob("*.parquet"))
    for name, took in (
        ("wc -l", bare),
        ("DuckDB, fields apart", taken_apart),
        ("page-tracker import", run.seconds),
    ):
        rate, ratio = lines / took, taken_apart / took
        print(f"{name:22} {took:8.2f} s {rate:12,.0f} lines/s {ratio:8.2f}")
    print(f"{lines / run.processor_seconds:,.0f} lines a second of processor time")
    print(
        f"{run.processor_seconds:,.1f} s of processor time, goaccess {goaccess:,.1f} s:"
        f" {run.processor_seconds / goaccess:.2f} of it"
    )
    print(f"{run.views:,} page views, {stored / run.views:.1f} bytes each in the lake")
    looks = [run.memory[len(run.memory) * part // 10] for part in range(10)]
    going = " ".join(f"{look / 1e6:.0f}" for look in looks)
    print(f"memory, at each tenth of the time: {going} MB")
    print(f"most memory: {max(run.memory) / 1e6:,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--log", type=Path, help="in place of one that is made")
    options = parser.parse_args()
    _adopt_orphans()
    if options.log:
        measure(options.log)
        return
    for lines in options.lines:
        measure_made(lines)


if __name__ == "__main__":
    main()
