"""What upkeep has done so far, kept in the store for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from redis import Redis

from page_tracker.store import keys


@dataclass(frozen=True)
class UpkeepDone:
    """Passes and failures so far; seconds that the passes took, and when one last
    succeeded, in seconds since 1970 (0: never)."""

    passes: int = 0
    failures: int = 0
    seconds: float = 0.0
    succeeded: float = 0.0


class UpkeepRecord:
    """Every method raises redis.RedisError where Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def succeeded(self, moment: float, seconds: float) -> None:
        self._redis.hincrby(keys.upkeep(), "passes", 1)
        self._redis.hincrbyfloat(keys.upkeep(), "seconds", seconds)
        self._redis.hset(keys.upkeep(), "succeeded", moment)

    def failed(self) -> None:
        self._redis.hincrby(keys.upkeep(), "failures", 1)

    def read(self) -> UpkeepDone:
        known = cast(dict[bytes, bytes], self._redis.hgetall(keys.upkeep()))
        return UpkeepDone(
            int(known.get(b"passes", 0)),
            int(known.get(b"failures", 0)),
            float(known.get(b"seconds", 0)),
            float(known.get(b"succeeded", 0)),
        )
