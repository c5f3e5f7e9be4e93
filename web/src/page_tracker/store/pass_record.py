"""What passes over the lake have done so far, kept in the store for monitoring."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

import msgspec
from redis import Redis, RedisError

from page_tracker.days import DAY_SECONDS
from page_tracker.store import keys

# Who does not fill ClickHouse's tables any more is not told of it for ever.
FORGOTTEN = 7 * DAY_SECONDS


class PassesDone(msgspec.Struct, frozen=True):
    """Passes and failures so far; seconds that the passes took, when one last
    succeeded, in seconds since 1970 (0: never), and why the last one failed, if it
    did."""

    passes: int = 0
    failures: int = 0
    seconds: float = 0.0
    succeeded: float = 0.0
    trouble: str = ""


class PassRecord:
    """Methods but `noting` raise redis.RedisError where Redis does not answer."""

    def __init__(self, redis: Redis, key: str) -> None:
        self._redis, self._key = redis, key

    def succeeded(self, moment: float, seconds: float) -> None:
        self._redis.hincrby(self._key, "passes", 1)
        self._redis.hincrbyfloat(self._key, "seconds", seconds)
        self._redis.hset(self._key, mapping={"succeeded": moment, "trouble": ""})

    def failed(self, why: str = "") -> None:
        self._redis.hincrby(self._key, "failures", 1)
        self._redis.hset(self._key, "trouble", why)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note whether the pass that is made meanwhile succeeds."""
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            with suppress(RedisError):
                self.failed(" ".join(str(error).split()))
            raise
        with suppress(RedisError):  # it may be full
            self.succeeded(time.time(), time.monotonic() - began)

    def read(self) -> PassesDone:
        known = cast(dict[bytes, bytes], self._redis.hgetall(self._key))
        return PassesDone(
            int(known.get(b"passes", 0)),
            int(known.get(b"failures", 0)),
            float(known.get(b"seconds", 0)),
            float(known.get(b"succeeded", 0)),
            known.get(b"trouble", b"").decode(),
        )


class UpkeepRecord(PassRecord):
    """What upkeep has done."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, keys.upkeep())


class FillRecord(PassRecord):
    """What filling ClickHouse's own tables has done; forgotten some days after it."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, keys.fill())

    def has(self, rows: int) -> None:
        """Note that the tables have what this many rows, that had left the streams,
        have become in the lake."""
        self._redis.hset(self._key, "rows", rows)
        self._redis.expire(self._key, FORGOTTEN)

    def rows(self) -> int:
        """The last such number."""
        return int(cast(bytes | None, self._redis.hget(self._key, "rows")) or 0)
