"""What counts hits: the collectors, their lookups, the live counters."""

from functools import cache
from pathlib import Path

from redis import Redis

from page_tracker.collect.batched import Collector
from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.collect.rates import Rates
from page_tracker.collect.spool_file import SpoolFolder
from page_tracker.lookups.reload import FreshLookups
from page_tracker.settings import Settings
from page_tracker.store.ingest import Bounds
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from page_tracker.wiring.store import (
    copies_of,
    open_async_redis,
    open_redis,
    open_registry,
)


def open_lookups(settings: Settings) -> FreshLookups:
    """Load the lookups of enrichment, once for the process."""
    return _lookups(settings.data / "lookups")


@cache
def _lookups(folder: Path) -> FreshLookups:
    return FreshLookups(folder)


def bounds_of(settings: Settings) -> Bounds:
    """The bounds of a shard that has all visitors."""
    return Bounds(
        waiting=settings.most_in_stream,
        visitors=settings.most_visitors,
        of_address=settings.visitors_of_address,
        copies=copies_of(settings),
    )


def open_collector(settings: Settings) -> Collector:
    """Open the event loop's collector; must be called while the loop runs."""
    registry = open_registry(settings, open_redis(settings))
    return Collector(
        open_async_redis(settings),
        Sites(registry),
        Tokens(registry),
        open_lookups(settings),
        shards=settings.shards,
        bounds=bounds_of(settings),
        rates=Rates(settings.hits_of_address),
        spool=open_spool(settings),
    )


def open_spool(settings: Settings) -> SpoolFolder:
    """What waits on this machine's disk while Redis is away."""
    return SpoolFolder(settings.data / "spool", settings.most_in_spool * 1_000_000)


def open_unbatched_collector(
    settings: Settings, redis: Redis, sites: Sites, tokens: Tokens
) -> UnbatchedCollector:
    """Open the collector of a server without an event loop."""
    return UnbatchedCollector(
        redis,
        sites,
        tokens,
        open_lookups(settings),
        bounds=bounds_of(settings),
        rates=Rates(settings.hits_of_address),
    )
