"""Ingesting into a cluster: every script stays within its shard's slot."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisCluster
from redis.asyncio import RedisCluster as AsyncRedisCluster

from page_tracker.hits.hit import Drop
from page_tracker.lake.folder_format import FORMAT
from page_tracker.store.counters import Live
from page_tracker.store.format import FORMAT_KEY, require_store
from page_tracker.store.ingest import (
    Outcome,
    submit,
    submit_async,
)
from page_tracker.store.salts import Salts, SiteDay, throw_away_spent
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit
from support.pace import PACE
from support.redis_servers import started_redis

SHARDS = range(4)


def _free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@contextmanager
def _node(folder: Path) -> Iterator[tuple[Redis, int, int]]:
    """A server of a cluster, with the ports of its clients and of the cluster."""
    folder.mkdir()
    own, bus = _free_ports(2)
    options = ("--cluster-enabled", "yes", "--bind", "127.0.0.1")
    ports = ("--port", str(own), "--cluster-port", str(bus))
    with started_redis(folder, *options, *ports) as node:
        yield node, own, bus


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """The port of a cluster of one primary, which holds all slots, and its replica."""
    with (
        _node(folder / "primary") as (primary, own, bus),
        _node(folder / "replica") as (replica, _, _),
    ):
        _run(primary, "CLUSTER ADDSLOTSRANGE", 0, 16383)
        _run(replica, "CLUSTER MEET", "127.0.0.1", own, bus)
        name = _run(primary, "CLUSTER MYID").decode()
        _wait_until(lambda: name in str(_run(replica, "CLUSTER NODES")))
        _run(replica, "CLUSTER REPLICATE", name)
        _wait_until(lambda: _run(primary, "CLUSTER INFO")["cluster_state"] == "ok")
        _wait_until(lambda: "slave" in str(_run(primary, "CLUSTER NODES")))
        _wait_until(lambda: replica.info("replication")["master_link_status"] == "up")
        yield own


def _run(node: Any, *command: str | int) -> Any:
    return node.execute_command(*command)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20 * PACE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_everything_works_on_every_shard_of_a_cluster(port: int) -> None:
    cluster = RedisCluster(host="127.0.0.1", port=port)
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    for shard in SHARDS:
        hits = [a_hit(event_id="x"), a_hit("/b")]
        batch = a_batch(shard, *hits, drops=[drop])
        assert submit(cluster, batch) == [Outcome.STORED] * 2
        stream = Stream(cluster, shard)
        (entry,) = stream.read(0, 9)
        assert len(entry.rows()) == 2
        stream.set_aside(1, "why")
        assert stream.replay(stream.aside()[0].id) == 2
        assert stream.trim(2, stream.origin()) == 1
    live = Live(cluster, SHARDS)
    live.put_import(SITE, "log", {"/": 3}, 10)
    assert live.total(SITE) == 11
    assert live.pages(SITE) == {"/": 7, "/b": 4}
    assert live.current(SITE, NOON // SECOND).visitors == 4
    deletion = StoreDeletion(cluster, SHARDS)
    deletion.end_visits(SITE)
    deletion.lower_pages(SITE, {"/b": 4})
    deletion.lower_today(SITE, DAY, {"views": 3, "bounces": -1})
    assert live.pages(SITE) == {"/": 7}
    assert live.today(SITE, DAY).views == 5
    deletion.remove_site(SITE)
    assert live.total(SITE) == 0
    day = SiteDay(SITE, DAY, NOON // SECOND)
    assert Salts().get(cluster, day, 0) == Salts().get(cluster, day, 0)
    assert throw_away_spent(cluster, NOON) == 1
    cluster.close()


def test_the_event_loop_submits_to_a_cluster(port: int) -> None:
    async def store() -> list[Outcome]:
        async with AsyncRedisCluster(host="127.0.0.1", port=port) as cluster:
            day = SiteDay("c.example", DAY, 2 * NOON)
            assert len(await Salts().get_async(cluster, day, 0)) == 16
            return await submit_async(cluster, a_batch(7, a_hit()))

    assert asyncio.run(store()) == [Outcome.STORED]


def test_what_was_deleted_is_in_no_servers_file_any_more(
    port: int, folder: Path
) -> None:
    def has_it(part: str) -> bool:
        files = (folder / part).rglob("*.aof")
        return any(b"a secret text" in path.read_bytes() for path in files)

    with RedisCluster(host="127.0.0.1", port=port) as cluster:
        cluster.set("pt:secret", "a secret text")
        _wait_until(lambda: has_it("primary") and has_it("replica"))
        cluster.delete("pt:secret")
        StoreDeletion(cluster).rewrite_log()
    # The old files are removed by a thread of their own.
    _wait_until(lambda: not has_it("primary") and not has_it("replica"))


def test_a_cluster_is_migrated_and_its_copy_kept(port: int) -> None:
    with RedisCluster(host="127.0.0.1", port=port) as cluster:
        cluster.set("pt:one", "old")
        cluster.set("pt:another", "old")
        require_store(cluster)

        require_store(cluster, FORMAT + 1, {FORMAT: lambda _: cluster.set("pt:one", 1)})

        assert cluster.get("pt:one") == b"1"
        kept = cluster.hkeys(f"pt:{{format-{FORMAT}}}")
        assert {b"pt:one", b"pt:another"} <= set(kept)
        cluster.delete(FORMAT_KEY)
