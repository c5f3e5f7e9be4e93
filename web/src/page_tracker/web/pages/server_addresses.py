"""Where this request's browser has reached us, and which address links may have.

A client can write any Host into a request. So links are made of PAGE_TRACKER_URL if
that is set; else of the address that the browser is at, which is shown only to people
who have signed in.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import request

from page_tracker.hits.client_address import Proxies
from page_tracker.web.pages.snippet import is_local

# A name or an address, and a port; anything else is not a host.
_HOST = re.compile(r"(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class ServerAddresses:
    """The addresses of this server, from requests and settings."""

    def __init__(self, url: str | None, proxies: Proxies) -> None:
        self._url = url
        self._proxies = proxies

    def is_host(self) -> bool:
        """Whether the request's Host is a valid one."""
        return bool(_host())

    def is_https(self) -> bool:
        """Whether the browser uses https, even if a proxy terminates it."""
        return self.scheme() == "https"

    def scheme(self) -> str:
        if self._proxies.trusts(request.remote_addr or ""):
            told = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2]
            if told.strip().lower() in _DEFAULT_PORTS:
                return told.strip().lower()
        # The browser's own header, or our configured address.
        for address in (request.headers.get("Origin"), self._url):
            if address and _bare(address) == without_port(address, _host()):
                return urlsplit(address).scheme
        # Browsers send this if they trust the connection: by https, or to localhost.
        if "Sec-Fetch-Site" in request.headers and not is_local(_host()):
            return "https"
        return request.scheme

    def is_behind_unknown_proxy(self) -> bool:
        """Whether requests come through a proxy that the settings do not name."""
        is_told = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        return is_told and not self._proxies.trusts(request.remote_addr or "")

    def browser_is_at(self) -> str:
        """Scheme, host and port that the browser used, without a final slash."""
        return f"{self.scheme()}://{_host()}"

    def link(self, path: str) -> str:
        """A full address for others to open."""
        return (self._url or self.browser_is_at()) + path

    def is_ours(self, origin: str) -> bool:
        """Whether an Origin is our own pages'."""
        mine = {without_port(origin, _host())}
        if self._url:
            mine.add(_bare(self._url))
        return urlsplit(origin).scheme in _DEFAULT_PORTS and _bare(origin) in mine


def without_port(address: str, host: str) -> str:
    """A host without the port that is the default of an address's scheme."""
    return host.removesuffix(_DEFAULT_PORTS.get(urlsplit(address).scheme, ":"))


def _bare(address: str) -> str:
    """Host and port of an address, without a default port."""
    return without_port(address, urlsplit(address).netloc.lower())


def _host() -> str:
    """The request's host and port; empty if the header is invalid."""
    host = request.headers.get("Host", "").lower()
    return host if _HOST.fullmatch(host) else ""
