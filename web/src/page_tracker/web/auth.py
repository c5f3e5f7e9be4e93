"""Who asks: the token of a request, and answers to those who may not.

    Authorization: Bearer TOKEN → the address's wrong guesses are few → the token

Wrong guesses are counted by address, in this process's memory only: no address is
ever written down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network

from flask import request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from page_tracker.accounts import Tokens
from page_tracker.collect.address import Proxies, Seen
from page_tracker.token import Scope, Token, allows

WRONG_GUESSES = RateLimitItemPerMinute(10)
IPV6_SUBSCRIBER = 64  # one subscriber has all addresses of such a network


class Refused(Exception):
    """A request that is not let in: the status, why, and headers of the answer."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status = status
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}


class Guard:
    """Lets requests in by their tokens; `address` says who a request comes from."""

    def __init__(
        self, tokens: Callable[[], Tokens], address: Callable[[], str]
    ) -> None:
        self._tokens = tokens
        self._address = address
        self._guesses = MovingWindowRateLimiter(MemoryStorage())

    def token(self) -> Token:
        """The request's token; raises Refused, RedisError."""
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            raise Refused(
                401,
                "show a token in a header: Authorization: Bearer TOKEN",
                WWW_Authenticate="Bearer",
            )
        who = _subscriber(self._address())
        if not self._guesses.test(WRONG_GUESSES, who):
            reset = self._guesses.get_window_stats(WRONG_GUESSES, who).reset_time
            raise Refused(
                429,
                "too many wrong tokens came from your address; wait a minute",
                Retry_After=str(max(1, round(reset - time.time()))),
            )
        token = self._tokens().check(text.strip())
        if token is None:
            self._guesses.hit(WRONG_GUESSES, who)
            raise Refused(
                401,
                "this token is unknown, has expired or was taken back",
                WWW_Authenticate='Bearer error="invalid_token"',
            )
        return token

    def admit(self, scope: Scope, site: str | None) -> Token:
        """The request's token where it may do this with a site, or (None) with all.

        Raises Refused, RedisError.
        """
        token = self.token()
        if not allows(token, scope, site):
            raise forbidden(token)
        return token


def seen(proxies: Proxies) -> Seen:
    """The client's address behind this request's socket, and why this one."""
    headers = request.headers
    return proxies.seen(
        request.remote_addr or "",
        ",".join(headers.getlist("X-Forwarded-For")),
        ",".join(headers.getlist("Forwarded")),
    )


def forbidden(token: Token) -> Refused:
    """The answer to a right token that is not for this."""
    where = "all sites" if token.sites is None else ", ".join(token.sites)
    return Refused(
        403, f"this token is not for that: it is for {token.scope} of {where}"
    )


def _subscriber(address: str) -> str:
    try:
        if ip_address(address).version == 4:
            return address
        network = ip_network(f"{address}/{IPV6_SUBSCRIBER}", strict=False)
        return str(network.network_address)
    except ValueError:
        return address
