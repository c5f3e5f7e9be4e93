"""The store on a cluster: real servers, among which its keys are spread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Timer

import pytest
from redis import Redis, RedisError

from page_tracker.hits.hit import Drop
from page_tracker.lake.folder_format import FORMAT
from page_tracker.store.clients import (
    key_on_each_primary,
    open_async_client,
    open_client,
    primaries,
)
from page_tracker.store.counters import Live
from page_tracker.store.format import FORMAT_KEY, require_store
from page_tracker.store.ingest import (
    Outcome,
    submit,
    submit_async,
)
from page_tracker.store.redis_health import durability_notice, redis_problem
from page_tracker.store.salts import Salts, SiteDay, throw_away_spent
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from support.clusters import TestCluster, started_cluster, wait_until
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit
from support.pace import PACE

SHARDS = range(6)
PATIENCE = 2.0 * PACE


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """Three primaries, the first of which has a replica."""
    with started_cluster(tmp_path_factory.mktemp("cluster"), 3, 1) as started:
        yield started


@pytest.fixture
def client(cluster: TestCluster) -> Iterator[Redis]:
    with open_client(cluster.url, PATIENCE) as opened:
        yield opened


def test_everything_works_on_every_shard_of_a_cluster(client: Redis) -> None:
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    for shard in SHARDS:
        hits = [a_hit(event_id="x"), a_hit("/b")]
        batch = a_batch(shard, *hits, drops=[drop])
        assert submit(client, batch) == [Outcome.STORED] * 2
        stream = Stream(client, shard)
        (entry,) = stream.read(0, 9)
        assert len(entry.rows()) == 2
        stream.set_aside(1, "why")
        assert stream.replay(stream.aside()[0].id) == 2
        assert stream.trim(2, stream.origin()) == 1
    live = Live(client, SHARDS)
    live.put_import(SITE, "log", {"/": 3}, 10)
    assert live.total(SITE) == 15
    assert live.pages(SITE) == {"/": 9, "/b": 6}
    assert live.current(SITE, NOON // SECOND).visitors == 6
    deletion = StoreDeletion(client, SHARDS)
    deletion.end_visits(SITE)
    deletion.lower_pages(SITE, {"/b": 6})
    deletion.lower_today(SITE, DAY, {"views": 3, "bounces": -1})
    assert live.pages(SITE) == {"/": 9}
    assert live.today(SITE, DAY).views == 9
    deletion.remove_site(SITE)
    assert live.total(SITE) == 0
    day = SiteDay(SITE, DAY, NOON // SECOND)
    assert Salts().get(client, day, 0) == Salts().get(client, day, 0)
    assert throw_away_spent(client, NOON) == 1


def test_the_event_loop_submits_to_a_cluster(cluster: TestCluster) -> None:
    async def store() -> list[Outcome]:
        async with open_async_client(cluster.url, PATIENCE) as client:
            day = SiteDay("c.example", DAY, 2 * NOON)
            assert len(await Salts().get_async(client, day, 0)) == 16
            return await submit_async(client, a_batch(7, a_hit()))

    assert asyncio.run(store()) == [Outcome.STORED]


def test_what_was_deleted_is_in_no_servers_file_any_more(
    cluster: TestCluster, client: Redis
) -> None:
    def who_has_it() -> int:
        return sum(
            any(b"a secret text" in each.read_bytes() for each in files)
            for node in cluster.nodes
            if (files := list(node.folder.rglob("*.aof")))
        )

    for key in key_on_each_primary(client, "pt:secret"):
        client.set(key, "a secret text")
    wait_until(lambda: who_has_it() == len(cluster.nodes))
    for key in key_on_each_primary(client, "pt:secret"):
        client.delete(key)
    StoreDeletion(client).rewrite_log()
    # The old files are removed by a thread of their own.
    wait_until(lambda: who_has_it() == 0)


def test_a_cluster_is_migrated_and_its_copy_kept(client: Redis) -> None:
    client.set("pt:one", "old")
    client.set("pt:another", "old")
    require_store(client)

    require_store(client, FORMAT + 1, {FORMAT: _step})

    assert client.get("pt:one") == b"1"
    kept = client.hkeys(f"pt:{{format-{FORMAT}}}")
    assert {b"pt:one", b"pt:another"} <= set(kept)
    client.delete(FORMAT_KEY)


def _step(client: Redis) -> None:
    client.set("pt:one", 1)


def test_health_is_that_of_every_primary(cluster: TestCluster, client: Redis) -> None:
    assert redis_problem(client) is None
    assert durability_notice(client) is None
    for node in cluster.primaries:
        node.run("CONFIG SET", "appendfsync", "everysec")
        name = f"Redis at 127.0.0.1:{node.port}"
        assert str(durability_notice(client)).startswith(f"{name} syncs its file")
        node.run("CONFIG SET", "appendfsync", "always")
        with open_client(cluster.url, 0.2) as impatient, node.stopped():
            assert str(redis_problem(impatient)).startswith("Redis takes no writes")
    assert redis_problem(client) is None
    assert [server.name for server in primaries(client)] == sorted(
        f"Redis at 127.0.0.1:{node.port}" for node in cluster.primaries
    )


def test_what_was_not_answered_is_never_sent_again(cluster: TestCluster) -> None:
    """A view counted twice would be one that nobody made."""
    with open_client(cluster.url, 0.2) as impatient:
        key, *_ = key_on_each_primary(impatient, "page_views")
        impatient.set(key, 0)
        with ExitStack() as stack:
            for node in cluster.primaries:
                stack.enter_context(node.stopped())
            Timer(0.4, stack.close).start()  # within the patience of redis-py's own
            with pytest.raises(RedisError):
                impatient.incr(key)
        wait_until(lambda: redis_problem(impatient) is None)
        assert impatient.get(key) == b"1"


def test_a_cluster_that_is_away_is_found_out_by_the_first_command() -> None:
    with open_client("redis+cluster://127.0.0.1:1,127.0.0.1:2", 0.2) as client:
        Stream(client)
        assert str(redis_problem(client)).startswith("Redis takes no writes: Error 111")
