"""What the idle server takes: memory (PSS) of all processes of `page-tracker serve`.

    python bench/memory.py [--workers 2] [--seconds 20] [--used]

Beside it, in the same run: a Python that has imported Flask and nothing else. With
--used also what it takes once it has been used and is idle again: after an import, the
closing of its days, and questions to all web processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from import_log import make_log
from panels import PANELS, body

from page_tracker.lake.table import Lake

SITE = "example.com"
MEGABYTE = 1_000_000
BARE = "import flask, time; print(flush=True); time.sleep(600)"
LINES = 100_000
DAYS = ("2015-05-17", "2015-06-30")
# The kernel gives each new connection to any of the web processes.
TIMES = 6
# After a minute without questions the database gives its memory back, or two at most.
RESTED = 130
FILTERS: tuple[dict[str, str], ...] = ({}, {"device": "Desktop"})


def main() -> None:
    options = _options()
    with TemporaryDirectory(prefix="page-tracker-memory-") as folder:
        data = f"{folder}/data"
        command = ["page_tracker", "serve", "--port", "0", "--data", data]
        command += ["--workers", str(options.workers)]
        with _running("-m", *command) as server, _running("-c", BARE) as bare:
            try:
                said = server.stdout.readline() if server.stdout else ""
                time.sleep(options.seconds)
                total, beside = _of_all(server), _pss(psutil.Process(bare.pid))
                print(
                    f"{total:7.1f} MB  in all; bare Flask {beside:.1f} MB,"
                    f" {total / beside:.1f} of it",
                    flush=True,
                )
                if options.used:
                    _use(Path(folder), data, said.split()[-1])
                    time.sleep(RESTED)
                    print(f"{_of_all(server):7.1f} MB  in all, after use", flush=True)
            finally:
                for process in (server, bare):
                    process.terminate()


def _running(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True
    )


def _of_all(server: subprocess.Popen[str]) -> float:
    """Megabytes of a process and all below it, each of which is printed."""
    root, total = psutil.Process(server.pid), 0.0
    for process in (root, *root.children(recursive=True)):
        size = _pss(process)
        total += size
        name = " ".join((process.name(), *process.cmdline()))
        print(f"{size:7.1f} MB  {name[:70]}")
    return total


def _pss(process: psutil.Process) -> float:
    """In megabytes."""
    return float(process.memory_full_info().pss) / MEGABYTE


def _use(folder: Path, data: str, url: str) -> None:
    """Import a log, wait until its days are closed, and ask about them."""
    log = folder / "access.log"
    make_log(log, LINES)
    _tell(data, "site", "add", SITE)
    _tell(data, "import", SITE, str(log))
    tabled = Lake(f"{data}/lake")
    while not tabled.snapshot("days").file_uris():
        time.sleep(1)
    token = _tell(data, "token", "add", "--scope", "stats", "--all-sites").strip()
    for filters in FILTERS * TIMES:
        asked = [body(panel, SITE, DAYS, filters, 10) for panel in PANELS]
        request = urllib.request.Request(
            f"{url}/api/v2/queries",
            json.dumps(asked).encode(),
            {"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200


def _tell(data: str, *words: str) -> str:
    command = [sys.executable, "-m", "page_tracker", *words, "--data", data]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--used", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
