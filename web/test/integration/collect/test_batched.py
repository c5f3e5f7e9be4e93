"""The collector against a real Redis: batches, lost replies, refusals, the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis

from page_tracker.asgi import FrontDoor
from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Claim, Drop, Kind, RawHit, Reason
from page_tracker.protocols import PROTOCOLS, goatcounter
from page_tracker.protocols.request import Answer, Request
from page_tracker.settings import Settings
from page_tracker.store.counters import Live
from page_tracker.store.ingest import Bounds
from page_tracker.store.registry import SITES_KEY, VERSION, Registry
from page_tracker.store.stream import Stream
from page_tracker.store.tokens import Tokens
from support.collecting import BROWSER, SITE, collecting, sites_of
from support.own_redis import OwnRedis, own_redis

HITS = 300
YEAR_2024 = 1_704_110_400_000_000  # microseconds


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[OwnRedis]:
    data = tmp_path / "data"
    data.mkdir()
    with own_redis(data) as server:
        yield server


@pytest.fixture(name="settings")
def _settings(server: OwnRedis, tmp_path: Path) -> Settings:
    settings = Settings(redis_url=server.url, data=tmp_path / "data")
    with server.client() as client:
        sites_of(client, settings.data).add(SITE, {})
    return settings


def view(number: int = 0, **said: Any) -> RawHit:
    return RawHit(**{"site": SITE, "url": f"https://{SITE}/{number}", **said})


def stored(server: OwnRedis) -> tuple[int, int]:
    """Page views, and the batches that they came in."""
    with server.client() as client:
        return Live(client).total(SITE), client.xlen("pt{0}:stream")


def test_many_hits_at_once_are_a_few_batches(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            told = await asyncio.gather(
                *(collector.collect([view(n)], BROWSER) for n in range(HITS))
            )
            assert told == [[]] * HITS

    asyncio.run(run())
    views, batches = stored(server)
    assert views == HITS
    assert batches < HITS / 10


def test_each_hit_of_a_request_is_judged_by_itself(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            drops = await collector.collect(
                [view(), view(site="nobody.example"), view(site="no.example")], BROWSER
            )
            assert [drop.reason for drop in drops] == [Reason.UNKNOWN_SITE] * 2

    asyncio.run(run())
    assert stored(server)[0] == 1


def test_a_token_is_known_with_the_first_hit_that_shows_it(
    server: OwnRedis, settings: Settings
) -> None:
    async def run(tokens: Tokens) -> list[list[Drop]]:
        async with collecting(settings) as collector:
            await collector.collect([view()], BROWSER)
            shown = tokens.add("events", [SITE])[1]
            told = [Claim(shown, f"192.0.2.{n % 9}", time=YEAR_2024) for n in range(9)]
            raws = [view(n, claim=claim) for n, claim in enumerate(told)]
            return await asyncio.gather(
                *(collector.collect([raw], BROWSER) for raw in raws)
            )

    with server.client() as client:
        drops = asyncio.run(run(Tokens(Registry(client, settings.data))))
        assert drops == [[]] * 9
        rows = [row for entry in Stream(client).read(1, 99) for row in entry.rows()]
        assert {row[0] for row in rows} == {YEAR_2024}
        assert len({row[7] for row in rows}) == 9  # visitors


def test_a_site_that_is_named_by_several_of_its_hosts_counts_once(
    server: OwnRedis, settings: Settings
) -> None:
    with server.client() as client:
        sites_of(client, settings.data).add(
            "other.example", {"hostnames": ["b.example"]}
        )

    async def run() -> None:
        async with collecting(settings) as collector:
            hosts = ("other.example", "b.example", SITE)
            raws = [view(site=host) for host in hosts]
            assert await collector.collect(raws, BROWSER) == []
            bot = replace(BROWSER, user_agent="")
            assert len(await collector.collect(raws, bot)) == 2

    asyncio.run(run())
    with server.client() as client:
        live = Live(client)
        assert (live.total("other.example"), live.total(SITE)) == (1, 1)


def test_an_engagement_without_a_visit_is_told_so_and_counted(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            (drop,) = await collector.collect([view(kind=Kind.ENGAGEMENT)], BROWSER)
            assert drop.reason == Reason.NO_VISIT

    asyncio.run(run())
    with server.client() as client:
        today = time.time_ns() // 86_400_000_000_000
        assert [each.reason for each in Live(client).drops(SITE, today)] == ["no_visit"]


def test_a_repeated_event_id_counts_once(server: OwnRedis, settings: Settings) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            for _ in range(3):
                assert not await collector.collect([view(event_id="e1")], BROWSER)

    asyncio.run(run())
    assert stored(server)[0] == 1


def test_a_site_counts_from_the_moment_it_is_added(
    server: OwnRedis, settings: Settings
) -> None:
    async def run(client: Redis) -> None:
        async with collecting(settings) as collector:
            await collector.collect([view()], BROWSER)
            sites_of(client, settings.data).add("new.example", {})
            assert not await collector.collect([view(site="new.example")], BROWSER)

    with server.client() as client:
        asyncio.run(run(client))
        assert Live(client).total("new.example") == 1


def test_unknown_sites_cannot_make_it_look_often(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            drops = await asyncio.gather(
                *(
                    collector.collect([view(site=f"no{n}.example")], BROWSER)
                    for n in range(HITS)
                )
            )
            assert all(drop[0].reason == Reason.UNKNOWN_SITE for drop in drops)

    with server.client() as client:
        before = client.info("commandstats").get("cmdstat_hget", {}).get("calls", 0)
        asyncio.run(run())
        after = client.info("commandstats")["cmdstat_hget"]["calls"]
    assert after - before < HITS


def test_a_batch_whose_reply_was_lost_is_stored_once(
    server: OwnRedis, settings: Settings
) -> None:
    """Redis takes the batch when it thaws, after its sender has given that try up."""

    async def run() -> None:
        async with collecting(settings) as collector:
            await collector.collect([view()], BROWSER)
            with server.frozen():
                tasks = [
                    asyncio.create_task(collector.collect([view(n)], BROWSER))
                    for n in range(HITS)
                ]
                await asyncio.sleep(settings.redis_timeout * 1.5)
            assert await asyncio.gather(*tasks) == [[]] * HITS

    asyncio.run(run())
    assert stored(server)[0] == HITS + 1


def test_before_redis_was_ever_there_senders_are_told_to_come_back(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        server.kill()
        async with collecting(settings) as collector:
            with pytest.raises(NotStoredError):
                await collector.collect([view()], BROWSER)
            server.start()
            assert not await collector.collect([view()], BROWSER)

    asyncio.run(run())


def test_a_stream_that_nobody_drains_is_bounded(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings, Bounds(waiting=2)) as collector:
            for _ in range(2):
                await collector.collect([view()], BROWSER)
            with pytest.raises(NotStoredError, match="2 hits wait") as refusal:
                await collector.collect([view()], BROWSER)
            assert refusal.value.retry_after >= 10

    asyncio.run(run())
    assert stored(server)[0] == 2


def test_a_bot_that_is_let_in_counts_in_a_collector_that_runs(
    server: OwnRedis, settings: Settings
) -> None:
    bot = replace(BROWSER, user_agent="Mozilla/5.0 (compatible; GPTBot/1.2)")

    async def run(redis: Redis) -> None:
        async with collecting(settings) as collector:
            (drop,) = await collector.collect([view()], bot)
            assert isinstance(drop, Drop)
            sites_of(redis, settings.data).let_in(SITE, "bot", drop.name, "a test")
            while await collector.collect([view()], bot):
                await asyncio.sleep(0.05)

    with server.client() as client:
        asyncio.run(run(client))
    assert stored(server)[0] == 1


def test_what_waits_at_the_end_is_stored(server: OwnRedis, settings: Settings) -> None:
    told: list[object] = []

    async def run() -> None:
        async with collecting(settings) as collector:
            await collector.collect([view()], BROWSER)
            for number in range(HITS):
                collector.collect_soon([view(number)], BROWSER, told.append)

    asyncio.run(run())
    assert len(told) == HITS
    assert not any(told)  # neither drops nor a refusal
    assert stored(server)[0] == HITS + 1


def test_the_watch_over_the_sites_outlives_a_record_that_nobody_can_read(
    server: OwnRedis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(redis: Redis) -> None:
        async with collecting(settings) as collector:
            assert not await collector.collect([view()], BROWSER)
            good = redis.hget(SITES_KEY, SITE)
            assert isinstance(good, bytes)
            redis.hset(SITES_KEY, mapping={SITE: b"{", VERSION: 1000})
            while "watch over the sites" not in caplog.text:
                await asyncio.sleep(0.05)
            redis.hset(SITES_KEY, mapping={SITE: good, VERSION: 1001})
            sites_of(redis, settings.data).change(
                SITE, {"blocked_pages": ["/7"]}, by="a test"
            )
            while not await collector.collect([view(7)], BROWSER):
                await asyncio.sleep(0.05)

    with server.client() as client:
        asyncio.run(run(client))
    assert caplog.text.count("watch over the sites") == 1


def test_a_hit_that_cannot_be_judged_has_an_answer(
    server: OwnRedis, settings: Settings
) -> None:
    async def run(redis: Redis) -> None:
        redis.hset(SITES_KEY, mapping={SITE: b"{", VERSION: 1000})
        async with collecting(settings) as collector:
            told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            collector.collect_soon([view()], BROWSER, told.set_result)
            assert isinstance(await told, NotStoredError)

    with server.client() as client:
        asyncio.run(run(client))


def test_a_sender_that_cannot_be_told_keeps_nobody_waiting(
    server: OwnRedis, settings: Settings
) -> None:
    async def run() -> None:
        async with collecting(settings) as collector:
            await collector.collect([view()], BROWSER)
            told: list[object] = []

            def fail(_fate: object) -> None:
                raise RuntimeError("gone")

            for number, tell in enumerate((told.append, fail, told.append)):
                collector.collect_soon([view(number)], BROWSER, tell)
            while len(told) < 2:
                await asyncio.sleep(0.01)

    asyncio.run(run())
    assert stored(server)[0] == 4


@pytest.mark.parametrize("part", ["decode", "accept"])
def test_whatever_a_protocol_fails_with_its_sender_is_answered(
    server: OwnRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*_said: object) -> Any:
        raise KeyError("gone")

    assert server.url
    known = goatcounter.PROTOCOL
    if part == "decode":
        faulty = known._replace(decode=fail)
    else:
        faulty = known._replace(accept=fail)
    monkeypatch.setitem(PROTOCOLS, "/count", faulty)
    said = Request("GET", "/count", f"p=/&site={SITE}", {b"user-agent": b"x"}, b"")

    async def run() -> Answer:
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        front = FrontDoor(settings, None)
        async with living(front):
            front.answer_soon(said, ("192.0.2.1", 1), told.set_result)
            return await told

    answer = asyncio.run(run())
    assert answer.status == 500 and answer.body.startswith(b"GIF89a")


@asynccontextmanager
async def living(front: FrontDoor) -> AsyncIterator[None]:
    """The front door between a server's start and its end."""
    began, ends = asyncio.Event(), asyncio.Event()
    asked = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> dict[str, str]:
        kind = next(asked)
        if kind == "lifespan.shutdown":
            await ends.wait()
        return {"type": kind}

    async def send(message: Any) -> None:
        assert not message["type"].endswith("failed"), message
        began.set()

    life = asyncio.create_task(front({"type": "lifespan"}, receive, send))
    await began.wait()
    try:
        yield
    finally:
        ends.set()
        await life
