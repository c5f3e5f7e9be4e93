"""Page Tracker as on many machines: each part a process of its own, with its faults."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import requests

from page_tracker.lake.table import Lake
from page_tracker.store.clients import open_client
from page_tracker.store.stream import Stream
from support.clusters import Node, TestCluster, started_cluster, wait_until
from support.disks import filled, small_disk
from support.hitting import SITE
from support.own_bucket import OwnBucket, environment_of, lake_in, own_bucket
from support.pace import ANSWER_SECONDS, PACE
from support.processes import BIN, clean_environment, command, free_port

SHARDS = range(24)
WRITERS = ("first writer", "second writer")
# Megabytes: a spool leaves 64 to others, and the server of a bucket wants much room.
DISK, DISK_OF_BUCKET = 120, 1000
# In which what waits gets into the lake.
DRAIN_SECONDS = 120 * PACE

# Group ids that no other process has.
_GROUPS = count(47_000)


class Part:
    """A process of ours and its children, which is started again after `kill`."""

    def __init__(self, folder: Path, arguments: list[str], settings: dict[str, str]):
        self.folder = folder
        # The firewall knows by it whose packets are whose.
        self.group = next(_GROUPS)
        self._arguments = [str(BIN / arguments[0]), *arguments[1:]]
        self._settings = {**settings, "PAGE_TRACKER_DATA": str(folder)}
        self._output = folder.with_suffix(".output")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        with self._output.open("ab") as output:
            # pylint: disable-next=consider-using-with  # it is ended by `kill`
            self._process = subprocess.Popen(
                self._arguments,
                env=clean_environment(**self._settings, **environment),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                group=self.group,
            )

    def said(self) -> str:
        return self._output.read_text("utf-8")

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
        spool = self.parts["collector"].folder / "spool"
        return ready and not list(spool.glob("*.spool"))

    def drain(self) -> None:
        """Return once the writers have written all that waits to the lake."""
        wait_until(self.is_well, ANSWER_SECONDS)
        with open_client(self.cluster.url, ANSWER_SECONDS) as client:
            streams = [Stream(client, shard) for shard in SHARDS]
            wait_until(
                lambda: not any(stream.waiting() for stream in streams), DRAIN_SECONDS
            )


@contextmanager
def many_machines(folder: Path) -> Iterator[Machines]:
    """A cluster of three servers and their replicas, a bucket, a collector, two
    writers, and upkeep."""
    for name in ("nodes", "cache"):
        (folder / name).mkdir()
    timeout = ("--cluster-node-timeout", str(round(1000 * PACE)))
    with (
        _disks(folder),
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
        data = str(parts["collector"].folder)
        command("site", "add", SITE, "--data", data, **settings)
        for part in parts.values():
            part.start()
            stack.callback(part.kill)
        lake = lake_in(place, folder / "cache")
        url = f"http://{address}"
        machines = Machines(cluster, store, lake, parts, url, settings)
        wait_until(machines.is_well, ANSWER_SECONDS)
        yield machines


@contextmanager
def _disks(folder: Path) -> Iterator[None]:
    """Each part has its own; so has a server of Redis and the one that copies it."""
    with ExitStack() as stack:
        for name in ("nodes/0", "nodes/3", "collector", *WRITERS, "upkeep"):
            stack.enter_context(small_disk(folder / name, DISK))
        stack.enter_context(small_disk(folder / "bucket", DISK_OF_BUCKET))
        yield


def _parts(folder: Path, address: str, settings: dict[str, str]) -> dict[str, Part]:
    collector = [
        *("gunicorn", "page_tracker.asgi:app", "--bind", address),
        *("--config", "python:page_tracker.gunicorn_config", "--workers", "1"),
    ]
    writer = ["page-tracker", "writer", "--without-upkeep"]
    upkeep = ["page-tracker", "upkeep", "--until-stopped"]
    return {
        "collector": Part(folder / "collector", collector, settings),
        **{name: Part(folder / name, writer, settings) for name in WRITERS},
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
    with _dropping([[way, str(port)] for port in ports for way in WAYS]):
        yield


@contextmanager
def cut_from(machines: Machines, name: str, server: str) -> Iterator[None]:
    """No packet that one part of ours sends comes to Redis, or to the bucket."""
    nodes = machines.cluster.nodes
    ports = machines.bucket.ports if server == "bucket" else [n.port for n in nodes]
    ours = ["-m", "owner", "--gid-owner", str(machines.parts[name].group)]
    with _dropping([["--dport", str(port), *ours] for port in ports]):
        yield


@contextmanager
def disk_full(machines: Machines, name: str) -> Iterator[None]:
    """Not a byte is free. A server of Redis ends of it, and is started again."""
    part = _part(machines, name)
    with filled(part.folder):
        yield
    if isinstance(part, Node):
        part.start()


@contextmanager
def spool_full(machines: Machines, name: str) -> Iterator[None]:
    """No room where hits would wait, and no Redis that would take them."""
    with disk_full(machines, name), cut_from(machines, name, "redis"):
        yield


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


WAYS = ("--dport", "--sport")
MONOTONIC = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _part(machines: Machines, name: str) -> Part | Node | OwnBucket:
    if name == "bucket":
        return machines.bucket
    if name in ("primary", "replica"):
        return machines.primary() if name == "primary" else machines.replica()
    return machines.parts[name]


@contextmanager
def _dropping(packets: list[list[str]]) -> Iterator[None]:
    """The firewall drops such packets of TCP."""
    for each in packets:
        _iptables("-A", *each)
    try:
        yield
    finally:
        for each in packets:
            _iptables("-D", *each)


def _iptables(change: str, *packets: str) -> None:
    subprocess.run(  # nosec B607 # the machine's own program
        ["iptables", "-w", change, "OUTPUT", "-p", "tcp", *packets, "-j", "DROP"],
        check=True,
    )
