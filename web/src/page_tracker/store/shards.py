"""Into how many shards a store's visitors are divided: the same for every process,
and for ever once there was a hit."""

from __future__ import annotations

from typing import cast

from redis import Redis

from page_tracker.store import keys
from page_tracker.store.format import StoreFormatError

SHARDS_KEY = "pt:shards"


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
