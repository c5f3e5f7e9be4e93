"""The store on a cluster: real servers, among which its keys are spread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Timer
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from redis import ConnectionPool, Redis, RedisError
from redis.asyncio.cluster import NodesManager

from page_tracker.hits.hit import Drop
from page_tracker.lake.folder_format import FORMAT
from page_tracker.lake.table import Lake
from page_tracker.monitoring.figures import of_redis
from page_tracker.store.clients import (
    key_on_each_primary,
    open_async_client,
    open_client,
    primaries,
)
from page_tracker.store.counters import Live
from page_tracker.store.format import FORMAT_KEY, require_store
from page_tracker.store.ingest import (
    Batch,
    Bounds,
    Outcome,
    StoreAwayError,
    submit,
    submit_async,
)
from page_tracker.store.keys import stream
from page_tracker.store.redis_health import (
    durability_notice,
    redis_problem,
    store_problem,
)
from page_tracker.store.replicas import Copies
from page_tracker.store.salts import Salts, SiteDay, throw_away_spent
from page_tracker.store.shards import require_shards
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Writer
from support.clusters import TestCluster, started_cluster, wait_until
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit, named
from support.lake import paths
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
    for node in cluster.primaries:
        node.redis.flushall()
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


@pytest.mark.parametrize("command", ["get", "exists", "delete", "unlink", "incr"])
def test_any_command_may_be_the_first_one(cluster: TestCluster, command: str) -> None:
    with open_client(cluster.url, PATIENCE) as fresh:
        assert getattr(fresh, command)("pt:first") in (None, 0, 1)


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
        node.run("CONFIG SET", "maxmemory", 10**9)
        of_fullest = {each.name: each.samples[0].value for each in of_redis(client)}
        assert of_fullest["page_tracker_redis_memory_limit_bytes"] == 10**9
        node.run("CONFIG SET", "maxmemory", 0)
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


def test_what_was_not_sent_goes_to_the_server_that_took_the_place(
    cluster: TestCluster, client: Redis
) -> None:
    old, (new,) = cluster.primaries[0], cluster.replicas
    key = stream(cluster.shards_of(old)[0])
    assert client.incr(key) == 1
    has_been_written = old.offset
    wait_until(lambda: new.offset >= has_been_written)

    old.kill()
    new.run("CLUSTER FAILOVER", "TAKEOVER")
    others = cluster.primaries[1:]
    wait_until(lambda: all(new.port in node.primary_ports for node in others))

    assert client.incr(key) == 2
    old.start()
    wait_until(lambda: old.is_following)
    old.run("CLUSTER FAILOVER")
    wait_until(lambda: old.is_primary and new.is_following)


def test_a_cluster_that_is_away_is_found_out_by_the_first_command() -> None:
    with open_client("redis+cluster://127.0.0.1:1,127.0.0.1:2", 0.2) as client:
        Stream(client)
        assert str(redis_problem(client)).startswith("Redis takes no writes: Error 111")


@pytest.mark.parametrize("is_connected", [False, True])
def test_two_servers_at_most_are_waited_for_where_a_whole_cluster_is_cut_off(
    cluster: TestCluster, is_connected: bool
) -> None:
    connection = ConnectionPool.get_connection
    with open_client(cluster.url, 0.2) as impatient, ExitStack() as stack:
        _ = impatient.get("page_views") if is_connected else None
        for node in cluster.nodes:
            stack.enter_context(node.stopped())
        with patch.object(ConnectionPool, "get_connection", autospec=True) as asked:
            asked.side_effect = connection
            with pytest.raises(RedisError, match="(?i)time"):
                impatient.get("page_views")
        stack.close()
        assert asked.call_count == 2
        wait_until(lambda: redis_problem(impatient) is None)


def test_nobody_waits_until_all_servers_of_a_cluster_were_tried(
    cluster: TestCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hits have to be in the spool before their sender gives up."""
    looks = []

    async def submit_to_all() -> list[object]:
        all_refused = asyncio.Event()

        async def look(*_: object, **__: object) -> None:
            looks.append("begun")
            await all_refused.wait()

        async with open_async_client(cluster.url, 0.2) as impatient:
            monkeypatch.setattr(NodesManager, "initialize", look)
            with ExitStack() as stack:
                for node in cluster.primaries:
                    stack.enter_context(node.stopped())
                batches = [a_batch(shard, a_hit()) for shard in SHARDS]
                submitted = [submit_async(impatient, batch) for batch in batches]
                refused = await asyncio.gather(*submitted, return_exceptions=True)
            all_refused.set()
        return list(refused)

    refused = asyncio.run(submit_to_all())
    assert all(isinstance(each, StoreAwayError) for each in refused)
    assert looks == ["begun"]


# Replicas

ONE_COPY = Bounds(copies=Copies(1, round(200 * PACE)))


def test_what_is_acknowledged_is_on_a_replica_also_when_it_comes_again(
    cluster: TestCluster, client: Redis
) -> None:
    """A batch that is there already would write nothing, and a connection that has
    written nothing is told at once that all replicas have it."""
    shard = cluster.shards_of(cluster.primaries[0])[0]
    first = replace(a_batch(shard, a_hit()), bounds=ONE_COPY)
    second = replace(first, hits=[a_hit("/b")], id=first.id.next())
    joined = replace(second, id=second.id._replace(number=3, first=1))
    assert submit(client, first) == [Outcome.STORED]
    (replica,) = cluster.replicas
    with replica.stopped():
        for batch in (second, second, first, joined):
            with pytest.raises(StoreAwayError, match="only 0 of 1 replicas"):
                asyncio.run(_submit_async(cluster, batch))  # over a connection anew
    wait_until(lambda: _is_stored(client, second))
    assert asyncio.run(_submit_async(cluster, second)) == [Outcome.STORED]
    assert [entry.number for entry in Stream(client, shard).read(0, 9)] == [1, 2]


def test_the_lake_gets_nothing_that_no_replica_has(
    cluster: TestCluster, client: Redis, tmp_path: Path
) -> None:
    """Else it would get it twice, if the replica is promoted and it is sent again."""
    shard = cluster.shards_of(cluster.primaries[0])[0]
    lake = Lake(str(tmp_path))
    writer = Writer(Stream(client, shard, ONE_COPY.copies), lake)
    (replica,) = cluster.replicas
    with replica.stopped():
        assert submit(client, a_batch(shard, a_hit("/a"))) == [Outcome.STORED]
        with pytest.raises(RedisError, match="only 0 of 1 replicas"):
            writer.round()
        assert paths(lake) == []
    wait_until(lambda: replica.is_following)
    writer.round()
    assert paths(lake) == ["/a"]


def test_an_answer_that_came_too_late_is_nobodys(
    cluster: TestCluster, client: Redis
) -> None:
    """Else whoever has the connection next would read it as his own."""
    shard = cluster.shards_of(cluster.primaries[0])[0]
    batch, patient = a_batch(shard, a_hit()), Bounds(copies=Copies(1, 60_000))
    (replica,) = cluster.replicas
    with open_client(cluster.url, 0.3) as impatient:
        with replica.stopped():
            with pytest.raises(StoreAwayError, match="Timeout"):
                submit(impatient, replace(batch, bounds=patient))
        impatient.set("pt:after", "mine")
        assert impatient.get("pt:after") == b"mine"
    assert submit(client, batch) == [Outcome.STORED]


async def _submit_async(cluster: TestCluster, batch: Batch) -> list[Outcome]:
    async with open_async_client(cluster.url, PATIENCE) as client:
        return await submit_async(client, batch)


# Slots that move


def test_hits_wait_while_a_shard_is_moved_key_by_key(
    cluster: TestCluster, client: Redis
) -> None:
    """On either side a script would find some of the shard's keys only."""
    source, target = cluster.primaries[1:]
    shard = cluster.shards_of(source)[0]
    slot = source.run("CLUSTER KEYSLOT", stream(shard))
    first, second, third = (a_batch(shard, a_hit(path)) for path in ("/", "/b", "/c"))
    assert submit(client, first) == [Outcome.STORED]
    target.run("CLUSTER SETSLOT", slot, "IMPORTING", source.name)
    source.run("CLUSTER SETSLOT", slot, "MIGRATING", target.name)
    names = source.run("CLUSTER GETKEYSINSLOT", slot, 100)
    for name in sorted(names, key=lambda name: name != stream(shard).encode()):
        for batch in (second, third):
            with pytest.raises(StoreAwayError):
                submit(client, batch)
        with pytest.raises(StoreAwayError):
            asyncio.run(_submit_async(cluster, second))
        source.run("MIGRATE", "127.0.0.1", target.port, name, 0, 5000)
    for node in (target, source):
        node.run("CLUSTER SETSLOT", slot, "NODE", target.name)

    assert submit(client, second) == [Outcome.STORED]
    with open_client(cluster.url, PATIENCE) as other:
        assert submit(other, third) == [Outcome.STORED]
    entries = Stream(client, shard).read(0, 9)
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert Live(client, [shard]).pages(SITE) == {"/": 1, "/b": 1, "/c": 1}


def test_a_shard_moves_as_a_whole_while_hits_come(
    cluster: TestCluster, client: Redis
) -> None:
    source, target = cluster.primaries[1:]
    shard = cluster.shards_of(source)[-1]
    slot = source.run("CLUSTER KEYSLOT", stream(shard))
    key = stream(shard)
    stored = 0
    move = ("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.name)
    assert source.run(*move) == b"OK"
    while stored < 20 or cluster.owner_of(key) is source:
        batch = a_batch(shard, a_hit(f"/{stored}"))
        wait_until(partial(_is_stored, client, batch))
        stored += 1
    assert cluster.owner_of(key) is target
    entries = Stream(client, shard).read(0, 10**6)
    rows = [named(row) for entry in entries for row in entry.rows()]
    assert [row["path"] for row in rows] == [f"/{number}" for number in range(stored)]


def _is_stored(client: Redis, batch: Batch) -> bool:
    try:
        return submit(client, batch) == [Outcome.STORED]
    except StoreAwayError:
        return False


def test_the_number_of_shards_is_fixed_by_the_first_hit(client: Redis) -> None:
    require_shards(client, 30)
    require_shards(client, 24)
    submit(client, a_batch(23, a_hit()))
    require_shards(client, 24)
    assert store_problem(client, 24) is None
    assert str(store_problem(client, 25)) == (
        "Redis has hits in 24 shards, and this process is set to 25;"
        " set PAGE_TRACKER_SHARDS=24: a visitor has to be found where he was"
    )
