"""Page Tracker as on many machines: each part a process of its own, with its faults."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from page_tracker.lake.table import Lake
from support.clusters import Node, TestCluster, started_cluster, wait_until
from support.hitting import SITE
from support.own_bucket import OwnBucket, environment_of, lake_in, own_bucket
from support.pace import ANSWER_SECONDS, PACE
from support.processes import BIN, clean_environment, command, free_port


class Part:
    """A process of ours and its children, which is started again after `kill`."""

    def __init__(self, data: Path, arguments: list[str], settings: dict[str, str]):
        data.mkdir(exist_ok=True)
        self.data = data
        self._arguments = [str(BIN / arguments[0]), *arguments[1:]]
        self._settings = {**settings, "PAGE_TRACKER_DATA": str(data)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        with self.data.with_suffix(".output").open("ab") as output:
            # pylint: disable-next=consider-using-with  # it is ended by `kill`
            self._process = subprocess.Popen(
                self._arguments,
                env=clean_environment(**self._settings, **environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Neither runs nor ends: like a machine that hangs."""
        assert self._process
        group = self._process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)


@dataclass(frozen=True)
class Machines:
    """All parts. Hits come in by `url`; `settings` are what commands need."""

    cluster: TestCluster
    bucket: OwnBucket
    lake: Lake
    parts: dict[str, Part]
    url: str
    settings: dict[str, str]

    def primary(self) -> Node:
        """The primary of the first slots, whichever of the two servers that is now."""
        return self._first_pair(is_primary=True)

    def replica(self) -> Node:
        return self._first_pair(is_primary=False)

    def _first_pair(self, is_primary: bool) -> Node:
        pair = (self.cluster.primaries[0], self.cluster.replicas[0])
        wait_until(lambda: sum(node.is_primary for node in pair) == 1, ANSWER_SECONDS)
        return next(node for node in pair if node.is_primary is is_primary)

    def is_well(self) -> bool:
        """Whether collectors and all servers are ready, and nothing waits on disk."""
        try:
            ready = requests.get(f"{self.url}/readyz", timeout=ANSWER_SECONDS).ok
        except requests.RequestException:
            return False
        spool = self.parts["collector"].data / "spool"
        return ready and not list(spool.glob("*.spool"))

    def drain(self) -> None:
        """Write all that waits to the lake."""
        wait_until(self.is_well, ANSWER_SECONDS)
        data = str(self.parts["first writer"].data)
        command("writer", "--once", "--data", data, **self.settings)


@contextmanager
def many_machines(folder: Path) -> Iterator[Machines]:
    """A cluster of three servers and their replicas, a bucket, a collector, two
    writers, and upkeep."""
    for name in ("nodes", "bucket", "cache"):
        (folder / name).mkdir()
    timeout = ("--cluster-node-timeout", str(round(1000 * PACE)))
    with (
        started_cluster(folder / "nodes", 3, 3, *timeout) as cluster,
        own_bucket(folder / "bucket") as store,
        ExitStack() as stack,
    ):
        place, address = store.bucket(), f"127.0.0.1:{free_port()}"
        settings = {
            "REDIS_URL": cluster.url,
            "PAGE_TRACKER_REDIS_REPLICAS": "1",
            "PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8",
            **environment_of(place),
        }
        parts = _parts(folder, address, settings)
        data = str(parts["collector"].data)
        command("site", "add", SITE, "--data", data, **settings)
        for part in parts.values():
            part.start()
            stack.callback(part.kill)
        lake = lake_in(place, folder / "cache")
        url = f"http://{address}"
        machines = Machines(cluster, store, lake, parts, url, settings)
        wait_until(machines.is_well, ANSWER_SECONDS)
        yield machines


def _parts(folder: Path, address: str, settings: dict[str, str]) -> dict[str, Part]:
    collector = [
        *("gunicorn", "page_tracker.asgi:app", "--bind", address),
        *("--config", "python:page_tracker.gunicorn_config", "--workers", "1"),
    ]
    writer = ["page-tracker", "writer", "--without-upkeep"]
    upkeep = ["page-tracker", "upkeep", "--until-stopped"]
    return {
        "collector": Part(folder / "collector", collector, settings),
        "first writer": Part(folder / "first-writer", writer, settings),
        "second writer": Part(folder / "second-writer", writer, settings),
        "upkeep": Part(folder / "upkeep", upkeep, settings),
    }


# Faults: each is a context in which the part of a name has it.


@contextmanager
def killed(machines: Machines, name: str) -> Iterator[None]:
    """By SIGKILL, and started again."""
    part = _part(machines, name)
    part.kill()
    yield
    part.start()


@contextmanager
def stopped(machines: Machines, name: str) -> Iterator[None]:
    """By SIGSTOP."""
    part = _part(machines, name)
    with part.frozen() if isinstance(part, OwnBucket) else part.stopped():
        yield


@contextmanager
def cut_off(machines: Machines, name: str) -> Iterator[None]:
    """No packet comes to its ports, nor from them; nobody is told."""
    part = _part(machines, name)
    assert not isinstance(part, Part)  # the others are reached by no port
    ports = part.ports if isinstance(part, OwnBucket) else [part.port, part.bus]
    rules = [
        ["OUTPUT", "-p", "tcp", way, str(port), "-j", "DROP"]
        for port in ports
        for way in ("--dport", "--sport")
    ]
    for rule in rules:
        _iptables("-A", *rule)
    try:
        yield
    finally:
        for rule in rules:
            _iptables("-D", *rule)


@contextmanager
def clock_ahead(machines: Machines, name: str, seconds: int) -> Iterator[None]:
    """Started again with another time of day, and once more with the right one."""
    part = _part(machines, name)
    assert not isinstance(part, OwnBucket)  # a static program heeds no library
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    part.kill()
    part.start(LD_PRELOAD=str(library), FAKETIME=f"{seconds:+d}s", **MONOTONIC)
    yield
    part.kill()
    part.start()


MONOTONIC = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _part(machines: Machines, name: str) -> Part | Node | OwnBucket:
    if name == "bucket":
        return machines.bucket
    if name in ("primary", "replica"):
        return machines.primary() if name == "primary" else machines.replica()
    return machines.parts[name]


def _iptables(*arguments: str) -> None:
    subprocess.run(  # nosec B607 # the machine's own program
        ["iptables", "-w", *arguments], check=True
    )
