"""Which share of a whole a text falls on: the same in every process and version. Pure.

By SHA-256 (FIPS 180-4), whose published test vectors hold for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_BYTES = 4


def share_of(text: str) -> float:
    """Where a text lies from 0 up to 1, evenly: the first 32 bits of its hash."""
    start = sha256(text.encode("utf-8", "surrogatepass")).digest()[:_BYTES]
    return int.from_bytes(start, "big") / (1 << 8 * _BYTES)


def dealt(text: str, parts: Sequence[tuple[str, float]]) -> str:
    """The name of the part of the whole that a text falls on.

    `parts` are names and their shares, in any unit, of which some are above 0.

    >>> dealt("abc", [("a", 70), ("b", 30)])  # at 0.728
    'b'
    """
    left = share_of(text) * sum(share for _, share in parts)
    for name, share in parts:
        left -= share
        if left < 0:
            return name
    return parts[-1][0]
