"""What keeps hits: the lake, its writers, its upkeep, the recount."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from page_tracker.collect.salt import throw_away_spent
from page_tracker.collect.stream import Stream
from page_tracker.history.recount import Recount
from page_tracker.history.register import Register
from page_tracker.lake.due import Due
from page_tracker.lake.table import Lake
from page_tracker.lake.upkeep import Upkeep
from page_tracker.lake.writer import Writer
from page_tracker.server.errand import run_errand
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
    recount, upkeep = open_recount(settings, lake), Upkeep(lake)

    def tidy() -> None:
        now = time.time()
        try:
            throw_away_spent(redis, int(now))
        finally:
            recount.catch_up()
            upkeep.tidy(now, list(registry.sites.read().entries.values()))

    return tidy


def open_light_upkeep(settings: Settings, lake: Lake) -> Callable[[], None]:
    """The same for a process that stays: where it takes an engine an errand does it.

    It raises ProcessError too, where that fails.
    """
    redis = open_redis(settings)
    registry = open_registry(settings, redis)
    due, upkeep = Due(lake), Upkeep(lake)

    def tidy() -> None:
        now = time.time()
        try:
            throw_away_spent(redis, int(now))
        finally:
            if due.look(now, list(registry.sites.read().entries.values())):
                run_errand(settings, "upkeep")
                due.done()
            else:
                upkeep.trim()

    return tidy


def open_light_recount(settings: Settings, lake: Lake) -> Callable[[], None]:
    """What has live counters catch up, as a call; it raises what upkeep does."""
    recount = open_recount(settings, lake)
    return lambda: recount.look(partial(run_errand, settings, "upkeep"))


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
