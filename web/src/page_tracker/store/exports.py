"""The exports of the last day: which hits each has. Their files are made when asked."""

from __future__ import annotations

from typing import Any

import msgspec
from redis import Redis

from page_tracker.store import keys

KEPT_SECONDS = 24 * 60 * 60


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export: the hits of a site after one time and up to another.

    These are UTC, in microseconds; `created` is in seconds.
    """

    site: str
    after: int
    last: int
    rows: int
    created: int


class Exports:
    """The exports of a store; every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def add(self, export: Export) -> int:
        """Keep an export for a day; returns its number."""
        number = int(self._redis.incr(keys.exports()))
        encoded = msgspec.json.encode(export)
        self._redis.set(keys.export(number), encoded, ex=KEPT_SECONDS)
        return number

    def find(self, number: int) -> Export | None:
        """The export of a number; None if there is none, or none any more."""
        text = self._redis.get(keys.export(number))
        return None if text is None else msgspec.json.decode(text, type=Export)
