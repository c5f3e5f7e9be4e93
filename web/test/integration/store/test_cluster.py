"""Ingesting into a cluster: every script stays within its shard's slot."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, RedisCluster
from redis.asyncio import RedisCluster as AsyncRedisCluster

from page_tracker.hits.hit import Drop
from page_tracker.store.counters import Live
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


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a cluster of one node, which holds all slots."""
    folder = tmp_path_factory.mktemp("cluster")
    own, bus = _free_ports(2)
    options = (
        "--cluster-enabled",
        "yes",
        "--port",
        str(own),
        "--cluster-port",
        str(bus),
    )
    with started_redis(Path(folder), *options, "--bind", "127.0.0.1") as node:
        _run(node, "CLUSTER ADDSLOTSRANGE", 0, 16383)
        _wait_until_whole(node)
        yield own


def _run(node: Any, *command: str | int) -> Any:
    return node.execute_command(*command)


def _wait_until_whole(node: Redis) -> None:
    deadline = time.monotonic() + 20 * PACE
    while _run(node, "CLUSTER INFO")["cluster_state"] != "ok":
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
