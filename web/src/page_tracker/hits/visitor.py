"""The visitor of a hit: a keyed hash, meaningless once the day's salt is gone."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from page_tracker.hits.client_address import subscriber_of

VISITOR_BYTES = 16
# Of addresses; more would reveal more of an address, and cost a site more memory.
GROUPS = 4096
_CACHED = 8_192


def visitor_of(salt: bytes, site: str, address: str, user_agent: str) -> bytes:
    """Hash a site's visitor: 16 bytes, BLAKE2b (RFC 7693) keyed with the salt.

    `salt` is 16 to 64 random bytes. Neither a site's id nor an address contains a NUL,
    so no two triples are hashed as the same text.
    """
    who = f"{site}\0{address}\0{user_agent}".encode("utf-8", "surrogatepass")
    return blake2b(who, digest_size=VISITOR_BYTES, key=salt).digest()


@lru_cache(_CACHED)
def group_of(salt: bytes, site: str, address: str) -> str:
    """Which of `GROUPS` groups of a site's addresses one is in: a number from 0.

    Keyed with the salt, so that nobody can choose their group.
    """
    who = f"{site}\0{subscriber_of(address)}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(blake2b(who, digest_size=2, key=salt).digest(), "little")
    return str(number % GROUPS)
