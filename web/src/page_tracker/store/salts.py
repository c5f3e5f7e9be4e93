"""The salts: random, one for each site's day, deleted when the day is over.

Without the salt nobody can tell from which address and user agent a visitor's key was
made. Whichever collector needs a salt first draws it, and all others use it.
"""

from __future__ import annotations

import secrets
from typing import Any, cast

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from page_tracker.store import keys
from page_tracker.store.store_deletion import rewrite_log

SALT_BYTES = 16
# A salt outlives its day by this many seconds: the last hits are still on their way.
GRACE = 600
# Collectors agree on a salt again within this time where Redis has lost it.
_TRUSTED = 60


class SiteDay(msgspec.Struct, frozen=True):
    """A site's day: `day` since 1970, `ends` the second (UTC) at which it is over."""

    site: str
    day: int
    ends: int


class Salts(msgspec.Struct):
    """The salts that this process knows. For one event loop or thread at a time."""

    _known: dict[SiteDay, tuple[bytes, int]] = msgspec.field(default_factory=dict)

    def known(self, day: SiteDay, now: int) -> bytes | None:
        """The salt, if it was fetched within the last minute; `now` in seconds."""
        salt, fetched = self._known.get(day, (None, 0))
        return salt if abs(now - fetched) < _TRUSTED else None

    def get(self, redis: Redis, day: SiteDay, now: int) -> bytes:
        """The salt of a site's day; `now` in seconds. Raises redis.RedisError."""
        salt = self.known(day, now)
        if salt is None:
            candidate = self._candidate(day)
            key, spent, seconds = _to_keep(day, now)
            redis.zadd(keys.salts(), {key: spent})
            kept = redis.set(key, candidate, nx=True, get=True, ex=seconds)
            salt = self._learn(day, now, cast(bytes, kept or candidate))
        return salt

    async def get_async(self, redis: AsyncRedis, day: SiteDay, now: int) -> bytes:
        """`get` for a client of the event loop."""
        salt = self.known(day, now)
        if salt is None:
            candidate = self._candidate(day)
            key, spent, seconds = _to_keep(day, now)
            await redis.zadd(keys.salts(), {key: spent})
            kept = await redis.set(key, candidate, nx=True, get=True, ex=seconds)
            salt = self._learn(day, now, cast(bytes, kept or candidate))
        return salt

    def without_redis(self, day: SiteDay) -> bytes:
        """A salt while Redis is away: the last one known, or else a new one.

        Redis is offered it when it is asked next; if others were faster, theirs counts
        from then on, and whoever came in between counts as another visitor.
        """
        salt = self._candidate(day)
        self._known[day] = (salt, 0)
        return salt

    def _candidate(self, day: SiteDay) -> bytes:
        """The salt if Redis has none: the one used so far, or else a new one."""
        salt, _ = self._known.get(day, (None, 0))
        return salt or secrets.token_bytes(SALT_BYTES)

    def _learn(self, day: SiteDay, now: int, salt: bytes) -> bytes:
        for other in [other for other in self._known if now > other.ends + GRACE]:
            del self._known[other]
        self._known[day] = (salt, now)
        return salt


def _to_keep(day: SiteDay, now: int) -> tuple[str, int, int]:
    """A salt's key, when it is spent, and in how many seconds that is."""
    spent = day.ends + GRACE
    return keys.salt(day.site, day.day), spent, max(spent - now, GRACE)


def throw_away_spent(redis: Redis, now: int) -> int:
    """Delete the salts of days that are over, and rewrite the append-only file.

    Returns how many were deleted. Call it every few minutes: the file keeps a deleted
    salt until it is rewritten, and the next call repeats what has failed. Raises
    redis.RedisError, LogNotRewrittenError.
    """
    client = cast(Any, redis)
    spent = client.zrangebyscore(keys.salts(), "-inf", now)
    if not spent:
        return 0
    for key in spent:
        client.delete(key)
    rewrite_log(redis)
    client.zrem(keys.salts(), *spent)
    return len(spent)
