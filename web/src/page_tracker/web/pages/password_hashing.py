"""Passwords become Argon2id hashes, and are compared with them, one at a time.

Each takes 19 MiB and some 40 ms of a processor (the parameters for Argon2id in OWASP's
cheat sheet on password storage): hits must not wait while somebody guesses. Only a few
can wait for their turn; any more are refused.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MAX_WAITING = 5
_MEMORY = 19 * 1024  # KiB
_TIMES = 2
_LANES = 1

# Of a password that nobody knows, compared if there is no other: it takes as long.
NOBODYS = (
    "$argon2id$v=19$m=19456,t=2,p=1$96Brv6kaa85aqIpPe5oKOQ"
    "$PD13eh1DsEA9eJ9lBxUF+KQobxb64KGRuj1VgzikIlE"
)


class TooManyAtOnce(Exception):
    """More people sign in at this moment than can wait."""


class Hashing:
    """Hashes and checks a process's passwords. Raises TooManyAtOnce."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(_TIMES, _MEMORY, _LANES)
        self._turn = threading.Lock()
        self._room = threading.BoundedSemaphore(MAX_WAITING)

    def hash(self, password: str) -> str:
        """The hash to store for a password."""
        with self._one_at_a_time():
            return self._hasher.hash(password)

    def is_right(self, password: str, hashed: str) -> bool:
        """Whether a hash is this password's; it takes as long if there is none."""
        with self._one_at_a_time():
            try:
                self._hasher.verify(hashed or NOBODYS, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(hashed)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise TooManyAtOnce
        try:
            with self._turn:
                yield
        finally:
            self._room.release()
