"""The live counters as readers see them, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from page_tracker.hits.hit import Drop, Kind, Touch
from page_tracker.store import keys
from page_tracker.store.counters import Current, DropCount, Live, Minute, Sums
from page_tracker.store.ingest import submit
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit, new_shard

NOW = NOON // SECOND
MINUTE = 60


@pytest.fixture
def shard(redis_client: Redis) -> Iterator[int]:
    with new_shard(redis_client) as number:
        yield number


@pytest.fixture
def live(redis_client: Redis, shard: int) -> Live:
    return Live(redis_client, [shard])


def test_a_site_without_hits_counts_nothing(live: Live) -> None:
    assert (live.total(SITE), live.views(SITE, "/"), live.pages(SITE)) == (0, 0, {})
    assert live.today(SITE, DAY) == Sums()
    assert live.current(SITE, NOW) == Current(0, {}, {})
    assert live.recent(SITE, NOW)[-1] == Minute(NOW // 60, 0, 0)
    assert live.drops(SITE, DAY) == []


def test_a_visitor_is_current_for_five_minutes_where_he_is(
    redis_client: Redis, shard: int, live: Live
) -> None:
    touch = Touch(source="Google")
    for batch in (
        [a_hit("/a", touch=touch), a_hit("/b", visitor="bob")],
        [a_hit("/c", seconds=2 * MINUTE)],
        [a_hit("/", seconds=3 * MINUTE, kind=Kind.ENGAGEMENT)],
    ):
        submit(redis_client, a_batch(shard, *batch))
    here = {"/c": 1, "/b": 1}, {"Google": 1, "": 1}
    assert live.current(SITE, NOW + 3 * MINUTE) == Current(2, *here)
    later = live.current(SITE, NOW + 5 * MINUTE)
    assert later == Current(1, {"/c": 1}, {"Google": 1})
    assert live.current(SITE, NOW + 8 * MINUTE) == Current(0, {}, {})


def test_a_new_visit_of_a_current_visitor_is_still_one_visitor(
    redis_client: Redis, shard: int, live: Live
) -> None:
    submit(redis_client, a_batch(shard, a_hit("/a"), a_hit("/b", seconds=31 * MINUTE)))
    now = live.current(SITE, NOW + 31 * MINUTE)
    assert now == Current(1, {"/b": 1}, {"": 1})


def test_the_clock_going_back_leaves_nobody_twice(
    redis_client: Redis, shard: int, live: Live
) -> None:
    for seconds in (0, -2 * MINUTE, MINUTE):
        submit(redis_client, a_batch(shard, a_hit(seconds=seconds)))
    assert live.current(SITE, NOW + MINUTE).visitors == 1


def test_the_last_half_hour_is_told_by_minute(
    redis_client: Redis, shard: int, live: Live
) -> None:
    hits = [a_hit(seconds=n * MINUTE) for n in (0, 0, 1, 29)]
    hits.append(a_hit(seconds=MINUTE, visitor="bob", kind=Kind.EVENT))
    submit(redis_client, a_batch(shard, *hits))
    found = live.recent(SITE, NOW + 29 * MINUTE)
    assert len(found) == 30
    first = NOW // 60
    assert found[:2] == [Minute(first, 2, 1), Minute(first + 1, 1, 2)]
    assert found[-1] == Minute(first + 29, 1, 1)
    assert sum(minute.views for minute in found) == 4


def test_pages_and_sources_of_a_minute_are_bounded(
    redis_client: Redis, shard: int, live: Live
) -> None:
    for start in (0, 700):
        hits = [
            a_hit(f"/{n}", visitor=str(n), touch=Touch(source=str(n)))
            for n in range(start, start + 700)
        ]
        submit(redis_client, a_batch(shard, *hits))
    now = live.current(SITE, NOW)
    assert now.visitors == 1400
    for told in (now.pages, now.sources):
        assert len(told) == 1001
        assert told[keys.OTHER] == 400


def test_shards_are_added_up(redis_client: Redis) -> None:
    with new_shard(redis_client) as one, new_shard(redis_client) as two:
        drop = Drop(DAY, SITE, "bot", "Googlebot")
        for number in (one, two):
            submit(redis_client, a_batch(number, a_hit(), drops=[drop]))
        live = Live(redis_client, [one, two])
        assert live.total(SITE) == live.views(SITE, "/") == 2
        assert live.pages(SITE) == {"/": 2}
        assert live.today(SITE, DAY).visits == 2
        assert live.current(SITE, NOW) == Current(2, {"/": 2}, {"": 2})
        assert live.recent(SITE, NOW)[-1].views == 2
        assert live.drops(SITE, DAY) == [DropCount("bot", "Googlebot", 2)]


def test_an_import_counts_in_and_can_be_replaced_and_removed(
    redis_client: Redis, shard: int, live: Live
) -> None:
    site = f"{shard}.example"
    submit(redis_client, a_batch(shard, a_hit(site=site)))
    live.put_import(site, "first", {"/": 5, "/old": 3, "/older": 2, "/oldest": 1}, 2)
    assert live.pages(site) == {"/": 6, "/old": 3, keys.OTHER: 3}
    assert (live.total(site), live.views(site, "/")) == (12, 6)
    live.put_import(site, "first", {"/": 7}, 2)
    assert (live.pages(site), live.imports(site)) == ({"/": 8}, ["first"])
    live.remove_import(site, "first")
    assert (live.total(site), live.pages(site)) == (1, {"/": 1})
    assert not list(redis_client.scan_iter(match=f"pt:import*{site}*", count=1000))
