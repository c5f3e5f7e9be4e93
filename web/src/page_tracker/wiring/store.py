"""Redis, and the sites and tokens in it: what every process opens."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from redis import AuthenticationError, Redis, RedisError
from redis.asyncio import Redis as AsyncRedis

from page_tracker.errors import RedisUnavailableError, UnknownSiteError
from page_tracker.lake.folder_format import FORMAT_FILE, require_folder
from page_tracker.processes.embedded import redis_of
from page_tracker.processes.folder import (
    holder,
    make_folder,
    require_begun,
    require_folder_there,
)
from page_tracker.settings import Settings, lake_of, without_password
from page_tracker.settings_parsing import DEFAULT_REDIS_URL
from page_tracker.store.accounts import People
from page_tracker.store.annotations import KeptAnnotations
from page_tracker.store.clients import open_async_client, open_client
from page_tracker.store.counters import Live
from page_tracker.store.format import (
    StoreFormatError,
    refuse_newer_store,
    require_store,
)
from page_tracker.store.moved import require_not_moved
from page_tracker.store.redis_health import DurabilityNotice, durability_notice
from page_tracker.store.registry import Registry
from page_tracker.store.replicas import Copies
from page_tracker.store.shards import require_shards
from page_tracker.store.stream import Stream


def open_redis(settings: Settings) -> Redis:
    """Open a client that fails within twice the time limit and sends nothing twice."""
    url = settings.redis_url or DEFAULT_REDIS_URL
    return open_client(url, settings.redis_timeout)


def open_async_redis(settings: Settings) -> AsyncRedis:
    """`open_redis` for the event loop that runs."""
    url = settings.redis_url or DEFAULT_REDIS_URL
    return open_async_client(url, settings.redis_timeout)


def open_registry(settings: Settings, redis: Redis) -> Registry:
    """Open sites and tokens: Redis's copy of them and their mirror."""
    return Registry(redis, settings.data, settings.shards)


def open_people(settings: Settings, redis: Redis) -> People:
    """Open people's accounts: Redis's copy of them and their mirror."""
    return People(redis, settings.data)


def open_annotations(settings: Settings, redis: Redis) -> KeptAnnotations:
    """Open annotations of sites: Redis's copy of them and their mirror."""
    return KeptAnnotations(redis, settings.data)


def open_streams(settings: Settings) -> list[Stream]:
    """The writer's ends of all shards' streams."""
    redis = open_redis(replace(settings, redis_timeout=max(settings.redis_timeout, 2)))
    copies = copies_of(settings)
    return [Stream(redis, shard, copies) for shard in range(settings.shards)]


def copies_of(settings: Settings) -> Copies:
    """On how many replicas hits must be, within most of the time for an answer."""
    return Copies(settings.redis_replicas, round(800 * settings.redis_timeout))


def open_live(settings: Settings, redis: Redis) -> Live:
    """Open the live counters."""
    return Live(redis, range(settings.shards))


def require_ready(redis: Redis, shards: int) -> None:
    """Bring a store to our format. Raises RedisError; StoreFormatError where it is of a
    newer one, or has hits in another number of shards."""
    require_store(redis)
    require_shards(redis, shards)


@contextmanager
def store_of_folder(settings: Settings) -> Iterator[Settings]:
    """The settings with a Redis for a command: REDIS_URL's, else the data folder's.

    That is the running server's, or one that is started for the command's duration.
    Raises NoDataFolderError if there is no folder: it is not created here. FormatError
    if data folder or store are of a newer version, MovedError if store or lake were
    moved, DataFolderError, ProcessError; RedisUnavailableError if Redis fails.
    """
    if settings.redis_url is None:
        require_begun(settings.data)
    else:
        require_folder_there(settings.data)
    with ExitStack() as stack:
        if (settings.data / FORMAT_FILE).exists():
            require_folder(settings.data)
        url = settings.redis_url or stack.enter_context(redis_of(settings))
        found = replace(settings, redis_url=url)
        try:
            redis = stack.enter_context(open_redis(found))
            require_ready(redis, settings.shards)
            require_not_moved(redis, lake_of(settings))
            yield found
        except StoreFormatError:
            raise
        except RedisError as error:
            raise RedisUnavailableError(
                f"Redis at {without_password(url)} failed ({error})",
                "check that it runs, then try again",
            ) from error


@contextmanager
def registry_of_folder(settings: Settings) -> Iterator[Registry]:
    """Open sites and tokens for a command. Raises as `store_of_folder`."""
    with store_of_folder(settings) as found, open_redis(found) as redis:
        registry = open_registry(found, redis)
        if registry.is_emptied():
            registry.synchronise()
        with _folder_named(settings):
            yield registry


@contextmanager
def registry_of_new_folder(settings: Settings) -> Iterator[Registry]:
    """The same, but creates the data folder if there is none."""
    make_folder(settings.data)
    require_folder(settings.data)
    with registry_of_folder(settings) as registry:
        yield registry


@contextmanager
def _folder_named(settings: Settings) -> Iterator[None]:
    """Add the folder that was searched to the error of an unknown site."""
    try:
        yield
    except UnknownSiteError as error:
        where = f"{error.problem} in {settings.data}"
        if settings.redis_url is None:  # its Redis is this folder's
            who = holder(settings.data)
            where += "" if who and who.web_url else ", on which no server runs"
        raise UnknownSiteError(where, error.remedy) from error


def require_redis(settings: Settings) -> DurabilityNotice | None:
    """Raise RedisUnavailableError if Redis does not answer or refuses us.

    And StoreFormatError if a newer Page Tracker has written it. Returns why it may lose
    what was acknowledged, or None.
    """
    shown = without_password(settings.redis_url or DEFAULT_REDIS_URL)
    client = open_redis(settings)
    try:
        refuse_newer_store(client)
        require_shards(client, settings.shards)
        return durability_notice(client)
    except StoreFormatError:
        raise
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
