"""The format version of a store: what a newer or older one means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from redis import Redis, RedisError

from page_tracker.lake.folder_format import FORMAT, FormatError, newer_than

FORMAT_KEY = "pt:format"

# From which version → what makes it the next one.
StoreSteps = Mapping[int, Callable[[Redis], None]]
STORE_STEPS: StoreSteps = {}


class StoreFormatError(FormatError, RedisError):
    """The store is a newer one's: like one that is away, it takes nothing from us."""


def refuse_newer_store(redis: Redis, newest: int = FORMAT) -> None:
    """Raise StoreFormatError where a store is of a newer format; changes nothing.

    Raises redis.RedisError.
    """
    found = int(cast(Any, redis).get(FORMAT_KEY) or newest)
    if found > newest:
        raise StoreFormatError(*newer_than("the Redis store", found, newest))


def require_store(
    redis: Redis, newest: int = FORMAT, steps: StoreSteps | None = None
) -> None:
    """Bring a store to the newest format; a new one begins with it.

    Before a step all of Page Tracker's keys are copied to `pt:{format-<version>}`, a
    hash of what Redis dumps. Raises StoreFormatError, redis.RedisError.
    """
    client = cast(Any, redis)
    client.set(FORMAT_KEY, newest, nx=True)
    refuse_newer_store(redis, newest)
    found = int(client.get(FORMAT_KEY))
    for version in range(found, newest):
        # In braces, so that a cluster has the finished one where the other was.
        copy = f"pt:{{format-{version}}}"
        if not client.exists(copy):
            for key in list(client.scan_iter(match="pt*", count=1000)):
                if not key.startswith((b"pt:format", b"pt:{format")):
                    client.hset(copy + "-unfinished", key, client.dump(key))
            if client.exists(copy + "-unfinished"):
                client.rename(copy + "-unfinished", copy)
        else:
            for key, dumped in client.hgetall(copy).items():
                client.restore(key, 0, dumped, replace=True)
        (steps or STORE_STEPS)[version](redis)
        client.set(FORMAT_KEY, version + 1)
