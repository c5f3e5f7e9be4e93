"""Clusters of a test's own: real servers on this machine."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from page_tracker.store import keys
from support.pace import PACE
from support.redis_servers import started_redis

SLOTS = 16384
_OF_CLUSTER = (
    *("--cluster-enabled", "yes", "--bind", "127.0.0.1"),
    *("--cluster-require-full-coverage", "no"),
    *("--repl-diskless-sync-delay", "0"),
)


class Node:
    """A server of a cluster; `redis` talks to it over a socket of its own."""

    redis: Redis
    _pid: int

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port, self.bus = _free_ports(2)
        ports = ("--port", str(self.port), "--cluster-port", str(self.bus))
        self._options = (*_OF_CLUSTER, *ports, *options)
        self._running = ExitStack()

    def start(self, **environment: str) -> None:
        """Start it, or start it again after `kill`."""
        self.close()
        started = started_redis(self.folder, *self._options, environment=environment)
        self.redis = self._running.enter_context(started)
        self._pid = int(self.redis.info("server")["process_id"])

    def run(self, *command: str | int) -> Any:
        redis: Any = self.redis
        return redis.execute_command(*command)

    @property
    def name(self) -> str:
        return str(self.run("CLUSTER MYID").decode())

    @property
    def is_primary(self) -> bool:
        return bool(self.redis.info("replication")["role"] == "master")

    @property
    def is_following(self) -> bool:
        return self.redis.info("replication").get("master_link_status") == "up"

    @property
    def offset(self) -> int:
        """How much has been written, as it knows."""
        return int(self.redis.info("replication")["master_repl_offset"])

    @property
    def primary_ports(self) -> set[int]:
        """Those of the primaries that it knows."""
        return {port for _, _, (_, port, *_), *_ in self.run("CLUSTER SLOTS")}

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Neither runs nor ends: like a machine that hangs."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    def kill(self) -> None:
        """Until it is gone, which it may not be while it syncs."""
        process = psutil.Process(self._pid)
        process.kill()
        wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)

    def close(self) -> None:
        self._running.close()


@dataclass(frozen=True)
class TestCluster:
    """Primaries share the slots evenly; replica `i` is one of primary `i`."""

    __test__ = False

    primaries: list[Node]
    replicas: list[Node]

    @property
    def nodes(self) -> list[Node]:
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.primaries)
        return f"redis+cluster://{hosts}"

    def owner_of(self, key: str) -> Node:
        """The primary that has a key now."""
        slot = self.primaries[0].run("CLUSTER KEYSLOT", key)
        return next(
            node
            for node in self.primaries
            if any(first <= slot <= last for first, last in _slots_of(node))
        )

    def shards_of(self, node: Node) -> list[int]:
        """Some shards that a primary has now."""
        return [n for n in range(24) if self.owner_of(keys.stream(n)) is node]


def _slots_of(node: Node) -> list[tuple[int, int]]:
    """The ranges that it has: https://valkey.io/commands/cluster-slots"""
    return [
        (first, last)
        for first, last, (_, port, *_), *_ in node.run("CLUSTER SLOTS")
        if port == node.port
    ]


@contextmanager
def started_cluster(
    folder: Path, primaries: int, replicas: int, *options: str
) -> Iterator[TestCluster]:
    """A cluster in which the shards whose servers are there are served."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(_node(folder / str(number), *options))
            for number in range(primaries + replicas)
        ]
        cluster = TestCluster(nodes[:primaries], nodes[primaries:])
        for number, node in enumerate(cluster.primaries):
            first, end = (SLOTS * at // primaries for at in (number, number + 1))
            node.run("CLUSTER ADDSLOTSRANGE", first, end - 1)
            node.run("CLUSTER SET-CONFIG-EPOCH", number + 1)
        # Each of them is met, as they gossip slowly.
        for node, other in combinations(nodes, 2):
            node.run("CLUSTER MEET", "127.0.0.1", other.port, other.bus)
        for primary, replica in zip(cluster.primaries, cluster.replicas, strict=False):
            _follow(replica, primary)
        wait_until(lambda: _is_whole(cluster))
        yield cluster


@contextmanager
def _node(folder: Path, *options: str) -> Iterator[Node]:
    folder.mkdir(exist_ok=True)
    with closing(Node(folder, *options)) as node:
        node.start()
        yield node


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _is_whole(cluster: TestCluster) -> bool:
    return all(_knows_all(node, cluster) for node in cluster.nodes)


def _knows_all(node: Node, cluster: TestCluster) -> bool:
    known = node.run("CLUSTER NODES").values()
    state: Any = node.redis.info("replication")
    return (
        node.run("CLUSTER INFO")["cluster_state"] == "ok"
        and len(known) == len(cluster.nodes)
        and all(each["connected"] for each in known)
        and sum("slave" in each["flags"] for each in known) == len(cluster.replicas)
        and (state["role"] == "master" or state["master_link_status"] == "up")
    )


def _follow(replica: Node, primary: Node) -> None:
    name = primary.name
    wait_until(lambda: name in str(replica.run("CLUSTER NODES")))
    replica.run("CLUSTER REPLICATE", name)


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds * PACE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
