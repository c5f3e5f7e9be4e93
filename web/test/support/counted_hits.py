"""Hits of one site that go the whole way into a lake, and what is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from redis import Redis

from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.lake.table import Lake
from page_tracker.query.answer import as_json
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.sites.goal import Goal
from page_tracker.sites.site import Site, day_of
from page_tracker.store.ingest import Batch, submit
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Done, Writer

SITE = Site(
    id="a.org",
    timezone="Europe/Berlin",
    goals=(
        Goal(name="Docs", page="/docs/**"),
        Goal(name="Sale", event="buy", currency="EUR"),
        Goal(name="Gift", event="give", currency="USD"),
    ),
)
KINDS = {"view": Kind.VIEW, "engagement": Kind.ENGAGEMENT, "hover": Kind.QUIET}


def hit(
    clock: str,
    name: str = "view",
    path: str = "/",
    visitor: str = "ada",
    source: str = "",
    hostname: str = SITE.id,
    **columns: Any,
) -> Hit:
    """A hit at a time of the site's first week of March 2026: `day hour:minute`."""
    day, _, time = clock.rpartition(" ")
    local = f"2026-03-{int(day or 2):02d}T{time}{':00' if time.count(':') == 1 else ''}"
    instant = datetime.fromisoformat(f"{local}+01:00").astimezone(UTC)
    moment = int(instant.timestamp() * 1_000_000)
    kind = KINDS.get(name, Kind.EVENT)
    record = Record(
        moment,
        day_of(SITE, moment),
        SITE.id,
        "pageview" if kind is Kind.VIEW else name,
        hostname,
        path,
        "",
        Touch(source=source),
        Client(),
        Place(),
        **columns,
    )
    return Hit(record, kind, visitor.encode().ljust(16))


def autumn(utc: str, visitor: str, **more: Any) -> Hit:
    """A view in the night in which the clock shows the hour from two twice."""
    found = hit("12:00", visitor=visitor, **more)
    instant = datetime.fromisoformat(f"2026-10-25T{utc}:00+00:00")
    moment = int(instant.timestamp() * 1_000_000)
    record = replace(found.record, time=moment, day=day_of(SITE, moment))
    return replace(found, record=record)


Told = dict[tuple[str, ...], list[Any]]
Ask = Callable[..., Told]
Counted = Callable[..., Ask]


def counting(redis: Redis, lake: Lake) -> Counted:
    """Stores hits, and gives what asks about them."""
    writer = Writer(Stream(redis), lake, sleep=lambda seconds: None)

    def count(*hits: Hit) -> Ask:
        ordered = sorted(hits, key=lambda each: each.record.time)
        last = ordered[-1].record.time
        submit(redis, Batch(last, ordered, [], {SITE.id: SITE}))
        while writer.round() is not Done.NOTHING:
            pass
        return asker(LakeAsking(Reading(lake), Engine()))

    return count


def asker(asking: LakeAsking) -> Ask:
    def ask(*metrics: str, by: str = "", **more: Any) -> Told:
        body = {
            "site_id": SITE.id,
            "metrics": list(metrics),
            "date_range": ["2026-03-01", "2026-03-07"],
            "dimensions": by.split(),
            **more,
        }
        report = asking.report(asking.understand(body, SITE, 1_772_900_000))
        rows = as_json(report)["results"]
        return {tuple(row["dimensions"]): row["metrics"] for row in rows}

    return ask
