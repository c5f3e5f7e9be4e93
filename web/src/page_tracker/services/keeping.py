"""What keeps hits: the lake, its writers, its upkeep, and deletion from it."""

import time
from collections.abc import Callable
from dataclasses import replace

from page_tracker.collect.removal import Removal
from page_tracker.collect.salt import throw_away_spent
from page_tracker.collect.stream import Stream
from page_tracker.lake.deletion import Deletion, Selection
from page_tracker.lake.table import Lake
from page_tracker.lake.upkeep import Upkeep
from page_tracker.lake.writer import Writer
from page_tracker.services.store import open_redis, open_registry
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

    It raises DeltaError or OSError where the lake is away, RedisError where Redis is.
    """
    redis = open_redis(settings)
    registry = open_registry(settings, redis)
    upkeep = Upkeep(lake)

    def tidy() -> None:
        now = time.time()
        throw_away_spent(redis, int(now))
        upkeep.tidy(now, list(registry.sites.read().entries.values()))

    return tidy


def open_removal(settings: Settings) -> Removal:
    return Removal(open_redis(settings), range(settings.shards))


def open_deletion(settings: Settings, selection: Selection) -> Deletion:
    """Open the deletion of some hits from lake and store."""
    lake = open_lake(settings)
    writers = open_writers(settings, lake)
    return Deletion(selection, lake, writers, open_removal(settings))
