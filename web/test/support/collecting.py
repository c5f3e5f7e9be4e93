"""What the tests of collecting share: a site, a browser, an open collector."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis import Redis

from page_tracker.collect.batched import Collector
from page_tracker.collect.rates import Rates
from page_tracker.hits.hit import Sender
from page_tracker.settings import Settings
from page_tracker.store.ingest import Bounds
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from page_tracker.wiring.collecting import open_lookups, open_spool
from page_tracker.wiring.store import open_async_redis, open_redis, open_registry

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
    settings: Settings, bounds: Bounds = Bounds()
) -> AsyncIterator[Collector]:
    """A collector, as the front door opens it; closed in the end."""
    with open_redis(settings) as redis:
        registry = open_registry(settings, redis)
        collector = Collector(
            open_async_redis(settings),
            Sites(registry),
            Tokens(registry),
            open_lookups(settings),
            bounds=bounds,
            rates=Rates(0),
            spool=open_spool(settings),
        )
        try:
            yield collector
        finally:
            await collector.close()
