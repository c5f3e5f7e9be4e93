"""Which writers are at work on a store: those that said so a moment ago, by its clock.

A writer that dies says nothing more, and is not at work a moment later.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import cast

from redis import Redis

from page_tracker.store import keys
from page_tracker.store.scripts import script

# Three of a writer's reports may get lost before the others take its shards over.
BELIEVED_FOR = 3.0  # seconds


class Writers:
    """The writers of a store, as one of them sees them.

    Its name begins with when it began, so that names of the newest are the greatest.

    Every method raises redis.RedisError where Redis does not answer.
    """

    def __init__(self, redis: Redis) -> None:
        self.name = f"{time.time_ns():016x}-{secrets.token_hex(4)}"
        self._redis = redis
        self._report = redis.register_script(_REPORT)

    def report(self) -> list[str]:
        """Report that this one is at work; returns the names of all that are."""
        milliseconds = round(BELIEVED_FOR * 1000)
        found = self._report([keys.writers()], [self.name, milliseconds])
        return [name.decode() for name in cast(Iterable[bytes], found)]

    def leave(self) -> None:
        """Report that this one is not at work any more."""
        self._redis.zrem(keys.writers(), self.name)


# A store whose memory is full must still be drained.
_REPORT = script("writer_at_work", flag="allow-oom")
