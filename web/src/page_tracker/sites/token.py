"""A token and what it allows. Pure; no secret is ever stored, only its hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from enum import StrEnum

import msgspec

PREFIX = "pt"
ID_BYTES = 5
SECRET_BYTES = 24
MAX_TEXT = 200


class Scope(StrEnum):
    """What a token is for; an admin's may do what the others may."""

    STATS = "stats"  # read reports
    EVENTS = "events"  # send hits for visitors: with their addresses, agents and times
    ADMIN = "admin"  # change settings and tokens


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token as it is stored; `sites` is None if it is for all of them."""

    id: str
    hash: str
    scope: Scope
    sites: tuple[str, ...] | None
    name: str = ""
    # UTC, seconds; `expires` is None if it never does.
    created: int = 0
    expires: int | None = None


def new_secret() -> tuple[str, str, str]:
    """The id, the whole text to give away, and the hash to store.

    192 random bits: nothing slower than one SHA-256 is needed against guessing.
    """
    token_id = secrets.token_hex(ID_BYTES)
    text = f"{PREFIX}_{token_id}_{secrets.token_hex(SECRET_BYTES)}"
    return token_id, text, hash_of(text)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def id_of(text: str) -> str | None:
    """The id within a token's text; None if it cannot be a token."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not secret or len(text) > MAX_TEXT:
        return None
    return token_id


def is_token(token: Token, text: str, now: float) -> bool:
    """Whether `text` is this token and it has not expired; in constant time."""
    same = hmac.compare_digest(token.hash, hash_of(text))
    return same and (token.expires is None or now < token.expires)


def allows(token: Token, scope: Scope, site: str | None) -> bool:
    """Whether a token allows `scope` for a site, or (None) for all."""
    if token.scope not in (scope, Scope.ADMIN):
        return False
    return token.sites is None or (site is not None and site in token.sites)


def may_give(token: Token, sites: Iterable[str] | None) -> bool:
    """Whether an admin's token may create, see or revoke tokens for these sites."""
    if sites is None:
        return allows(token, Scope.ADMIN, None)
    return all(allows(token, Scope.ADMIN, site) for site in sites)


def without_site(token: Token, site: str) -> Token | None:
    """The token once a site is gone; None if it was for that one only."""
    if token.sites is None or site not in token.sites:
        return token
    sites = tuple(each for each in token.sites if each != site)
    return msgspec.structs.replace(token, sites=sites) if sites else None
