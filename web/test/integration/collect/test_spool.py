"""The spool of a collector: what is acknowledged while Redis is away is stored once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from msgspec import structs
from redis import Redis

from page_tracker.collect.batched import Collector
from page_tracker.collect.shard_queue import ENOUGH
from page_tracker.collect.spool_file import ASIDE, SpoolFile
from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import RawHit
from page_tracker.settings import Settings
from page_tracker.store import keys
from page_tracker.store.ingest import Batch, BatchId, submit
from page_tracker.store.stream import Stream
from page_tracker.wiring.collecting import open_spool
from support.collecting import BROWSER, SITE, collecting, sites_of
from support.disks import small_disk
from support.ingesting import a_batch, a_hit, named
from support.own_redis import OwnRedis, own_redis
from support.pace import PACE

HITS = 60


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture(name="redis")
def _redis(server: OwnRedis) -> Iterator[Redis]:
    with server.client() as client:
        yield client


@pytest.fixture(name="settings")
def _settings(server: OwnRedis, redis: Redis, tmp_path: Path) -> Settings:
    redis.flushall()
    sites_of(redis, tmp_path).add(SITE, {})
    return Settings(redis_url=server.url, data=tmp_path)


def view(path: str) -> RawHit:
    return RawHit(site=SITE, url=f"https://{SITE}/{path}")


async def send(collector: Collector, *paths: object) -> None:
    """Send a view of each path; all have to be acknowledged, without drops."""
    views = (collector.collect([view(str(path))], BROWSER) for path in paths)
    assert await asyncio.gather(*views) == [[]] * len(paths)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30 * PACE):
        while not is_so():
            await asyncio.sleep(0.02)


def stored(redis: Redis) -> list[str]:
    """The paths in the stream, in its order."""
    entries = Stream(redis).read(0, 1000)
    return [named(row)["path"] for entry in entries for row in entry.rows()]


def files(settings: Settings) -> list[Path]:
    return sorted((settings.data / "spool").glob("*"))


def test_while_redis_is_away_hits_are_taken_and_stored_in_order_when_it_is_back(
    server: OwnRedis, redis: Redis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            await send(collector, "before")
            server.kill()
            before = time.time()
            for number in range(3):
                await send(collector, number)
            after = time.time()
            assert len(files(settings)) == 1
            server.start()
            await until(lambda: not files(settings))
            await send(collector, "after")
        rows = [named(row) for e in Stream(redis).read(0, 9) for row in e.rows()]
        assert [row["path"] for row in rows] == ["/before", "/0", "/1", "/2", "/after"]
        assert all(before <= row["time"] / 1e6 <= after for row in rows[1:4])
        assert {row["visit"] for row in rows} == {rows[0]["visit"]}

    asyncio.run(run())


def test_a_batch_whose_answer_was_lost_is_stored_once_however_long_redis_is_away(
    server: OwnRedis, redis: Redis, settings: Settings
) -> None:
    """The frozen Redis takes the first try, and then the same batch from the spool."""

    async def run() -> None:
        async with collecting(settings) as collector:
            await send(collector, "before")
            with server.frozen():
                await send(collector, *range(HITS))
            await until(lambda: not files(settings))

    asyncio.run(run())
    assert Counter(stored(redis)) == Counter(
        ["/before", *(f"/{n}" for n in range(HITS))]
    )
    (queue,) = redis.scan_iter(match=f"{keys.queue(0, '*')}")
    assert redis.ttl(queue) > 7 * 86_400


def test_hits_go_to_redis_again_however_many_come_meanwhile(
    server: OwnRedis, redis: Redis, settings: Settings
) -> None:
    """So many wait all the time that one batch follows the other."""
    sent = count()

    async def keep_sending(collector: Collector) -> None:
        while True:
            await send(collector, next(sent))

    async def run() -> None:
        async with collecting(settings) as collector:
            await send(collector, "before")
            server.kill()
            load = [
                asyncio.create_task(keep_sending(collector)) for _ in range(5 * ENOUGH)
            ]
            await until(lambda: len(files(settings)) == 1)
            server.start()
            await until(lambda: not files(settings))
            for each in load:
                each.cancel()
            await asyncio.wait(load)

    asyncio.run(run())
    assert len(stored(redis)) == len(set(stored(redis)))


def left_behind(settings: Settings, *batches: Batch) -> SpoolFile:
    """A file that has these batches, and is held by us instead of its process."""
    folder = open_spool(settings)
    file = folder.new_file(0)
    for batch in batches:
        file.append(batch, folder)
    return file


def a_batch_of_now(number: int, days_ago: float = 0, site: str = SITE) -> Batch:
    moment = time.time_ns() // 1000 - round(days_ago * 86_400_000_000)
    batch = a_batch(0, a_hit(f"/{number}", site=site), id=BatchId("queue", number))
    return structs.replace(batch, moment=moment)


def test_what_a_process_left_behind_is_stored_by_another_once(
    redis: Redis, settings: Settings
) -> None:
    """Nobody touches it before; of three batches the store has the first."""
    batches = [a_batch_of_now(number) for number in (1, 2, 3)]
    submit(redis, batches[0])
    file = left_behind(settings, *batches)

    async def run() -> None:
        async with collecting(settings) as collector:
            await send(collector, "now")
            assert open_spool(settings).left_behind(0) is None
            file.release()
        async with collecting(settings):
            await until(lambda: not files(settings))

    asyncio.run(run())
    assert stored(redis) == ["/1", "/now", "/2", "/3"]


def test_what_can_not_be_stored_any_more_is_told_and_kept(
    redis: Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A batch whose site is gone counts among the drops; one that is too old waits."""
    gone, old = a_batch_of_now(1, site="gone.example"), a_batch_of_now(2, days_ago=8)
    left_behind(settings, gone, old, a_batch_of_now(3)).release()

    async def run() -> None:
        async with collecting(settings):
            await until(lambda: [p.suffix for p in files(settings)] == [ASIDE])

    asyncio.run(run())
    assert stored(redis) == ["/3"]
    drops = [row for entry in Stream(redis).read(0, 9) for row in entry.drops()]
    assert [row[1:4] for row in drops] == [("gone.example", "unknown_site", "")]
    assert "1 hits are set aside" in caplog.text and "waited 8 days" in caplog.text


def test_a_full_spool_refuses_what_comes_and_keeps_what_it_has(
    server: OwnRedis, redis: Redis, settings: Settings
) -> None:
    small = replace(settings, most_in_spool=1)

    async def run() -> None:
        async with collecting(small) as collector:
            await send(collector, "before")
            server.kill()
            await send(collector, "taken")
            (settings.data / "spool" / "much").write_bytes(bytes(1_000_000))
            with pytest.raises(NotStoredError, match="is full") as refusal:
                await collector.collect([view("refused")], BROWSER)
            assert refusal.value.retry_after >= 10
            server.start()
            await until(lambda: len(files(settings)) == 1)
            await send(collector, "after")

    asyncio.run(run())
    assert stored(redis) == ["/before", "/taken", "/after"]


def test_where_its_disk_is_full_hits_are_refused_and_none_is_said_to_wait(
    server: OwnRedis, redis: Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            await send(collector, "before")
            server.kill()
            with pytest.raises(
                NotStoredError, match="the disk of the spool .* is full"
            ):
                await collector.collect([view("refused")], BROWSER)
            await until(lambda: not files(settings))
            server.start()
            await send(collector, "after")

    with small_disk(settings.data / "spool", 1):  # it leaves more than that to others
        asyncio.run(run())
    assert stored(redis) == ["/before", "/after"]
    assert "is full" in caplog.text
    assert "wait" not in caplog.text


def test_a_visitor_is_the_same_when_redis_is_back_though_it_had_no_salt_of_the_day(
    server: OwnRedis, redis: Redis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            assert await collector.collect([RawHit(site="no.example", url="")], BROWSER)
            server.kill()
            await send(collector, 1)
            server.start()
            await until(lambda: not files(settings))
            await send(collector, 2)
            await until(lambda: bool(redis.exists(keys.salts())))
        async with collecting(settings) as collector:
            await send(collector, 3)

    asyncio.run(run())
    rows = [named(row) for entry in Stream(redis).read(0, 9) for row in entry.rows()]
    assert [row["path"] for row in rows] == ["/1", "/2", "/3"]
    assert len({row["visit"] for row in rows}) == 1
