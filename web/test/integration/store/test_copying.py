"""A store copied to another one: nothing is lost, and it goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis, ResponseError

from page_tracker.store import keys
from page_tracker.store.copying import TargetStoreError, begin, copy_keys
from page_tracker.store.counters import Live
from page_tracker.store.ingest import Outcome, StoreAwayError, submit
from page_tracker.store.moved import (
    MovedError,
    close_store,
    end_copy,
    leave_lake,
    require_not_moved,
    stay,
)
from page_tracker.store.registry import Registry
from page_tracker.store.shards import Division, division_of, grow
from page_tracker.store.stream import Stream
from support.ingesting import DAY, SITE, a_batch, a_hit, named
from support.redis_servers import started_redis

ONE = range(1)
MORE = range(24)


def _nothing(_number: int) -> None:
    """Nobody watches."""


@pytest.fixture(name="source")
def a_store(redis_client: Redis) -> Redis:
    redis_client.flushall()
    return redis_client


@pytest.fixture(name="target", scope="module")
def another_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with started_redis(tmp_path_factory.mktemp("target")) as started:
        yield started


@pytest.fixture(autouse=True)
def _emptied(target: Redis) -> None:
    target.flushall()


def test_a_visit_goes_on_in_the_copy_and_a_batch_is_known(
    source: Redis, target: Redis
) -> None:
    batch = a_batch(0, a_hit("/one"), a_hit("/two", seconds=9, event_id="x"))
    submit(source, batch)
    first, second = Stream(source).read(0, 1)[0].rows()
    source.set("page_views", 7)

    begin(target, MORE, "the old one")
    close_store(source, ONE, "the new one")
    copy_keys(source, target, _nothing)
    grow(target, 24, 1, DAY, 99)
    end_copy(target, MORE)

    assert submit(target, batch) == [Outcome.STORED] * 2  # it is there already
    again = a_batch(0, a_hit("/three", seconds=20), a_hit("/two", event_id="x"))
    assert submit(target, again) == [Outcome.STORED, Outcome.DUPLICATE]
    assert target.incr("page_views") == 8
    stream = Stream(target)
    assert [entry.number for entry in stream.read(0, 9)] == [1, 2]
    (third,) = stream.read(1, 1)[0].rows()
    rows = list(map(named, (first, second, third)))
    assert len({(row["visitor"], row["visit"]) for row in rows}) == 1
    assert [row["step"] for row in rows] == [1, 2, 3]
    live = Live(target, MORE)
    assert (live.total(SITE), live.today(SITE, DAY).visitors) == (3, 1)
    assert division_of(target, 24) == Division(24, 1, DAY)


def test_a_store_that_is_left_takes_nothing_until_it_is_taken_back(
    source: Redis, tmp_path: Path
) -> None:
    submit(source, a_batch(0, a_hit()))
    source.set("page_views", 7)
    close_store(source, ONE, "redis://new")
    with pytest.raises(StoreAwayError):
        submit(source, a_batch(0, a_hit()))
    with pytest.raises(ResponseError):
        source.incr("page_views")
    registry = Registry(source, tmp_path)
    with pytest.raises(MovedError, match="was moved to redis://new; set REDIS_URL"):
        registry.change(registry.sites, lambda sites: sites)
    stream = Stream(source)
    with pytest.raises(MovedError):
        stream.trim(1, stream.origin())
    stay(source, ONE)
    assert submit(source, a_batch(0, a_hit())) == [Outcome.STORED]
    assert source.incr("page_views") == 8
    assert stream.trim(1, stream.origin()) == 1


def test_hits_do_not_leave_the_stream_for_a_lake_that_was_left(source: Redis) -> None:
    submit(source, a_batch(0, a_hit()))
    stream = Stream(source)
    leave_lake(source, ONE, "/old", "s3://new")
    said = "the lake /old was moved to s3://new; set PAGE_TRACKER_LAKE=s3://new and"
    with pytest.raises(MovedError, match=said):
        stream.trim(1, stream.origin(), lake="/old")
    require_not_moved(source, "s3://new")
    assert submit(source, a_batch(0, a_hit())) == [Outcome.STORED]
    assert stream.trim(2, stream.origin(), lake="s3://new") == 2


def test_a_copy_takes_nothing_before_it_is_complete_and_is_begun_again(
    source: Redis, target: Redis
) -> None:
    submit(source, a_batch(0, a_hit()))
    source.set("pt:gone", 1)
    for _ in range(2):
        begin(target, ONE, "here")
        close_store(source, ONE, "there")
        copy_keys(source, target, _nothing)
        with pytest.raises(StoreAwayError):
            submit(target, a_batch(0, a_hit()))
        source.delete("pt:gone")
    with pytest.raises(MovedError, match="the move from here to this Redis is not"):
        require_not_moved(target)
    end_copy(target, ONE)
    require_not_moved(target)
    assert not target.exists("pt:gone")
    assert len(Stream(target).read(0, 9)) == 1


def test_a_store_that_is_not_empty_is_refused(source: Redis, target: Redis) -> None:
    target.set("pt:sites", 1)
    with pytest.raises(TargetStoreError, match="is not empty, it has the key pt:sites"):
        begin(target, ONE, "here")
    target.flushall()
    begin(target, ONE, "elsewhere")
    with pytest.raises(TargetStoreError, match="a move from elsewhere to that Redis"):
        begin(target, ONE, "here")
    assert source.dbsize() == 0


def test_each_kind_of_key_is_copied_with_its_end(source: Redis, target: Redis) -> None:
    for number in range(2_500):
        source.hset("pt:hash", str(number), number)
    source.sadd("pt:set", "a", "b")
    source.zadd("pt:salts", {"one": 1.5, "two": 2})
    source.rpush("pt:list", "a", "b")
    source.set("pt:text", "a")
    source.expireat("pt:text", 4_000_000_000)
    source.set("another", "not ours")
    stream = keys.stream(0)
    for number in range(1, 251):
        source.xadd(stream, {"n": number}, id=f"{number}-0")
    source.xtrim(stream, minid="100-0")
    source.xadd(keys.aside(0), {"n": 1}, id="7-1")
    source.xtrim(keys.aside(0), maxlen=0)

    begin(target, ONE, "here")
    assert copy_keys(source, target, _nothing) == 7
    end_copy(target, ONE)

    assert len(target.hgetall("pt:hash")) == 2_500
    assert target.smembers("pt:set") == {b"a", b"b"}
    assert target.zscore("pt:salts", "one") == 1.5
    assert target.lrange("pt:list", 0, -1) == [b"a", b"b"]
    assert target.expiretime("pt:text") == 4_000_000_000
    assert target.xrange(stream) == source.xrange(stream)
    assert target.xinfo_stream(keys.aside(0))["last-generated-id"] == b"7-1"
    assert not target.exists("another")
