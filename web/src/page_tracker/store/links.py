"""One-time links as Redis keeps them: by hashes of their secrets, until they expire."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import msgspec
from redis import Redis

from page_tracker.people.one_time import (
    LIFETIMES,
    LONGEST,
    Link,
    Purpose,
    hash_of,
    new_secret,
)

# The set of the invitations' hashes, by which they are listed and withdrawn.
INVITATIONS_KEY = "pt:invitations"


class Invitation(NamedTuple):
    """An invitation that nobody has used yet; `expires` is UTC, in seconds."""

    link: Link
    expires: int


class Links:
    """All one-time links of a store; every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def make(self, link: Link) -> str:
        """Keep a link; returns its secret, which is kept nowhere."""
        secret = new_secret()
        lifetime = LIFETIMES[link.purpose]
        if link.purpose is Purpose.INVITATION:
            # Listed first, so that there is none that cannot be withdrawn.
            self._redis.sadd(INVITATIONS_KEY, hash_of(secret))
        self._redis.set(_key(secret), msgspec.json.encode(link), ex=lifetime)
        return secret

    def find(self, secret: str) -> Link | None:
        """The link of a secret, which stays valid; None if there is none."""
        if len(secret) > LONGEST:
            return None
        return _read(self._redis.get(_key(secret)))

    def use(self, secret: str) -> Link | None:
        """The link of a secret, which nobody can use again."""
        return _read(self._redis.getdel(_key(secret)))

    def invitations(self) -> dict[str, Invitation]:
        """The open ones by their ids, in the order in which they expire."""
        ids = [each.decode() for each in self._redis.smembers(INVITATIONS_KEY)]
        found = {each: self._invitation(each) for each in ids}
        if gone := [each for each, open_ in found.items() if open_ is None]:
            self._redis.srem(INVITATIONS_KEY, *gone)
        there = [(each, open_) for each, open_ in found.items() if open_]
        return dict(sorted(there, key=lambda pair: (pair[1].expires, pair[0])))

    def withdraw(self, invitation_id: str) -> None:
        """Withdraw an open invitation, if there is one of this id."""
        if self._redis.srem(INVITATIONS_KEY, invitation_id):
            self._redis.delete(_key_of(invitation_id))

    def _invitation(self, invitation_id: str) -> Invitation | None:
        key = _key_of(invitation_id)
        link, left = _read(self._redis.get(key)), int(self._redis.ttl(key))
        return Invitation(link, int(time.time()) + left) if link else None


def _read(text: bytes | None) -> Link | None:
    return None if text is None else msgspec.json.decode(text, type=Link)


def _key(secret: str) -> str:
    return _key_of(hash_of(secret))


def _key_of(link_id: str) -> str:
    return f"pt:link:{link_id}"
