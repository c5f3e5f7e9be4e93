"""Wrong tokens and passwords of an address or a name, counted by all web processes.

Redis has the times of the last ones, under a hash of the address that is keyed with the
day's salt: no address is ever stored, and nobody can compute the hash again once the
salt is deleted (see store/salts.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from redis import Redis

from page_tracker.days import DAY_SECONDS
from page_tracker.hits.client_address import subscriber_of
from page_tracker.store import keys
from page_tracker.store.salts import Salts, SiteDay
from page_tracker.store.scripts import script

MOST = 10
WITHIN = 60  # seconds


class Guesses:
    """At most `most` of an address (IPv6: a network of 64 bits) in `within` seconds.

    `kind` is what is guessed, and keeps its guesses separate from others. Every method
    raises redis.RedisError where Redis does not answer.
    """

    def __init__(
        self,
        redis: Callable[[], Redis],
        kind: str = "",
        most: int = MOST,
        within: int = WITHIN,
    ) -> None:
        self._redis = redis
        self._kind = kind
        self._bounds = (most, 1000 * within)
        self._salts = Salts()
        self._lock = threading.Lock()

    def wait(self, address: str) -> int:
        """Seconds until an address may guess again; 0 if it may now."""
        return self._ask(_WAIT, address)

    def note(self, address: str) -> int:
        """Note a wrong guess; returns seconds to wait if it is one too many, else 0."""
        return self._ask(_NOTE, address)

    def _ask(self, text: bytes, address: str) -> int:
        run = self._redis().register_script(text)
        milliseconds: Any = run([self._key(address)], self._bounds)
        return -(-int(milliseconds) // 1000)

    def _key(self, address: str) -> str:
        now = int(time.time())
        day = SiteDay("", now // DAY_SECONDS, (now // DAY_SECONDS + 1) * DAY_SECONDS)
        with self._lock:
            salt = self._salts.get(self._redis(), day, now)
        who = subscriber_of(address).encode("utf-8", "surrogateescape")
        digest = blake2b(who, digest_size=16, key=salt).hexdigest()
        return keys.guesses(f"{self._kind}{digest}")


_WAIT = script("guesses_left", "guesses_wait", flag="no-writes")
_NOTE = script("guesses_left", "guesses_note", flag="allow-oom")
