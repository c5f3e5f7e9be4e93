"""What keeps hits: the lake, its writers, its upkeep, the recount."""

import time
from collections.abc import Callable
from dataclasses import replace

from page_tracker.collect.salt import throw_away_spent
from page_tracker.collect.stream import Stream
from page_tracker.history.recount import Recount
from page_tracker.history.register import Register
from page_tracker.lake.table import Lake
from page_tracker.lake.upkeep import Upkeep
from page_tracker.lake.writer import Writer
from page_tracker.services.store import open_live, open_redis, open_registry
from page_tracker.settings import Settings


def open_lake(settings: Settings) -> Lake:
    return Lake(settings.lake or str(settings.data / "lake"))


def open_streams(settings: Settings) -> list[Stream]:
    """The writer's ends of all shards' streams."""
    patient = replace(settings, redis_timeout=max(settings.redis_timeout, 2))
    return [Stream(open_redis(patient), shard) for shard in range(settings.shards)]


def open_writers(settings: Settings, lake: Lake) -> list[Writer]:
    """The writers of all shards."""
    return [Writer(stream, lake) for stream in open_streams(settings)]


def open_upkeep(settings: Settings, lake: Lake) -> Callable[[], None]:
    """One pass of upkeep over lake and store, as a call.

    It raises DeltaError or OSError where the lake is away, RedisError where Redis is,
    LogNotRewritten where that keeps what was thrown away.
    """
    redis = open_redis(settings)
    registry = open_registry(settings, redis)
    upkeep = Upkeep(lake)

    def tidy() -> None:
        now = time.time()
        try:
            throw_away_spent(redis, int(now))
        finally:
            upkeep.tidy(now, list(registry.sites.read().entries.values()))

    return tidy


def open_recount(settings: Settings, lake: Lake) -> Recount:
    """Open what counts again what the store's live counters do not have."""
    redis = open_redis(settings)
    return Recount(
        lake,
        Register(settings.data / "imports"),
        open_live(settings, redis),
        open_streams(settings),
        open_registry(settings, redis),
    )
