"""The composition root: opens what the entry points work with, from the settings."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from redis import AuthenticationError, Redis, RedisError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from page_tracker.collect.stream import Stream
from page_tracker.errors import RedisUnavailableError
from page_tracker.lake.table import Lake
from page_tracker.registry import Registry
from page_tracker.server.embedded import redis_of
from page_tracker.settings import DEFAULT_REDIS_URL, Settings, without_password


def open_redis(settings: Settings) -> Redis:
    """Open a client that fails within twice the time limit and sends nothing twice.

    It connects with the first command, and anew with the first one after a failure.
    """
    return Redis.from_url(
        settings.redis_url or DEFAULT_REDIS_URL,
        socket_connect_timeout=settings.redis_timeout,
        socket_timeout=settings.redis_timeout,
        # A retried INCR whose first answer was lost would count a view twice.
        retry=Retry(NoBackoff(), 0),
        # Notified connections are not checked for being alive before they are used.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def open_registry(settings: Settings, redis: Redis) -> Registry:
    """Open sites and tokens: what Redis has of them and their mirror."""
    return Registry(redis, settings.data)


@contextmanager
def registry_of_folder(settings: Settings) -> Iterator[Registry]:
    """Open sites and tokens for a command: in REDIS_URL, else the data folder's Redis.

    That is the running server's, or one that is started for the command's duration.
    Raises DataFolderError, ProcessError, RedisUnavailableError.
    """
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(redis_of(settings))
        settings = replace(settings, redis_url=url)
        redis = stack.enter_context(open_redis(settings))
        registry = open_registry(settings, redis)
        try:
            registry.synchronise()
            yield registry
        except RedisError as error:
            raise RedisUnavailableError(
                f"Redis at {without_password(url)} failed ({error})",
                "see that it runs, then try again",
            ) from error


def open_streams(settings: Settings) -> list[Stream]:
    """The writer's ends of all shards' streams."""
    patient = replace(settings, redis_timeout=max(settings.redis_timeout, 2))
    return [Stream(open_redis(patient), shard) for shard in range(settings.shards)]


def open_lake(settings: Settings) -> Lake:
    return Lake(settings.lake or str(settings.data / "lake"))


def require_redis(settings: Settings) -> None:
    """Raise RedisUnavailableError where Redis does not answer or refuses us."""
    shown = without_password(settings.redis_url or DEFAULT_REDIS_URL)
    client = open_redis(settings)
    try:
        client.ping()
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
