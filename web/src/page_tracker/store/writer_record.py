"""What the writers of a shard leave in the store for whoever watches them."""

from __future__ import annotations

from typing import NamedTuple, cast

from redis import Redis

from page_tracker.store import keys

# A writer that has reported nothing for so long is not running.
HEARD_OF = 60  # seconds


class Commits(NamedTuple):
    """The commits of a shard's writers so far, how long they took (seconds), and how
    often one was refused, as another had changed the lake meanwhile."""

    number: int
    seconds: float
    refused: int


class WriterRecord:
    """How a shard's writers are getting on; raises what a stream raises."""

    def __init__(self, redis: Redis, shard: int) -> None:
        self._redis = redis
        self._commits = keys.commits(shard)
        self._writer = keys.writer(shard)

    def note_commit(self, seconds: float) -> None:
        """Count a commit to the lake, which took so long."""
        self._redis.hincrby(self._commits, "number", 1)
        self._redis.hincrbyfloat(self._commits, "seconds", seconds)

    def note_refusal(self) -> None:
        """Count a commit that was refused."""
        self._redis.hincrby(self._commits, "refused", 1)

    def commits(self) -> Commits:
        found = self._redis.hmget(self._commits, "number", "seconds", "refused")
        number, seconds, refused = cast(list[bytes | None], found)
        return Commits(int(number or 0), float(seconds or 0), int(refused or 0))

    def report(self, moment: int, trouble: str = "") -> None:
        """Report that the writer is running, and what its last error was.

        `moment` in milliseconds since 1970.
        """
        self._redis.hset(self._writer, mapping={"moment": moment, "trouble": trouble})
        self._redis.expire(self._writer, HEARD_OF)

    def last_report(self) -> tuple[int, str] | None:
        """What `report` said last; None if no writer is running."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(self._writer))
        return (int(found[b"moment"]), found[b"trouble"].decode()) if found else None
