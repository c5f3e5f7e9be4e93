"""Who asks: the token of a request, and the answers to requests that are refused.

Authorization: Bearer TOKEN → the address has few wrong guesses → the token
"""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from redis import RedisError

from page_tracker.hits.client_address import ClientAddress, Proxies
from page_tracker.sites.token import Scope, Token, allows
from page_tracker.store.tokens import Tokens
from page_tracker.web.guesses import Guesses


class Refused(Exception):
    """A refused request: the answer's status, reason and headers."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status = status
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


class Guard:
    """Admits requests by their tokens; `address` returns where a request comes from."""

    def __init__(
        self,
        tokens: Callable[[], Tokens],
        guesses: Guesses,
        address: Callable[[], str],
    ) -> None:
        self._tokens = tokens
        self._guesses = guesses
        self._address = address

    def token(self) -> Token:
        """The request's token. Raises Refused, RedisError."""
        text = _shown()
        if not text:
            raise Refused(
                401,
                "show a token in a header: Authorization: Bearer TOKEN",
                WWW_Authenticate="Bearer",
            )
        token = self._tokens().check(text)
        wait = self._wait_after(token)
        if wait:
            raise Refused(
                429,
                "too many wrong tokens came from your address; wait a minute",
                Retry_After=str(wait),
            )
        if token is None:
            raise Refused(
                401,
                "this token is unknown, has expired or was revoked",
                WWW_Authenticate='Bearer error="invalid_token"',
            )
        return token

    def _wait_after(self, token: Token | None) -> int:
        """Seconds to wait after too many wrong tokens, possibly including this one."""
        if token is None:
            return self._guesses.note(self._address())
        try:
            return self._guesses.wait(self._address())
        except RedisError:  # a correct token is accepted without Redis too
            return 0

    def admit(self, scope: Scope, site: str | None) -> Token:
        """The request's token, if it may do this for a site, or (None) for all.

        Raises Refused, RedisError.
        """
        token = self.token()
        if not allows(token, scope, site):
            raise forbidden(token)
        return token


def _shown() -> str:
    """The token that the request shows; for looking only, as a password too.

    Browsers remember passwords and send them with other sites' forms.
    """
    try:
        shown = request.authorization
    except ValueError:  # werkzeug's, at Basic with what is not ASCII
        return ""
    if shown is None:
        return ""
    if shown.type == "basic" and request.method in ("GET", "HEAD"):
        return (shown.password or "").strip()
    return (shown.token or "").strip() if shown.type == "bearer" else ""


def seen(proxies: Proxies) -> ClientAddress:
    """The client's address for this request, and why it is this one."""
    headers = request.headers
    return proxies.seen(
        request.remote_addr or "",
        ",".join(headers.getlist("X-Forwarded-For")),
        ",".join(headers.getlist("Forwarded")),
    )


def forbidden(token: Token) -> Refused:
    """The answer to a valid token that does not allow this."""
    where = "all sites" if token.sites is None else ", ".join(token.sites)
    return Refused(
        403, f"this token is not for that: it is for {token.scope} of {where}"
    )
