"""Used codes of second factors: each code is accepted once."""

from __future__ import annotations

from typing import Any

from redis import Redis

from page_tracker.people.totp import DRIFT, STEP_SECONDS

# Seconds until a code is invalid by any clock.
_KEPT = (2 * DRIFT + 2) * STEP_SECONDS


class UsedCodes:
    """The codes that were used recently. Raises redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def use(self, account_id: str, step: int) -> bool:
        """Use the code of a time step; False if it was used before."""
        key = f"pt:code:{account_id}:{step}"
        return bool(self._redis.set(key, 1, nx=True, ex=_KEPT))
