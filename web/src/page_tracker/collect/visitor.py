"""The visitor of a hit: a keyed hash that means nothing once the day's salt is gone."""

from __future__ import annotations

from hashlib import blake2b

VISITOR_BYTES = 16


def visitor_of(salt: bytes, site: str, address: str, user_agent: str) -> bytes:
    """Hash who sends to a site: 16 bytes, BLAKE2b (RFC 7693) keyed with the salt.

    `salt` is 16 to 64 random bytes. Neither a site's id nor an address holds a NUL, so
    no two triples are hashed as the same text.
    """
    who = f"{site}\0{address}\0{user_agent}".encode("utf-8", "surrogatepass")
    return blake2b(who, digest_size=VISITOR_BYTES, key=salt).digest()
