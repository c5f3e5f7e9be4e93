"""One-time links as Redis keeps them: by hashes of their secrets, until they expire."""

from __future__ import annotations

from typing import Any

import msgspec
from redis import Redis

from page_tracker.people.one_time import (
    LIFETIMES,
    LONGEST,
    Link,
    hash_of,
    new_secret,
)


class Links:
    """All one-time links of a store; every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def make(self, link: Link) -> str:
        """Keep a link; answers its secret, which is kept nowhere."""
        secret = new_secret()
        lifetime = LIFETIMES[link.purpose]
        self._redis.set(_key(secret), msgspec.json.encode(link), ex=lifetime)
        return secret

    def find(self, secret: str) -> Link | None:
        """The link of a secret, which stays good; None where there is none."""
        if len(secret) > LONGEST:
            return None
        return _read(self._redis.get(_key(secret)))

    def use(self, secret: str) -> Link | None:
        """The link of a secret, which nobody can use again."""
        return _read(self._redis.getdel(_key(secret)))


def _read(text: bytes | None) -> Link | None:
    return None if text is None else msgspec.json.decode(text, type=Link)


def _key(secret: str) -> str:
    return f"pt:link:{hash_of(secret)}"
