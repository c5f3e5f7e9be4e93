"""The composition root: opens what the entry points work with, from the settings."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from redis import AuthenticationError, Redis, RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from page_tracker.asking import Asking
from page_tracker.collect.collector import Collector
from page_tracker.collect.lookups import Lookups
from page_tracker.collect.lookups import load as load_lookups
from page_tracker.collect.removal import Removal
from page_tracker.collect.salt import throw_away_spent
from page_tracker.collect.stream import Stream
from page_tracker.collect.unbatched import UnbatchedCollector
from page_tracker.doctor import Patient
from page_tracker.errors import RedisUnavailableError
from page_tracker.health import durability_notice
from page_tracker.history.imports import Imports, Watcher
from page_tracker.history.register import Register
from page_tracker.history.stored import Stored
from page_tracker.lake.deletion import Deletion, Selection
from page_tracker.lake.reading import Reading
from page_tracker.lake.table import Lake
from page_tracker.lake.upkeep import Upkeep
from page_tracker.lake.writer import Writer
from page_tracker.live import Live
from page_tracker.query.report import Engine
from page_tracker.registry import Registry
from page_tracker.server.embedded import redis_of
from page_tracker.server.folder import holder
from page_tracker.settings import DEFAULT_REDIS_URL, Settings, without_password
from page_tracker.sites import Sites


def open_redis(settings: Settings) -> Redis:
    """Open a client that fails within twice the time limit and sends nothing twice.

    It connects with the first command, and anew with the first one after a failure.
    """
    url = settings.redis_url or DEFAULT_REDIS_URL
    # A retried INCR whose first answer was lost would count a view twice.
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_patience(settings))


def open_async_redis(settings: Settings) -> AsyncRedis:
    """`open_redis` for the event loop that runs."""
    url = settings.redis_url or DEFAULT_REDIS_URL
    return AsyncRedis.from_url(
        url, retry=AsyncRetry(NoBackoff(), 0), **_patience(settings)
    )


def _patience(settings: Settings) -> dict[str, Any]:
    return {
        "socket_connect_timeout": settings.redis_timeout,
        "socket_timeout": settings.redis_timeout,
        # Notified connections are not checked for being alive before they are used.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def open_registry(settings: Settings, redis: Redis) -> Registry:
    """Open sites and tokens: what Redis has of them and their mirror."""
    return Registry(redis, settings.data)


def open_sites(settings: Settings, redis: Redis) -> Sites:
    """Open the sites, for every hit and every question."""
    return Sites(open_registry(settings, redis))


def open_lookups(settings: Settings) -> Lookups:
    """Load what enrichment looks up, once for the process."""
    return _lookups(settings.data / "lookups")


@cache
def _lookups(folder: Path) -> Lookups:
    return load_lookups(folder)


def open_collector(settings: Settings) -> Collector:
    """Open the event loop's collector; must be called while the loop runs."""
    return Collector(
        open_async_redis(settings),
        open_sites(settings, open_redis(settings)),
        open_lookups(settings),
        shards=settings.shards,
        most_in_stream=settings.most_in_stream,
    )


def open_unbatched_collector(settings: Settings, redis: Redis) -> UnbatchedCollector:
    """Open the collector of a server without an event loop."""
    return UnbatchedCollector(
        redis,
        open_sites(settings, redis),
        open_lookups(settings),
        shards=settings.shards,
        most_in_stream=settings.most_in_stream,
    )


@contextmanager
def store_of_folder(settings: Settings) -> Iterator[Settings]:
    """The settings with a Redis for a command: REDIS_URL's, else the data folder's.

    That is the running server's, or one that is started for the command's duration.
    Raises DataFolderError, ProcessError; RedisUnavailableError where Redis fails.
    """
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(redis_of(settings))
        try:
            yield replace(settings, redis_url=url)
        except RedisError as error:
            raise RedisUnavailableError(
                f"Redis at {without_password(url)} failed ({error})",
                "see that it runs, then try again",
            ) from error


@contextmanager
def registry_of_folder(settings: Settings) -> Iterator[Registry]:
    """Open sites and tokens for a command; raises what `store_of_folder` does."""
    with store_of_folder(settings) as found, open_redis(found) as redis:
        registry = open_registry(found, redis)
        registry.synchronise()
        yield registry


@contextmanager
def patient_of_folder(settings: Settings) -> Iterator[Patient]:
    """Open everything that `page-tracker doctor` looks at."""
    with store_of_folder(settings) as found, open_redis(found) as redis:
        registry = open_registry(found, redis)
        registry.synchronise()
        who = holder(settings.data)
        urls = [who.web_url if who else "", settings.url or ""]
        yield Patient(
            data=settings.data,
            lake=open_lake(settings).folder,
            redis=redis,
            registry=registry,
            streams=open_streams(found),
            urls=list(dict.fromkeys(each for each in urls if each)),
        )


@dataclass(frozen=True)
class Historian:
    """What imports work with: the sites, the imports, and the folder of newer lookups."""

    sites: Sites
    imports: Imports
    lookups: Path


@contextmanager
def historian_of_folder(settings: Settings, watcher: Watcher) -> Iterator[Historian]:
    """Open what `page-tracker import` needs; see `registry_of_folder`."""
    with registry_of_folder(settings) as registry, ExitStack() as stack:
        who = holder(settings.data)
        url = settings.redis_url or (who.redis_url if who else None)
        patient = replace(settings, redis_url=url, redis_timeout=5)
        redis = stack.enter_context(open_redis(patient))
        live = open_live(settings, redis)
        imports = Imports(
            Register(settings.data / "imports"),
            Stored(open_lake(settings), lambda site, days: _counted(live, site, days)),
            live,
            watcher,
        )
        yield Historian(Sites(registry), imports, settings.data / "lookups")


def _counted(live: Live, site: str, days: Sequence[int]) -> set[int]:
    """Which days have hits that may still be on their way to the lake."""
    yesterday = int(time.time()) // 86_400 - 2
    return {day for day in days if day >= yesterday and live.today(site, day).events}


def open_deletion(settings: Settings, selection: Selection) -> Deletion:
    """Open the deletion of some hits from lake and store."""
    lake = open_lake(settings)
    writers = [Writer(stream, lake) for stream in open_streams(settings)]
    return Deletion(selection, lake, writers, open_removal(settings))


def open_streams(settings: Settings) -> list[Stream]:
    """The writer's ends of all shards' streams."""
    patient = replace(settings, redis_timeout=max(settings.redis_timeout, 2))
    return [Stream(open_redis(patient), shard) for shard in range(settings.shards)]


def open_lake(settings: Settings) -> Lake:
    return Lake(settings.lake or str(settings.data / "lake"))


def open_live(settings: Settings, redis: Redis) -> Live:
    """Open the live counters of all shards."""
    return Live(redis, range(settings.shards))


def open_asking(settings: Settings) -> Asking:
    """Open the lake for questions; nothing is read before the first."""
    engine = Engine(settings.query_memory * 1_000_000, settings.query_seconds)
    return Asking(Reading(open_lake(settings)), engine)


@dataclass(frozen=True)
class Asker:
    """What a command asks with: the sites, the lake and the live counters."""

    sites: Sites
    asking: Asking
    live: Live


@contextmanager
def asker_of_folder(settings: Settings) -> Iterator[Asker]:
    """Open what `page-tracker query` needs; see `registry_of_folder`."""
    with registry_of_folder(settings) as registry:
        live = open_live(settings, registry.redis)
        yield Asker(Sites(registry), open_asking(settings), live)


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


def require_redis(settings: Settings) -> str | None:
    """Raise RedisUnavailableError where Redis does not answer or refuses us.

    Answers with why it may lose what was acknowledged, or None.
    """
    shown = without_password(settings.redis_url or DEFAULT_REDIS_URL)
    client = open_redis(settings)
    try:
        client.ping()
        return durability_notice(client)
    except AuthenticationError as error:
        raise RedisUnavailableError(
            f"Redis at {shown} refuses the user or password ({error})",
            "put the right one into REDIS_URL: redis://user:password@host:port",
        ) from error
    except RedisError as error:
        raise RedisUnavailableError(
            f"Redis at {shown} cannot be used ({error})",
            "start it, or correct REDIS_URL, or unset it to use the embedded server",
        ) from error
    finally:
        client.close()
