"""Sessions as Redis keeps them: by the hashes of what browsers have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from redis import Redis

from page_tracker.people.account import Account
from page_tracker.people.one_time import hash_of, new_secret
from page_tracker.people.session import IDLE, LONGEST, NOTED, Session

# Of one account. Who keeps no cookie begins one with each request.
MOST = 50


class Sessions:
    """All sessions of a store; every method may raise redis.RedisError.

    Times are UTC, in seconds. Expired sessions disappear by themselves.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def begin(
        self, account: Account, client: str, now: int, by_proxy: bool = False
    ) -> str:
        """Begin a session; returns its browser's secret, which is kept nowhere.

        If the account has more than MOST, the one used longest ago ends.
        """
        secret = new_secret()
        session = Session(
            account=account.id,
            stamp=account.stamp,
            client=client,
            by_proxy=by_proxy,
            created=now,
            seen=now,
        )
        self._make_room(account.id)
        # Listed first, so that there is none that cannot be ended.
        self._redis.sadd(_list_key(account.id), hash_of(secret))
        self._redis.expire(_list_key(account.id), LONGEST)
        text = msgspec.json.encode(session)
        self._redis.set(_key(hash_of(secret)), text, ex=IDLE)
        return secret

    def find(self, secret: str, now: int) -> Session | None:
        """The session of a browser; its use is noted now and then."""
        session = self._read(hash_of(secret))
        if session and now - session.seen >= NOTED:
            session = msgspec.structs.replace(session, seen=now)
            # A session that was ended meanwhile stays ended.
            text = msgspec.json.encode(session)
            self._redis.set(_key(hash_of(secret)), text, ex=IDLE, xx=True)
        return session

    def of(self, account_id: str) -> dict[str, Session]:
        """An account's sessions by their ids, the one used last first."""
        ids = [each.decode() for each in self._redis.smembers(_list_key(account_id))]
        found = {each: self._read(each) for each in ids}
        if gone := [each for each, session in found.items() if session is None]:
            self._redis.srem(_list_key(account_id), *gone)
        there = [(each, session) for each, session in found.items() if session]
        return dict(sorted(there, key=lambda pair: -pair[1].seen))

    def end(self, account_id: str, ids: Iterable[str]) -> None:
        """End these of an account's sessions."""
        for each in ids:
            if self._redis.srem(_list_key(account_id), each):
                self._redis.delete(_key(each))

    def end_all(self, account_id: str) -> None:
        """End all of an account's sessions: each process knows it at once."""
        self.end(account_id, list(self.of(account_id)))

    def end_of(self, secret: str) -> None:
        """End the session of a browser, where it has one."""
        if session := self._read(hash_of(secret)):
            self.end(session.account, [hash_of(secret)])

    def _make_room(self, account_id: str) -> None:
        if self._redis.scard(_list_key(account_id)) >= MOST:
            self.end(account_id, list(self.of(account_id))[MOST - 1 :])

    def _read(self, session_id: str) -> Session | None:
        text = self._redis.get(_key(session_id))
        return None if text is None else msgspec.json.decode(text, type=Session)


def _key(session_id: str) -> str:
    return f"pt:session:{session_id}"


def _list_key(account_id: str) -> str:
    """The set of the ids of an account's sessions."""
    return f"pt:sessions:{account_id}"
