"""The ingest script against a real server: all of a batch or nothing, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from msgspec.structs import replace
from redis import Redis

from page_tracker.hits.hit import Drop, Kind, Touch
from page_tracker.origins import new_origin
from page_tracker.sites.site import Site
from page_tracker.store import keys
from page_tracker.store.clients import open_async_client
from page_tracker.store.counters import DropCount, Live
from page_tracker.store.ingest import (
    Batch,
    BatchId,
    BatchRefusedError,
    Bounds,
    Outcome,
    PartlyStoredError,
    StoreAwayError,
    StreamFullError,
    submit,
    submit_async,
)
from page_tracker.store.stream import Stream
from support.ingesting import DAY, SITE, a_batch, a_hit, named, new_shard
from support.redis_servers import started_redis

STORED = Outcome.STORED


@pytest.fixture
def shard(redis_client: Redis) -> Iterator[int]:
    with new_shard(redis_client) as number:
        yield number


def _everything(redis: Redis, shard: int) -> dict[bytes, bytes | None]:
    """All that a shard holds, byte by byte."""
    names = sorted(redis.scan_iter(match=f"{keys.prefix(shard)}*", count=1000))
    return {name: redis.dump(name) for name in names}


def test_a_batch_whose_answer_was_lost_is_stored_once(
    redis_client: Redis, shard: int
) -> None:
    batch = a_batch(
        shard,
        a_hit(),
        a_hit(visitor="bob", kind=Kind.ENGAGEMENT),
        drops=[Drop(DAY, SITE, "bot", "Googlebot")],
    )
    answer = submit(redis_client, batch)
    stored = _everything(redis_client, shard)
    assert submit(redis_client, batch) == answer == [STORED, Outcome.NO_VISIT]
    assert _everything(redis_client, shard) == stored


def test_all_batches_of_a_queue_up_to_its_last_one_are_known_whenever_they_come_again(
    redis_client: Redis, shard: int
) -> None:
    """Days later, too, and if their moment is another one by then."""
    ids = [BatchId(f"queue {shard}", n, remembered=700_000) for n in (1, 2, 3)]
    batches = [a_batch(shard, a_hit(f"/{each}"), a_hit(), id=each) for each in ids]
    for batch in batches:
        submit(redis_client, batch)
    stored = _everything(redis_client, shard)
    for batch in batches:
        again = replace(batch, moment=batch.moment + 10**12)
        assert submit(redis_client, again) == [STORED] * 2
    assert _everything(redis_client, shard) == stored
    ttl = redis_client.ttl(keys.queue(shard, ids[0].queue))
    assert 600_000 < ttl <= 700_000


def test_of_batches_that_were_joined_only_those_are_stored_that_are_not_here(
    redis_client: Redis, shard: int
) -> None:
    """One of them may have been under way for long, and came first."""
    queue = f"queue {shard}"
    submit(redis_client, a_batch(shard, a_hit("/1"), id=BatchId(queue, 1)))
    stored = _everything(redis_client, shard)
    hits = [a_hit(f"/{n}") for n in (1, 2, 3)]
    with pytest.raises(PartlyStoredError) as known:
        submit(redis_client, a_batch(shard, *hits, id=BatchId(queue, 3, first=1)))
    assert known.value.number == 1
    assert _everything(redis_client, shard) == stored
    left = a_batch(shard, *hits[1:], id=BatchId(queue, 3, first=2))
    assert submit(redis_client, left) == submit(redis_client, left) == [STORED] * 2
    late = a_batch(shard, hits[1], id=BatchId(queue, 2))
    assert submit(redis_client, late) == [STORED]
    assert Live(redis_client, [shard]).total(SITE) == 3


def test_the_event_loop_stores_the_same_way(
    redis_url: str, redis_client: Redis, shard: int
) -> None:
    async def store(batch: Batch) -> list[Outcome]:
        async with open_async_client(redis_url, 5) as client:
            return await submit_async(client, batch)

    batch = a_batch(shard, a_hit())
    assert asyncio.run(store(batch)) == [STORED]
    assert submit(redis_client, batch) == [STORED]
    assert Stream(redis_client, shard).last() == 1


def test_a_store_that_forgot_the_script_is_told_it_again(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, a_hit()))
    redis_client.script_flush()
    assert submit(redis_client, a_batch(shard, a_hit())) == [STORED]


def test_an_event_id_counts_once_whatever_the_batch(
    redis_client: Redis, shard: int
) -> None:
    hits = [a_hit(event_id="x"), a_hit(event_id="x"), a_hit("/other", event_id="y")]
    outcomes = submit(redis_client, a_batch(shard, *hits))
    assert outcomes == [STORED, Outcome.DUPLICATE, STORED]
    assert submit(redis_client, a_batch(shard, hits[2])) == [Outcome.DUPLICATE]
    assert Live(redis_client, [shard]).total(SITE) == 2


def test_an_event_id_sent_again_counts_once_whoever_seems_to_send_it(
    redis_client: Redis, shard: int
) -> None:
    """The phone has changed its network, and the salt its day, before the retry."""
    first = a_hit(event_id="x", seconds=-1)
    again = [
        a_hit(event_id="x", seconds=60, visitor="another address"),
        a_hit(event_id="x", seconds=120, visitor="another salt", day=DAY + 1),
    ]
    assert submit(redis_client, a_batch(shard, first)) == [STORED]
    for each in again:
        assert submit(redis_client, a_batch(shard, each)) == [Outcome.DUPLICATE]
    late = a_hit(event_id="x", seconds=3600)
    assert submit(redis_client, a_batch(shard, late)) == [STORED]


def test_two_sites_may_use_the_same_event_id(redis_client: Redis, shard: int) -> None:
    hits = [a_hit(event_id="x"), a_hit(event_id="x", site="b.example")]
    assert submit(redis_client, a_batch(shard, *hits)) == [STORED, STORED]


def test_a_full_stream_takes_nothing_and_touches_no_visit(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, a_hit(), a_hit(), bounds=Bounds(waiting=2)))
    stored = _everything(redis_client, shard)
    refused = a_batch(shard, a_hit(visitor="bob"), bounds=Bounds(waiting=2))
    with pytest.raises(StreamFullError, match="2 hits wait"):
        submit(redis_client, refused)
    assert _everything(redis_client, shard) == stored

    stream = Stream(redis_client, shard)
    assert stream.trim(1, stream.origin()) == 1
    assert submit(redis_client, refused) == [STORED]


def test_drops_that_nobody_drains_are_bounded_too(
    redis_client: Redis, shard: int
) -> None:
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    submit(redis_client, a_batch(shard, drops=[drop], bounds=Bounds(waiting=1)))
    with pytest.raises(StreamFullError):
        submit(redis_client, a_batch(shard, drops=[drop], bounds=Bounds(waiting=1)))


def test_a_full_stream_that_was_destroyed_takes_hits_again(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, a_hit(), bounds=Bounds(waiting=1)))
    redis_client.delete(keys.stream(shard))
    assert submit(redis_client, a_batch(shard, a_hit(), bounds=Bounds(waiting=1))) == [
        STORED
    ]
    assert [entry.number for entry in Stream(redis_client, shard).read(0, 9)] == [2]


def test_numbers_go_on_where_only_the_state_was_lost(
    redis_client: Redis, shard: int
) -> None:
    submit(redis_client, a_batch(shard, a_hit()))
    stream = Stream(redis_client, shard)
    origin = stream.origin()
    redis_client.delete(keys.state(shard))
    submit(redis_client, a_batch(shard, a_hit()))
    assert stream.last() == 2
    assert stream.origin() != origin


@pytest.mark.parametrize(
    "name",
    [
        keys.state(0),
        keys.today(0, DAY, SITE),
        keys.pages(0, SITE),
        keys.seen(0, DAY * 24 + 12),
        keys.drops(0, DAY, SITE),
    ],
)
def test_a_store_in_disorder_takes_a_batch_whole_or_not_at_all(
    redis_client: Redis, shard: int, name: str
) -> None:
    name = name.replace(keys.prefix(0), keys.prefix(shard))
    redis_client.set(name, "no hash")
    before = _everything(redis_client, shard)
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    with pytest.raises(BatchRefusedError):
        submit(redis_client, a_batch(shard, a_hit(event_id="x"), drops=[drop]))
    assert _everything(redis_client, shard) == before


def test_a_store_out_of_memory_takes_nothing_but_can_be_drained(
    tmp_path: Path,
) -> None:
    with started_redis(tmp_path) as redis:
        stream = Stream(redis)
        submit(redis, a_batch(0, a_hit()))
        redis.config_set("maxmemory", 1)
        before = _everything(redis, 0)
        with pytest.raises(StoreAwayError):
            submit(redis, a_batch(0, a_hit("/other")))
        assert _everything(redis, 0) == before
        assert stream.read(0, 1)[0].rows()
        assert stream.trim(1, stream.origin()) == 1
        redis.config_set("maxmemory", 0)
        assert submit(redis, a_batch(0, a_hit("/other"))) == [STORED]


def test_pages_beyond_a_sites_bound_count_as_others(
    redis_client: Redis, shard: int
) -> None:
    sites = {SITE: Site(id=SITE, max_pages=3)}
    for start in (0, 4):
        hits = [a_hit(f"/{n}") for n in range(start, start + 4)] + [a_hit("/0")]
        submit(redis_client, a_batch(shard, *hits, sites=sites))
    live = Live(redis_client, [shard])
    assert live.pages(SITE) == {"/0": 3, "/1": 1, "/2": 1, keys.OTHER: 5}
    assert live.total(SITE) == 10
    paths = [
        named(row)["path"]
        for entry in Stream(redis_client, shard).read(0, 9)
        for row in entry.rows()
    ]
    assert len(set(paths)) == 8


def test_names_of_drops_are_bounded_here_and_in_the_lake(
    redis_client: Redis, shard: int
) -> None:
    known = [Drop(DAY, SITE, "bot", f"bot {n}") for n in range(1500)]
    unknown = [Drop(DAY, f"{n}.example", "unknown site") for n in range(1500)]
    submit(redis_client, a_batch(shard, drops=known + unknown))
    live = Live(redis_client, [shard])
    assert live.drops(SITE, DAY)[0] == DropCount("bot", keys.OTHER, 500)
    assert live.unknown_sites(DAY)[0] == DropCount("unknown site", keys.OTHER, 500)
    rows = Stream(redis_client, shard).read(0, 1)[0].drops()
    assert len(rows) == 2002
    assert sum(row[4] for row in rows) == 3000
    assert (DAY, keys.OTHER, "unknown site", "", 500, "2024-10") in rows


def test_the_largest_batch_of_all_different_hits_is_stored(
    redis_client: Redis, shard: int
) -> None:
    hits = [
        a_hit(
            f"/{n}",
            visitor=f"visitor {n}",
            event_id=f"event {n}",
            touch=Touch(source=f"source {n}"),
            kind=Kind.QUIET if n % 2 else Kind.VIEW,
        )
        for n in range(1000)
    ]
    assert submit(redis_client, a_batch(shard, *hits)) == [STORED] * 1000
    later = [structs.replace(hit, event_id="") for hit in hits]
    assert submit(redis_client, a_batch(shard, *later)) == [STORED] * 1000
    assert Live(redis_client, [shard]).today(SITE, DAY).visitors == 1000


def test_both_days_of_a_batch_over_midnight_count(
    redis_client: Redis, shard: int
) -> None:
    hits = [a_hit(), a_hit(day=DAY + 1), a_hit("/other", day=DAY + 1)]
    submit(redis_client, a_batch(shard, *hits))
    live = Live(redis_client, [shard])
    assert live.pages(SITE) == {"/": 2, "/other": 1}
    assert (live.today(SITE, DAY).views, live.today(SITE, DAY + 1).views) == (1, 2)


def test_all_keys_of_a_shard_lie_in_one_slot_and_expire_but_its_totals(
    redis_client: Redis, shard: int
) -> None:
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    submit(redis_client, a_batch(shard, a_hit(event_id="x"), drops=[drop]))
    kept = {
        keys.stream(shard),
        keys.state(shard),
        keys.totals(shard),
        keys.pages(shard, SITE),
    }
    written = {name.decode() for name in _everything(redis_client, shard)}
    assert {name for name in written if redis_client.ttl(name) == -1} == kept
    assert not [name for name in written if not name.startswith(f"pt{{{shard}}}:")]


def test_origins_are_random_and_fit_their_half() -> None:
    origins = {new_origin() for _ in range(1000)}
    assert len(origins) > 990
    assert all(0 < origin < 2**31 for origin in origins)
