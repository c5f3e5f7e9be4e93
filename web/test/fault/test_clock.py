"""A clock that jumps: nothing is lost, visits stay bounded, no time runs backwards."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from redis import Redis

from page_tracker.collect import direct as unbatched
from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.collect.rates import Rates
from page_tracker.hits.hit import RawHit, Sender
from page_tracker.lookups.reload import FreshLookups
from page_tracker.schema import HITS
from page_tracker.sites.site import day_of
from page_tracker.store.ingest import Bounds
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.stream import Stream
from page_tracker.store.tokens import Tokens
from support.own_redis import own_redis

SITE = "clock.example"
SECOND = 1_000_000
HOUR = 3600 * SECOND
VISITORS = 5
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
# In Berlin midnight, and both shifts of its clock, are a few minutes after these.
STARTS = {
    "an ordinary noon": "2026-06-10T10:00:00",
    "midnight": "2026-06-10T21:55:00",
    "the clock goes forward": "2026-03-29T00:55:00",
    "the clock goes back": "2026-10-25T00:55:00",
    "midnight before the clock goes back": "2026-10-24T21:55:00",
}
JUMPS = {
    "steady": (0,),
    "an hour back and forth": (-HOUR, HOUR),
    "a minute back and forth": (-60 * SECOND, 60 * SECOND),
    "a day back and forth": (-24 * HOUR, 24 * HOUR),
}


class Clock:
    """The time that the collector reads, in microseconds."""

    def __init__(self, now: int) -> None:
        self.now = now

    def time_ns(self) -> int:
        return self.now * 1000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with (
        own_redis(tmp_path_factory.mktemp("store")) as server,
        server.client() as client,
    ):
        yield client


def rows_of(store: Redis) -> list[SimpleNamespace]:
    names = [column.name for column in HITS]
    return [
        SimpleNamespace(**dict(zip(names, row, strict=True)))
        for entry in Stream(store).read(0, 10_000)
        for row in entry.rows()
    ]


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("start", STARTS)
def test_a_clock_that_jumps_loses_nothing_and_bounds_visits(
    store: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, jump: str
) -> None:
    # pylint: disable=too-many-locals # one story, told once
    store.flushall()
    registry = Registry(store, tmp_path)
    sites = Sites(registry)
    site = sites.add(SITE, {"timezone": "Europe/Berlin"})
    collector = UnbatchedCollector(
        store,
        sites,
        Tokens(registry),
        FreshLookups(tmp_path),
        bounds=Bounds(),
        rates=Rates(0),
    )
    began = datetime.fromisoformat(STARTS[start]).replace(tzinfo=UTC)
    clock = Clock(int(began.timestamp()) * SECOND)
    monkeypatch.setattr(unbatched, "time", clock)
    chance = random.Random(f"{start} {jump}")  # nosec B311 # draws test data
    sent: dict[str, int] = {}
    forward = 0
    for number in range(200):
        clock.now += chance.randrange(10 * SECOND)
        if number % 20 == 19:
            leap = chance.choice(JUMPS[jump])
            forward += leap > 0
            clock.now += leap
        path = f"/{number}"
        sent[path] = clock.now
        who = Sender(f"198.51.100.{number % VISITORS}", BROWSER)
        assert not collector.collect(
            [RawHit(site=SITE, url=f"https://{SITE}{path}")], who
        )

    rows = rows_of(store)
    assert sorted(row.path for row in rows) == sorted(sent)
    for row in rows:
        assert row.time == sent[row.path]
        assert row.day == day_of(site, row.time)
        assert 0 <= row.since and 0 <= row.elapsed < 48 * HOUR // 1000
    _visits_add_up(rows)
    days = len({row.day for row in rows})
    visits = sum(row.step == 1 for row in rows)
    assert VISITORS <= visits <= VISITORS * (days + forward + 1)


def _visits_add_up(rows: list[Any]) -> None:
    """Each visit is one visitor's, of one day, and its hits are numbered through."""
    visits: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        visits.setdefault((row.day, row.visit), []).append(row)
    for visit in visits.values():
        assert len({row.visitor for row in visit}) == 1
        assert [row.step for row in visit] == list(range(1, len(visit) + 1))
    arrivals = Counter((row.day, row.visitor) for row in rows if row.arrival)
    assert set(arrivals.values()) == {1}
    assert set(arrivals) == {(row.day, row.visitor) for row in rows}
