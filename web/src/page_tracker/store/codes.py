"""Codes of second factors that were used: each is good for once."""

from __future__ import annotations

from typing import Any

from redis import Redis

from page_tracker.people.totp import DRIFT, STEP_SECONDS

# Seconds until no clock takes a code any more.
_KEPT = (2 * DRIFT + 2) * STEP_SECONDS


class UsedCodes:
    """The codes that were used of late. Raises redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def use(self, account_id: str, step: int) -> bool:
        """Use the code of a step; False where it was used before."""
        key = f"pt:code:{account_id}:{step}"
        return bool(self._redis.set(key, 1, nx=True, ex=_KEPT))
