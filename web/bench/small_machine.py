"""Whether the settings for a small machine keep a server within its memory.

    sudo python bench/small_machine.py [--megabytes 512] [--lines 1000000] [--hits 560]

Needs wrk, and a memory cgroup of version 1 or 2, which root makes. In it, without swap:
`page-tracker serve` with the settings of docs/start/machine-size.md, which takes hits
all the time; a log is imported, then questions are asked over all of its days. Prints
what each took, and fails where the kernel has ended a process for its memory, an
answer was refused, or a hit.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from accept import HERE
from build_before import ROOT, environment_of
from import_log import make_log

SETTINGS = {
    "PAGE_TRACKER_WORKERS": "1",
    "PAGE_TRACKER_QUERY_MEMORY": "100",
    "PAGE_TRACKER_REDIS_MEMORY": "64",
}
IMPORTED, COUNTED = "imported.example", "counted.example"
CONNECTIONS = 256
QUESTIONS = (
    ("--by", "day"),
    ("--by", "page"),
    ("--by", "exit_page"),
    ("--by", "source", "--filter", "device is Desktop"),
    ("--by", "browser", "--filter", "page is /"),
)
MEGABYTE = 1 << 20
LOOK_SECONDS = 0.2


class Cgroup:
    """A group of processes that share so much memory, and no swap."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        version = 2 if (folder / "memory.max").exists() else 1
        limits = {
            1: ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
            2: ("memory.max",),
        }
        for name in limits[version]:
            if (folder / name).exists():
                (folder / name).write_text(str(limit))
        self._anonymous = {1: "total_rss", 2: "anon"}[version]
        self._ends = {1: "memory.oom_control", 2: "memory.events"}[version]

    def enter(self) -> None:
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def megabytes(self) -> int:
        """What its processes hold that is not a file's."""
        return self._number("memory.stat", self._anonymous) // MEGABYTE

    def ended(self) -> int:
        """How many processes the kernel has ended for the group's memory."""
        return self._number(self._ends, "oom_kill")

    def _number(self, file: str, name: str) -> int:
        found = re.search(rf"^{name} (\d+)$", (self.folder / file).read_text(), re.M)
        assert found, f"{file} has no {name}"
        return int(found[1])


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        cgroup = stack.enter_context(_cgroup(options.megabytes * MEGABYTE))
        folder = stack.enter_context(TemporaryDirectory(dir=ROOT))
        log = Path(folder) / "access.log"
        make_log(log, options.lines)
        environment = {
            **environment_of(ROOT),
            **SETTINGS,
            "PAGE_TRACKER_DATA": f"{folder}/data",
        }
        run = partial(_run, cgroup, environment)
        for site in (IMPORTED, COUNTED):
            run("site", "add", site)
        url = stack.enter_context(_serving(cgroup, environment))
        time.sleep(5)
        print(f"idle: {cgroup.megabytes()} MB", flush=True)
        load = stack.enter_context(_load(url, options.hits))
        run("import", IMPORTED, str(log))
        for words in QUESTIONS:
            run("query", IMPORTED, "--period", "all", *words)
        load.send_signal(signal.SIGINT)  # it tells what it has done
        said = load.communicate()[0]
        print(said)
        assert "Non-2xx" not in said, "hits were refused"
        assert not cgroup.ended(), f"{cgroup.ended()} processes were ended"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument(
        "--hits", type=int, default=560, help="a second, if answers took no time"
    )
    return parser.parse_args()


@contextmanager
def _cgroup(limit: int) -> Iterator[Cgroup]:
    """A new group below this process's place in the hierarchy of memory."""
    for hierarchy in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup"):
        if Path(hierarchy).exists():
            break
    folder = Path(hierarchy) / f"page-tracker-{os.getpid()}"
    folder.mkdir()
    try:
        yield Cgroup(folder, limit)
    finally:
        time.sleep(1)  # until its processes are gone
        folder.rmdir()


def _run(cgroup: Cgroup, environment: Mapping[str, str], *words: str) -> None:
    """A command in the group, to its end; prints the most that the group held."""
    began, most = time.monotonic(), 0
    with subprocess.Popen(
        [sys.executable, "-m", "page_tracker", *words],
        env=environment,
        preexec_fn=cgroup.enter,
        stdout=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            most = max(most, cgroup.megabytes())
            time.sleep(LOOK_SECONDS)
    took = time.monotonic() - began
    print(f"{' '.join(words)}: {took:.1f} s, at most {most} MB in all", flush=True)
    assert process.returncode == 0, f"it ended with {process.returncode}"


@contextmanager
def _serving(cgroup: Cgroup, environment: Mapping[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "page_tracker", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--trusted-proxies", "127.0.0.0/8"],
        env=environment,
        preexec_fn=cgroup.enter,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout
            found = re.search(r"counts at (\S+)", server.stdout.readline())
            assert found, "it did not start"
            yield found[1]
        finally:
            server.terminate()
            server.communicate()


@contextmanager
def _load(url: str, hits: int) -> Iterator["subprocess.Popen[str]"]:
    """Hits at a pace, from outside the group."""
    settings = {
        "MODE": "plausible",
        "SITE": COUNTED,
        "PACE": str(CONNECTIONS / hits * 1000),
        "LOAD": str(HERE / "load.lua"),
    }
    script = str(HERE / "paced.lua")
    with subprocess.Popen(
        ["wrk", "-t1", f"-c{CONNECTIONS}", "-d600", "--latency", "-s", script, url],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    main()
