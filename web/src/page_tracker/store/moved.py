"""What a store says once it, or the lake that its hits go to, was moved.

Each shard's state has it, so that its scripts see it:

    moved_to    the store that took this one's place: this one takes no hits any more,
                and who sends some keeps them until he knows the other one
    copied_from the store that this one is going to be a copy of: it takes none yet
    left_lake   the lake that hits do not go to any more: none leaves the stream for it
    lake        the lake that took its place
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from redis import Redis

from page_tracker.store import keys
from page_tracker.store.format import StoreFormatError
from page_tracker.store.scripts import script

# The views of the counter page, and where they are while nobody may count.
VIEWS = "page_views"
KEPT_VIEWS = "{page_views}:moved"
FIELDS = ("moved_to", "copied_from", "left_lake", "lake")


class MovedError(StoreFormatError):
    """The store or the lake was moved, and these settings name the one that it left."""


class Moved(msgspec.Struct, frozen=True):
    """Where a store and its lake were moved to; empty where they were not."""

    to_store: str = ""
    from_store: str = ""
    from_lake: str = ""
    to_lake: str = ""

    def error(self, lake: str) -> MovedError | None:
        """Why nobody may change anything who has this store and this lake."""
        if self.to_store:
            return MovedError(
                f"this Redis was moved to {self.to_store}",
                "set REDIS_URL to that one, with its password, and start again",
            )
        if self.from_store:
            return MovedError(
                f"the move from {self.from_store} to this Redis is not finished",
                "finish it by the same command, page-tracker move",
            )
        if lake and lake == self.from_lake:
            return MovedError(
                f"the lake {lake} was moved to {self.to_lake}",
                f"set PAGE_TRACKER_LAKE={self.to_lake} and start again",
            )
        return None


def moved(redis: Redis) -> Moved:
    """What the first shard says: all say the same. Raises redis.RedisError."""
    found: Any = redis.hmget(keys.state(0), *FIELDS)
    return Moved(*[(each or b"").decode() for each in found])


def require_not_moved(redis: Redis, lake: str = "") -> None:
    """Raise MovedError for who has a store, or a lake, that was left; RedisError."""
    if error := moved(redis).error(lake):
        raise error


def close_store(redis: Redis, shards: Iterable[int], to: str) -> None:
    """Have a store take no hits and count no views any more. Raises RedisError."""
    for shard in shards:
        redis.hset(keys.state(shard), "moved_to", to)
    redis.register_script(_CLOSE_VIEWS)([VIEWS, KEPT_VIEWS], [f"moved to {to}"])


def begin_copy(redis: Redis, shards: Iterable[int], source: str) -> None:
    """Have a store that is being made a copy take no hits. Raises RedisError."""
    for shard in shards:
        redis.hset(keys.state(shard), "copied_from", source)


def end_copy(redis: Redis, shards: Iterable[int]) -> None:
    """Have a copy that is complete take hits. Raises RedisError."""
    for shard in shards:
        redis.hdel(keys.state(shard), "copied_from")


def leave_lake(redis: Redis, shards: Iterable[int], lake: str, to: str) -> None:
    """Have no entry leave the streams for a lake any more. Raises RedisError."""
    for shard in shards:
        redis.hset(keys.state(shard), mapping={"left_lake": lake, "lake": to})


def stay(redis: Redis, shards: Iterable[int]) -> None:
    """Take back `close_store` and `leave_lake`. Raises RedisError."""
    for shard in shards:
        redis.hdel(keys.state(shard), *FIELDS)
    redis.register_script(_OPEN_VIEWS)([VIEWS, KEPT_VIEWS])


_CLOSE_VIEWS = script("close_views")
_OPEN_VIEWS = script("open_views")
