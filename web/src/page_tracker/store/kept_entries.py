"""Entries that a shard keeps for a while though its lake has them: a store of buckets
may lose its last commits, and then they are written again.

`Stream.trim` puts them there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from redis import Redis

from page_tracker.store import keys
from page_tracker.store.entry import Entry
from page_tracker.store.scripts import script


class KeptEntries:
    """Those of one shard. The client must not decode; methods may raise RedisError."""

    def __init__(self, redis: Redis, shard: int) -> None:
        self._redis = redis
        self._names = [keys.kept(shard), keys.stream(shard), keys.state(shard)]
        self._bring_back = redis.register_script(_BRING_BACK)

    def last(self) -> Entry | None:
        found = self._redis.xrevrange(self._names[0], count=1)
        for name, fields in cast(Iterable[tuple[bytes, dict[bytes, bytes]]], found):
            return Entry(int(name.partition(b"-")[0]), fields)
        return None

    def bring_back(self, position: int, origin: int) -> int:
        """Append those of an origin after `position` to the stream again.

        The lake had them and has lost them. Returns how many there were.
        """
        return int(self._bring_back(self._names, [position, origin]))


_BRING_BACK = script("entries", "append_again", "bring_back")
