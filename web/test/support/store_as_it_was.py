"""What a Redis had at one time, for tests that each begin with the same."""

from __future__ import annotations

from typing import Any

from redis import Redis


class StoreAsItWas:
    """A copy of all that a store has now; what ends by itself does not in the copy."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._values = {key: self._redis.dump(key) for key in self._redis.keys()}

    def put_back(self) -> None:
        """Have the store be as it was: what came since is gone."""
        changes = self._redis.pipeline()
        for key in self._redis.keys():
            if key not in self._values:
                changes.delete(key)
        for key, value in self._values.items():
            changes.restore(key, 0, value, replace=True)
        changes.execute()
