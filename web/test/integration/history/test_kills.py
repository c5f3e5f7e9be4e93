"""Imports that are killed, at instants spread over all of their work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from page_tracker.history.lines import BLOCK_BYTES
from page_tracker.lake.table import Lake
from page_tracker.processes.embedded import redis_of
from page_tracker.settings import Settings
from support.importing import line, write
from support.lake import ask
from support.processes import wait_until

PROGRAM = (sys.executable, "-m", "page_tracker")
# More than one block, so that its threads work too; over many days.
LINES = 38_000


@pytest.mark.timeout(600)
def test_an_import_that_is_killed_again_and_again_is_there_once(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    later = 1.1 if request.config.getoption("--long") else 1.6
    log = write(
        tmp_path / "access.log",
        [
            line(f"/{number % 50}", number * 3, f"10.0.0.{number % 200}")
            for number in range(LINES)
        ],
    )
    assert log.stat().st_size > BLOCK_BYTES
    data = tmp_path / "data"
    environment = {**os.environ, "PAGE_TRACKER_DATA": str(data)}
    environment.pop("REDIS_URL", None)
    command = (*PROGRAM, "import", "example.com", str(log))
    with redis_of(Settings(data=data)):
        subprocess.run(
            (*PROGRAM, "site", "add", "example.com"), env=environment, check=True
        )
        killed, pause = 0, 1.0
        while True:
            with subprocess.Popen(command, env=environment) as process:
                try:
                    process.wait(pause)
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
            # By a share, so that a slow machine needs no more turns for it.
            killed, pause = killed + 1, pause * later
        subprocess.run(command, env=environment, check=True)

    assert killed
    sql = "SELECT count(*), count(DISTINCT visitor >> 32) FROM hits"
    assert ask(Lake(str(data / "lake")), sql) == [(LINES, 1)]
    left = {each.name for each in (data / "imports").iterdir()}
    assert left == {"1.json", "lock"}
    wait_until(lambda: not _workers_of(data), lambda: _workers_of(data))


def _workers_of(data: Path) -> list[str]:
    """The files of the imports that processes still have open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = [os.readlink(each) for each in (process / "fd").iterdir()]
        except OSError:
            continue
        found += [each for each in files if each.startswith(str(data / "imports"))]
    return found
