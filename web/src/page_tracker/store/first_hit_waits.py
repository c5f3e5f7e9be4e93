"""What has come for a site while somebody waits for its first hit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from redis import Redis

from page_tracker.hits.first_hit import Waiting

KEPT = 60 * 60  # seconds after the last look


class Waits:
    """Sites whose first hit is awaited; every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def look(self, site: str, decide: Callable[[Waiting | None], Waiting]) -> Waiting:
        """Keep what `decide` makes of the previous look; None if there was none.

        If two look at once, both decide from the same previous look.
        """
        text = self._redis.get(_key(site))
        found = decide(msgspec.json.decode(text, type=Waiting) if text else None)
        self._redis.set(_key(site), msgspec.json.encode(found), ex=KEPT)
        return found

    def forget(self, site: str) -> None:
        """Forget previous looks: a site of this name was added just now."""
        self._redis.delete(_key(site))


def _key(site: str) -> str:
    return f"pt:waiting:{site}"
