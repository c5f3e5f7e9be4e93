"""Tokens are created, checked and revoked here.

What a token may do is decided in `sites/token.py`, how tokens are kept in `registry`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from page_tracker.days import DAY_SECONDS
from page_tracker.errors import AccessError, UnknownTokenError
from page_tracker.sites.token import Scope, Token, id_of, is_token, new_secret
from page_tracker.store.registry import Registry, Watched
from page_tracker.store.sites import found_site

MAX_NAME = 100
MAX_TOKEN_DAYS = 100 * 365


class Tokens:
    """All tokens of a store; calls that reach Redis may raise RedisError."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._watched: Watched[Token, Mapping[str, Token]] = Watched(
            registry, registry.tokens, lambda entries: entries
        )

    def check(self, text: str) -> Token | None:
        """The token that a request has sent; None if it is invalid.

        A token created by another process is known at once, one revoked there is
        refused within a second.
        """
        token_id = id_of(text)
        if token_id is None:
            return None
        token = self._watched.get().get(token_id)
        if token is None:  # it may be new
            token = self._watched.look().get(token_id)
        if token is None or not is_token(token, text, time.time()):
            return None
        return token

    def known(self) -> Mapping[str, Token]:
        """All tokens by id, at most a second old; the last while Redis is away."""
        return self._watched.get()

    def look(self) -> Mapping[str, Token]:
        """All tokens by id as they are now."""
        return self._watched.look()

    def all(self) -> list[Token]:
        """All tokens, oldest first; expired ones too."""
        tokens = self._registry.tokens.read().entries.values()
        return sorted(tokens, key=lambda token: (token.created, token.id))

    def get(self, token_id: str) -> Token:
        """The token of this id. Raises UnknownTokenError."""
        return _found(self._registry.tokens.read().entries, token_id)

    def add(
        self,
        scope: Any,
        sites: Sequence[str] | None,
        name: Any = "",
        days: Any = None,
    ) -> tuple[Token, str]:
        """Create a token for some sites, or (None) for all; valid for this many days.

        Returns it and its text, which is kept nowhere. Raises AccessError,
        UnknownSiteError, MirrorError.
        """
        now = int(time.time())
        token_id, text, digest = new_secret()
        token = Token(
            id=token_id,
            hash=digest,
            scope=_scope(scope),
            sites=self._site_ids(sites),
            name=_name(name),
            created=now,
            expires=_expiry(days, now),
        )
        self._registry.change(
            self._registry.tokens, lambda tokens: {**tokens, token.id: token}
        )
        return token, text

    def remove(self, token_id: str) -> Token:
        """Revoke a token. Raises UnknownTokenError, MirrorError."""
        removed: list[Token] = []

        def decide(tokens: Mapping[str, Token]) -> Mapping[str, Token]:
            removed[:] = [_found(tokens, token_id)]
            return {i: token for i, token in tokens.items() if i != token_id}

        self._registry.change(self._registry.tokens, decide)
        return removed[0]

    def _site_ids(self, domains: Sequence[str] | None) -> tuple[str, ...] | None:
        if domains is None:
            return None
        known = self._registry.sites.read().entries
        ids = tuple(dict.fromkeys(found_site(known, each).id for each in domains))
        if not ids:
            raise AccessError(
                "a token must be for a site", "name one, or say all sites"
            )
        return ids


def token_as_json(token: Token) -> dict[str, Any]:
    """What may be shown of a token: everything except its hash."""
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "sites": None if token.sites is None else list(token.sites),
        "created": token.created,
        "expires": token.expires,
    }


def _found(tokens: Mapping[str, Token], token_id: str) -> Token:
    if token_id not in tokens:
        raise UnknownTokenError(
            f"there is no token {token_id!r}",
            "name one by the id that the list of tokens has",
        )
    return tokens[token_id]


def _scope(value: Any) -> Scope:
    if value not in tuple(Scope):
        remedy = f"write {' or '.join(Scope)}"
        raise AccessError(f"scope {value!r} is none", remedy, "scope")
    return Scope(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_NAME:
        raise AccessError(
            f"name {value!r} cannot be shown in a list",
            f"write one line of at most {MAX_NAME} characters",
            "name",
        )
    return value


def _expiry(days: object, now: int) -> int | None:
    if days is None:
        return None
    if isinstance(days, int) and not isinstance(days, bool):
        if 1 <= days <= MAX_TOKEN_DAYS:
            return now + days * DAY_SECONDS
    raise AccessError(
        f"days {days!r} is no time to live", f"write 1 to {MAX_TOKEN_DAYS}", "days"
    )
