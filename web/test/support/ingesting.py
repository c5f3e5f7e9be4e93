"""What the tests of ingesting share: hits made short, and shards of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from redis import Redis

from page_tracker.hits.hit import Client, Drop, Hit, Kind, Place, Record, Touch
from page_tracker.schema import HITS
from page_tracker.sites.site import Site
from page_tracker.store import keys
from page_tracker.store.ingest import Batch

SITE = "a.example"
DAY = 20_000
# Noon of that day, in microseconds.
NOON = (DAY * 86_400 + 43_200) * 1_000_000
SECOND = 1_000_000
COLUMNS = tuple(column.name for column in HITS)

_shards = count(1000)


@contextmanager
def new_shard(redis: Redis) -> Iterator[int]:
    """A shard that nothing was written to; its keys are removed in the end."""
    shard = next(_shards)
    remove_shard(redis, shard)
    try:
        yield shard
    finally:
        remove_shard(redis, shard)


def remove_shard(redis: Redis, shard: int) -> None:
    for key in redis.scan_iter(match=f"{keys.prefix(shard)}*", count=1000):
        redis.delete(key)


def a_hit(  # pylint: disable=too-many-arguments  # each test names the few it needs
    path: str = "/",
    *,
    visitor: str = "ada",
    seconds: float = 0,
    kind: Kind = Kind.VIEW,
    site: str = SITE,
    day: int = DAY,
    touch: Touch = Touch(),
    event_id: str = "",
) -> Hit:
    """A hit some seconds after noon."""
    moment = NOON + round(seconds * SECOND)
    name = {Kind.VIEW: "pageview", Kind.ENGAGEMENT: "engagement"}.get(kind, "event")
    record = Record(moment, day, site, name, site, path, "", touch, Client(), Place())
    return Hit(record, kind, visitor.encode().ljust(16), event_id)


def a_batch(shard: int, *hits: Hit, drops: Sequence[Drop] = (), **more: Any) -> Batch:
    moment = max((hit.record.time for hit in hits), default=NOON)
    sites = more.pop("sites", {SITE: Site(id=SITE)})
    return Batch(moment, hits, drops, sites, shard, **more)


def named(row: Sequence[Any]) -> dict[str, Any]:
    """A row of the lake by its columns' names."""
    return dict(zip(COLUMNS, row, strict=True))
