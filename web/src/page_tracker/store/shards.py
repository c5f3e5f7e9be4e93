"""Into how many shards a store's visitors are divided: the same for every process.

A number can only grow, and only by a move to another store: a visitor has to be found
where he was. So days that have begun by then stay divided as they were.
"""

from __future__ import annotations

from typing import cast

import msgspec
from redis import Redis

from page_tracker.store import keys
from page_tracker.store.format import StoreFormatError

SHARDS_KEY = "pt:shards"
BEFORE_KEY = "pt:shards_before"


class Division(msgspec.Struct, frozen=True):
    """A store's shards; days up to `until` (since 1970) have only the first `before`
    of them."""

    shards: int = 1
    before: int = 0
    until: int = 0

    def on(self, day: int) -> int:
        """Into how many shards the visitors of a day are divided."""
        return self.before if day <= self.until else self.shards

    def parts(self, shard: int) -> int:
        """Into how many parts visitors are divided of which a shard may have one."""
        return self.before if shard < self.before else self.shards


class OtherShardsError(StoreFormatError):
    """The store has another number of shards than this process."""

    def __init__(self, known: int, ours: int) -> None:
        super().__init__(
            f"Redis has hits in {known} shards, and this process is set to {ours}",
            f"set PAGE_TRACKER_SHARDS={known}: a visitor has to be found where he was",
        )


def require_shards(redis: Redis, shards: int) -> None:
    """Have a store without hits divided into so many shards.

    Raises OtherShardsError where there are hits and it is divided into others, and
    redis.RedisError.
    """
    found = cast(bytes | None, redis.get(SHARDS_KEY))
    if found is None:
        redis.set(SHARDS_KEY, shards, nx=True)
    elif (known := int(found)) != shards:
        if any(redis.exists(keys.state(shard)) for shard in range(known)):
            raise OtherShardsError(known, shards)
        redis.set(SHARDS_KEY, shards)


def division_of(redis: Redis, shards: int) -> Division:
    """How a store with so many shards divides its days. Raises redis.RedisError."""
    before = cast(bytes | None, redis.get(BEFORE_KEY))
    return Division(shards, *map(int, (before or b"0 0").split()))


def grow(redis: Redis, shards: int, before: int, until: int, seconds: int) -> None:
    """Divide a store that had `before` shards into more, for days after `until`.

    This is known for so many seconds. Raises redis.RedisError.
    """
    redis.set(BEFORE_KEY, f"{before} {until}", ex=seconds)
    redis.set(SHARDS_KEY, shards)
