"""Rules for passwords: long, and not easy to guess. Pure.

There are no rules for characters, and passwords never expire: both make people choose
worse ones (NIST SP 800-63B, 3.1.1.2).
"""

from __future__ import annotations

import unicodedata

from page_tracker.errors import AccountError
from page_tracker.people.account import same_name

SHORTEST = 12  # characters
LONGEST = 256
FEWEST_SIGNS = 5  # that are different
# First guesses that are long enough: rows of keys, counting, our name.
_GUESSES = (
    *("123456789012345678901234567890", "abcdefghijklmnopqrstuvwxyz"),
    *("qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv"),
    *("passwordpassword", "password1234567890", "changemechangeme", "letmeinletmein"),
    *("correcthorsebatterystaple", "pagetrackerpagetracker"),
)


def require_password(value: str, name: str) -> str:
    """A password in the form to hash. Raises AccountError, which never shows it.

    `name` is its owner's.
    """
    password = as_hashed(value)
    if len(password) < SHORTEST:
        raise _refused("is too short", f"write at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise _refused("is too long", f"write at most {LONGEST} characters")
    bare = same_name(password).replace(" ", "")
    if len(set(bare)) < FEWEST_SIGNS:
        raise _refused("repeats itself", "write four words that nobody would guess")
    guesses = (*_GUESSES, *(guess[::-1] for guess in _GUESSES), same_name(name) * 8)
    if any(bare in guess for guess in guesses):
        raise _refused(
            "is among the first that are tried",
            "write four words that nobody would guess",
        )
    return password


def as_hashed(value: str) -> str:
    """The same text for the same keys, however a system encodes them.

    >>> as_hashed("e\\u0301") == as_hashed("é")
    True
    """
    return unicodedata.normalize("NFKC", value)


def _refused(problem: str, remedy: str) -> AccountError:
    return AccountError(f"this password {problem}", remedy)
