"""A request to the application: what is needed to count it. Pure.

One form for each interface by which a server calls an application; headers are looked
up on demand, several at once, as most requests are not page views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any, Protocol
from urllib.parse import quote

from page_tracker_client.event import Visitor

# Headers in which browsers give more about themselves and their wishes.
_MORE = (
    *("Sec-CH-UA", "Sec-CH-UA-Platform", "Sec-CH-UA-Mobile"),
    *("Sec-GPC", "DNT", "Signature-Agent"),
)
_OF_VISITOR = (
    *("User-Agent", "Accept-Language", "X-Forwarded-For", "Forwarded"),
    *_MORE,
)
# What a path may contain unquoted (RFC 3986, 3.3).
_SAFE = "/:@!$&'()*+,;=~"


class Request(Protocol):
    """A request."""

    @property
    def method(self) -> str:
        """Its method, in capitals."""

    @property
    def path(self) -> str:
        """The path, decoded, from the server's root."""

    @property
    def peer(self) -> str:
        """The address at the other end, as the application sees it; may be empty."""

    @property
    def scheme(self) -> str:
        """http or https."""

    @property
    def query(self) -> str:
        """The part after the question mark, as it was sent."""

    @property
    def host(self) -> str:
        """The host that was requested, with its port if it is not the default."""

    def headers(self, names: tuple[str, ...]) -> list[str]:
        """Headers' texts; empty for those that were not sent."""


class WsgiRequest:
    """A WSGI request (PEP 3333), whose texts hold bytes as Latin-1."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    @property
    def method(self) -> str:
        return str(self._environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        script, path = self._text("SCRIPT_NAME"), self._text("PATH_INFO")
        return (script + path).encode("latin-1", "replace").decode("utf-8", "replace")

    @property
    def peer(self) -> str:
        return self._text("REMOTE_ADDR")

    @property
    def scheme(self) -> str:
        return self._text("wsgi.url_scheme") or "http"

    @property
    def query(self) -> str:
        return self._text("QUERY_STRING")

    @property
    def host(self) -> str:
        named = f"{self._text('SERVER_NAME')}:{self._text('SERVER_PORT')}"
        return self._text("HTTP_HOST") or named

    def headers(self, names: tuple[str, ...]) -> list[str]:
        get = self._environ.get
        return [get(variable) or "" for variable in _variables_of(names)]

    def _text(self, key: str) -> str:
        return self._environ.get(key) or ""


class AsgiRequest:
    """An ASGI 3 request (https://asgi.readthedocs.io)."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope

    @property
    def method(self) -> str:
        return str(self._scope["method"])

    @property
    def path(self) -> str:
        root, path = self._scope.get("root_path") or "", str(self._scope["path"])
        return path if path.startswith(root) else root + path

    @property
    def peer(self) -> str:
        client = self._scope.get("client")
        return client[0] if client else ""

    @property
    def scheme(self) -> str:
        return self._scope.get("scheme") or "http"

    @property
    def query(self) -> str:
        sent: bytes = self._scope.get("query_string") or b""
        return sent.decode("latin-1")

    @property
    def host(self) -> str:
        return self._headers.get("host", "")

    def headers(self, names: tuple[str, ...]) -> list[str]:
        return [self._headers.get(name.lower(), "") for name in names]

    @cached_property
    def _headers(self) -> dict[str, str]:
        """Several with one name are joined, as WSGI servers do."""
        headers: dict[str, str] = {}
        sent: Iterable[tuple[bytes, bytes]] = self._scope["headers"]
        for name, value in sent:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        return headers


@cache
def _variables_of(headers: tuple[str, ...]) -> list[str]:
    """The variables in which WSGI has headers."""
    return [f"HTTP_{name.upper().replace('-', '_')}" for name in headers]


def url_of(request: Request) -> str:
    """The page's address, as its visitor requested it."""
    query = request.query
    return "".join(
        (
            f"{request.scheme}://{request.host}",
            quote(request.path, safe=_SAFE),
            f"?{query}" if query else "",
        )
    )


def referrer_of(request: Request) -> str:
    """The page that led to this one; empty if the browser does not send it."""
    [referrer] = request.headers(("Referer",))
    return referrer


def visitor_of(request: Request) -> Visitor:
    """The visitor: all hops on the way here; the server knows which of them to trust.

    The other end's address is added as a proxy adds it, to X-Forwarded-For or, if
    that was not sent, to Forwarded (RFC 7239).
    """
    agent, languages, hops, forwarded, *more = request.headers(_OF_VISITOR)
    peer, others = request.peer, list(zip(_MORE, more)) if any(more) else []
    if forwarded and not hops:
        added = f', for="{peer}"' if peer else ""
        others.append(("Forwarded", forwarded + added))
    elif peer:
        hops = f"{hops}, {peer}" if hops else peer
    return Visitor(hops, agent, languages, tuple(others))
