"""Random visits through the real script, held to the naive model column by column."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from naive import Fate, Found, PlainHit, find
from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.store.counters import Live, Sums
from page_tracker.store.ingest import Batch, Outcome, submit
from page_tracker.store.stream import Stream
from support.drawing import examples
from support.ingesting import named, new_shard

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EVENING = 20_000 * DAY + 22 * HOUR
ZONES = {"a.example": 0, "b.example": 2 * HOUR}
KINDS = {
    "view": Kind.VIEW,
    "event": Kind.EVENT,
    "quiet": Kind.QUIET,
    "engagement": Kind.ENGAGEMENT,
}
FATES: dict[Fate, Outcome] = {
    "stored": Outcome.STORED,
    "duplicate": Outcome.DUPLICATE,
    "no visit": Outcome.NO_VISIT,
}
# From one hit to the next: mostly on, sometimes the clock goes back.
STEPS = st.sampled_from(
    [0, 1, 900, 10_000, 5 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 59 * MINUTE]
    + [HOUR, 3 * HOUR, -1, -10_000, -20 * MINUTE, -HOUR, -2 * HOUR]
)


@st.composite
def plain_hits(draw: st.DrawFn) -> list[PlainHit]:
    time, hits = EVENING, []
    for step in draw(st.lists(STEPS, min_size=1, max_size=40)):
        time += step
        site = draw(st.sampled_from(sorted(ZONES)))
        hits.append(
            PlainHit(
                time=time,
                day=(time + ZONES[site]) // DAY,
                site=site,
                visitor=draw(st.sampled_from(["ada", "bob", "eve"])),
                kind=draw(
                    st.sampled_from(["view", "view", "event", "quiet", "engagement"])
                ),
                path=draw(st.sampled_from(["/", "/a", "/b\0", "/ü" * 200])),
                hostname=draw(st.sampled_from(["", "www.example"])),
                touch=draw(st.sampled_from(["", "x.example"])),
                event_id=draw(st.sampled_from(["", "", "", "1", "2"])),
            )
        )
    return hits


@given(
    hits=plain_hits(),
    splits=st.lists(st.integers(1, 9), min_size=40, max_size=40),
    again=st.sets(st.integers(0, 39)),
)
@settings(
    max_examples=examples(75, long=300),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_column_is_the_naive_models(
    redis_client: Redis, hits: list[PlainHit], splits: list[int], again: set[int]
) -> None:
    with new_shard(redis_client) as shard:
        outcomes = []
        parts = _parts(hits, splits)
        hits = [replace(hit, arrived=part[-1].time) for part in parts for hit in part]
        for number, part in enumerate(parts):
            batch = Batch(
                part[-1].time * 1000, [_hit(hit) for hit in part], shard=shard
            )
            outcomes += submit(redis_client, batch)
            if number in again:
                assert submit(redis_client, batch) == outcomes[-len(part) :]

        expected = find(hits)
        entries = Stream(redis_client, shard).read(0, len(hits))
        rows = [named(row) for entry in entries for row in entry.rows()]
        base = Stream(redis_client, shard).origin() << 32
        assert outcomes == [FATES[found.fate] for found in expected]
        assert rows == [
            _row(hit, found, base)
            for hit, found in zip(hits, expected, strict=True)
            if found.fate == "stored"
        ]
        dropped = [drop for entry in entries for drop in entry.drops()]
        assert sum(drop[4] for drop in dropped) == outcomes.count(Outcome.NO_VISIT)
        _check_live(Live(redis_client, [shard]), hits, expected)


def _check_live(live: Live, hits: list[PlainHit], expected: list[Found]) -> None:
    pairs = list(zip(hits, expected, strict=True))
    for site in ZONES:
        views = [hit.path for hit, found in pairs if found.view and hit.site == site]
        assert live.total(site) == len(views)
        assert live.pages(site) == {path: views.count(path) for path in views}
        for day in {hit.day for hit in hits}:
            of_day = [f for h, f in pairs if (h.site, h.day) == (site, day)]
            assert live.today(site, day) == Sums(
                visitors=sum(found.arrival for found in of_day),
                visits=sum(found.step == 1 for found in of_day),
                views=sum(found.view > 0 for found in of_day),
                events=sum(found.step > 0 for found in of_day),
                bounces=sum(found.step == 1 for found in of_day)
                - sum(found.interaction == 2 for found in of_day),
                since=sum(found.since for found in of_day),
            )


def _parts(hits: list[PlainHit], sizes: list[int]) -> list[list[PlainHit]]:
    parts = []
    for size in sizes:
        if hits:
            parts.append(hits[:size])
            hits = hits[size:]
    return parts


def _hit(hit: PlainHit) -> Hit:
    record = Record(
        time=hit.time * 1000,
        day=hit.day,
        site=hit.site,
        name=hit.kind,
        hostname=hit.hostname,
        path=hit.path,
        title="",
        touch=Touch(source=str(hit.touch)),
        client=Client(),
        place=Place(),
    )
    return Hit(record, KINDS[hit.kind], str(hit.visitor).encode(), hit.event_id)


def _row(hit: PlainHit, found: Found, base: int) -> dict[str, Any]:
    touch = Touch(source=str(found.touch))
    return {
        "time": hit.time * 1000,
        "day": hit.day,
        "site": hit.site,
        "name": hit.kind,
        "hostname": hit.hostname,
        "path": hit.path,
        "title": "",
        "visitor": base | found.visitor,
        "visit": base | found.visit,
        "step": found.step,
        "view": found.view,
        "interaction": found.interaction,
        "since": found.since,
        "elapsed": found.elapsed,
        "arrival": found.arrival,
        "previous": found.previous,
        "previous_hostname": found.previous_hostname,
        "entry_path": found.entry_path,
        "entry_hostname": found.entry_hostname,
        **{name: getattr(touch, name) for name in touch.__struct_fields__},
        **dict.fromkeys(
            ("country", "region", "city", "device", "browser", "browser_version"), ""
        ),
        **dict.fromkeys(("os", "os_version", "currency"), ""),
        "props": {},
        **dict.fromkeys(("engaged", "scroll", "revenue")),
        "month": "2024-10",
    }


@pytest.fixture(autouse=True)
def _no_decoding(redis_client: Redis) -> None:
    """The client answers bytes, as Stream needs it."""
    assert redis_client.get_encoder().decode_responses is False
