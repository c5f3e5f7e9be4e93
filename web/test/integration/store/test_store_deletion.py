"""What is deleted is gone from the store, and the rest of it stays right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from page_tracker.hits.hit import Drop, Hit, Kind
from page_tracker.store import keys
from page_tracker.store.counters import Live, Sums
from page_tracker.store.ingest import Outcome, submit
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from support.ingesting import DAY, NOON, SECOND, SITE, a_batch, a_hit, named, new_shard

OTHER_SITE = "b.a.example"


@pytest.fixture
def shard(redis_client: Redis) -> Iterator[int]:
    with new_shard(redis_client) as number:
        yield number


@pytest.fixture
def live(redis_client: Redis, shard: int) -> Live:
    return Live(redis_client, [shard])


@pytest.fixture
def deletion(redis_client: Redis, shard: int) -> StoreDeletion:
    return StoreDeletion(redis_client, [shard])


def _drained(redis: Redis, shard: int, *hits: Hit, **more: Any) -> list[dict[str, Any]]:
    """Submit hits, and take their rows out of the stream."""
    submit(redis, a_batch(shard, *hits, **more))
    stream = Stream(redis, shard)
    entries = stream.read(0, 100)
    stream.trim(stream.last(), stream.origin())
    return [named(row) for entry in entries for row in entry.rows()]


def _remains(redis: Redis, shard: int, text: bytes) -> list[bytes]:
    """The keys that hold a text, in their names or in what is in them."""
    found = []
    client: Any = redis
    read = {b"hash": client.hgetall, b"stream": client.xrange, b"string": client.get}
    for key in client.scan_iter(match=f"{keys.prefix(shard)}*", count=1000):
        held = read[client.type(key)](key)
        if text in key or text.decode() in str(held):
            found.append(key)
    return found


def test_a_removed_site_leaves_its_running_numbers_only(
    redis_client: Redis, shard: int, live: Live, deletion: StoreDeletion
) -> None:
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    hits = [a_hit("/a"), a_hit("/b", site=OTHER_SITE), a_hit("/c", day=DAY + 1)]
    _drained(redis_client, shard, *hits, drops=[drop])
    live.put_import(SITE, "log", {"/a": 4}, 10)
    deletion.remove_site(SITE)
    assert (live.total(SITE), live.pages(SITE), live.imports(SITE)) == (0, {}, [])
    assert live.today(SITE, DAY) == Sums()
    assert live.drops(SITE, DAY) == []
    days = {keys.today(shard, day, SITE).encode() for day in (DAY, DAY + 1)}
    other = set(_remains(redis_client, shard, OTHER_SITE.encode()))
    assert set(_remains(redis_client, shard, SITE.encode())) - other == days
    assert live.total(OTHER_SITE) == 1

    (row,) = _drained(redis_client, shard, a_hit("/a"))
    assert (row["visitor"] & 0xFFFFFFFF, row["arrival"], row["step"]) == (2, True, 1)
    assert live.today(SITE, DAY) == Sums(1, 1, 1, 1, 1, 0)


def test_removed_days_are_gone_and_others_stay(
    redis_client: Redis, shard: int, live: Live, deletion: StoreDeletion
) -> None:
    hits = [a_hit(day=DAY + n) for n in range(3)]
    _drained(redis_client, shard, *hits)
    deletion.remove_days(SITE, DAY, DAY + 1)
    deletion.lower_pages(SITE, {"/": 2})
    for day in (DAY, DAY + 1):
        deletion.lower_today(SITE, day, {"visits": 1})
    assert [live.today(SITE, DAY + n).visits for n in range(3)] == [0, 0, 1]
    assert (live.total(SITE), live.pages(SITE)) == (1, {"/": 1})
    rows = _drained(redis_client, shard, *hits)
    assert [row["step"] for row in rows] == [1, 1, 2]


def test_a_removed_page_is_in_no_visit_and_visits_begin_anew(
    redis_client: Redis, shard: int, live: Live, deletion: StoreDeletion
) -> None:
    drained = [a_hit("/secret"), a_hit("/"), a_hit("/secret", visitor="bob")]
    _drained(redis_client, shard, *drained)
    deletion.end_visits(SITE)
    deletion.lower_pages(SITE, {"/secret": 2})
    assert not _remains(redis_client, shard, b"/secret")
    assert (live.total(SITE), live.pages(SITE)) == (1, {"/": 1})

    engagement = a_hit(kind=Kind.ENGAGEMENT)
    assert submit(redis_client, a_batch(shard, engagement)) == [Outcome.NO_VISIT]
    rows = _drained(redis_client, shard, a_hit("/next"), a_hit(visitor="eve"))
    first, second = rows[-2:]
    assert (first["arrival"], first["visitor"] & 0xFFFFFFFF) == (False, 1)
    assert (first["step"], first["entry_path"], first["previous"]) == (1, "/next", "")
    assert (first["visit"] & 0xFFFFFFFF, second["visit"] & 0xFFFFFFFF) == (3, 4)
    assert live.current(SITE, NOON // SECOND).visitors == 2


def test_lowered_counts_are_taken_from_every_shard(redis_client: Redis) -> None:
    with new_shard(redis_client) as one, new_shard(redis_client) as two:
        for number in (one, two):
            submit(redis_client, a_batch(number, a_hit(), a_hit("/other")))
        deletion, live = StoreDeletion(redis_client, [one, two]), Live(
            redis_client, [one, two]
        )
        deletion.lower_pages(SITE, {"/": 2, "/other": 1, "/unknown": 5})
        assert (live.total(SITE), live.pages(SITE)) == (1, {"/other": 1})
        deletion.lower_today(SITE, DAY, {"views": 3, "visits": 1, "since": 0})
        deletion.lower_today(SITE, DAY, {"bounces": -2})
        submit(redis_client, a_batch(one, a_hit(visitor="bob")))
        today = live.today(SITE, DAY)
        assert (today.views, today.visits, today.visitors) == (2, 2, 3)
        assert today.bounces == 3


def test_a_site_named_like_a_pattern_takes_no_other_with_it(
    redis_client: Redis, shard: int, live: Live, deletion: StoreDeletion
) -> None:
    _drained(redis_client, shard, a_hit(), a_hit(site="*"), a_hit(site="[a].example"))
    for name in ("*", "[a].example", "?.example"):
        deletion.remove_site(name)
    assert (live.total(SITE), live.today(SITE, DAY).visits) == (1, 1)
