"""The bounds of a day's visitors: beyond them they are one, and views stay exact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from redis import Redis

from page_tracker.hits.hit import Hit, Kind
from page_tracker.store import keys
from page_tracker.store.counters import Live, Sums
from page_tracker.store.ingest import Bounds, Outcome, submit
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from support.ingesting import DAY, SITE, a_batch, a_hit, named, new_shard

OFFICE, HOME = "0", "4095"


@pytest.fixture
def shard(redis_client: Redis) -> Iterator[int]:
    with new_shard(redis_client) as number:
        yield number


def of(group: str, visitor: int, seconds: float, kind: Kind = Kind.VIEW) -> Hit:
    hit = a_hit(f"/{visitor}", visitor=f"v{visitor}", seconds=seconds, kind=kind)
    return replace(hit, group=group)


@contextmanager
def memory_of(redis: Redis, most: int) -> Iterator[None]:
    before = str(redis.config_get("maxmemory")["maxmemory"])
    redis.config_set("maxmemory", most)
    try:
        yield
    finally:
        redis.config_set("maxmemory", before)


def visitors_of(redis: Redis, shard: int) -> list[int]:
    """The number of each stored hit's visitor, from 1, as they came."""
    rows = [row for entry in Stream(redis, shard).read(0, 100) for row in entry.rows()]
    return [named(row)["visitor"] & 0xFFFFFFFF for row in rows]


def test_visitors_beyond_a_days_bound_are_one(redis_client: Redis, shard: int) -> None:
    bounds = Bounds(visitors=3)
    hits = [of(str(n), n, n) for n in range(6)]
    submit(redis_client, a_batch(shard, *hits[:4], bounds=bounds))
    submit(redis_client, a_batch(shard, *hits[4:], *hits[:1], bounds=bounds))
    live = Live(redis_client, (shard,))
    assert visitors_of(redis_client, shard) == [1, 2, 3, 4, 4, 4, 1]
    # Three that are told apart and all others; each view counts.
    assert live.today(SITE, DAY) == Sums(4, 4, 7, 7, 2, 2000)
    assert live.total(SITE) == 7
    assert live.folded(SITE, DAY) == 3


def test_an_address_has_a_bound_of_its_own(redis_client: Redis, shard: int) -> None:
    bounds = Bounds(of_address=2)
    crowd = [of(OFFICE, n, n) for n in range(5)]
    others = [of(HOME, 10 + n, n) for n in range(2)]
    submit(redis_client, a_batch(shard, *crowd[:3], bounds=bounds))
    submit(redis_client, a_batch(shard, *crowd[3:], *others, bounds=bounds))
    assert visitors_of(redis_client, shard) == [1, 2, 3, 3, 3, 4, 5]
    assert Live(redis_client, (shard,)).folded(SITE, DAY) == 3


def test_an_engagement_belongs_to_the_view_before_it(
    redis_client: Redis, shard: int
) -> None:
    bounds = Bounds(of_address=1)
    hits = [of(OFFICE, 1, 0), of(OFFICE, 2, 1), of(OFFICE, 2, 2, Kind.ENGAGEMENT)]
    told = submit(redis_client, a_batch(shard, *hits, bounds=bounds))
    assert told == [Outcome.STORED] * 3
    assert visitors_of(redis_client, shard) == [1, 2, 2]


def test_bounds_outlive_the_removal_of_visits(redis_client: Redis, shard: int) -> None:
    bounds = Bounds(of_address=2)
    submit(redis_client, a_batch(shard, of(OFFICE, 1, 0), of(OFFICE, 2, 1)))
    StoreDeletion(redis_client, (shard,)).end_visits(SITE)
    submit(redis_client, a_batch(shard, of(OFFICE, 3, 2), bounds=bounds))
    submit(redis_client, a_batch(shard, of(OFFICE, 1, 3), bounds=bounds))
    assert visitors_of(redis_client, shard) == [1, 2, 3, 1]


def test_a_store_that_is_nearly_full_takes_hits_and_no_more_visitors(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, of(OFFICE, 1, 0)))
    used = redis_client.info("memory")["used_memory"]
    with memory_of(redis_client, used * 10 // 9):
        later = [of(OFFICE, 2, 1), of(HOME, 3, 2), of(OFFICE, 1, 3)]
        submit(redis_client, a_batch(shard, *later))
    assert visitors_of(redis_client, shard) == [1, 2, 2, 1]
    assert Live(redis_client, (shard,)).total(SITE) == 4


def test_one_sites_visitors_take_a_part_of_the_memory(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, of(OFFICE, 1, 0)))
    most = 8 * redis_client.info("memory")["used_memory"]
    redis_client.hset(keys.today(shard, DAY, SITE), "bytes", most // 3)
    with memory_of(redis_client, most):
        other = a_hit("/b", visitor="v2", site="b.example")
        submit(redis_client, a_batch(shard, of(OFFICE, 2, 1), of(HOME, 3, 2), other))
    assert Live(redis_client, (shard,)).today(SITE, DAY).visitors == 2
    assert Live(redis_client, (shard,)).today("b.example", DAY).visitors == 1
