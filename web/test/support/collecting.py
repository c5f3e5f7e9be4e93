"""What the tests of collecting share: a site, a browser, a collector on an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis import Redis

from page_tracker.collect.collector import Collector
from page_tracker.collect.hit import Sender
from page_tracker.registry import Registry
from page_tracker.services import (
    open_async_redis,
    open_lookups,
    open_redis,
    open_sites,
)
from page_tracker.settings import Settings
from page_tracker.sites import Sites

SITE = "collect.example"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
BROWSER = Sender("192.0.2.1", CHROME, "en-GB,en;q=0.9")


def sites_of(redis: Redis, folder: Path) -> Sites:
    return Sites(Registry(redis, folder))


@asynccontextmanager
async def collecting(
    settings: Settings, most_in_stream: int = 1_000_000
) -> AsyncIterator[Collector]:
    """A collector, as the front door opens it; closed in the end."""
    store = open_async_redis(settings)
    collector = Collector(
        store,
        open_sites(settings, open_redis(settings)),
        open_lookups(settings),
        most_in_stream=most_in_stream,
    )
    try:
        yield collector
    finally:
        await collector.close()
        await store.aclose()
