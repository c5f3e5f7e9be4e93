"""Recovery codes: each signs its person in once, without the second factor. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

CODES = 10
# Without 0 and o, 1, i and l: they are read from paper. 16 of them are 79 bits.
_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH = 16
_GROUP = 4


def new_codes() -> list[str]:
    """Codes to be written down, like `k3mn-…`: four groups of four."""
    return [_new_code() for _ in range(CODES)]


def hash_of(code: str) -> str:
    """What is stored of a code: nothing slower is needed against guessing 79 bits."""
    return hashlib.sha256(_bare(code).encode()).hexdigest()


def left_after(hashes: Sequence[str], code: str) -> tuple[str, ...] | None:
    """The remaining hashes once a code was used; None if it is none of them."""
    wanted = hash_of(code)
    found = [each for each in hashes if hmac.compare_digest(each, wanted)]
    if not found:
        return None
    return tuple(each for each in hashes if each not in found)


def _new_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def _bare(code: str) -> str:
    return "".join(sign for sign in code.lower() if sign.isalnum())
