"""The parts of a page's address that are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from page_tracker.collect.text import clean
from page_tracker.schema import LIMITS
from page_tracker.site import bare_host

_CACHED = 8_192


class Page(NamedTuple):
    """Where a hit happened; `query` is only looked at for a campaign's tags."""

    hostname: str
    path: str
    query: str


@lru_cache(_CACHED)
def page_of(url: str) -> Page:
    """Take an address apart; a fragment belongs to the path (it is a hash route).

    The path is decoded, begins with a slash whatever the address is, and ends where
    white space begins at its end. What is no address has no host.
    """
    try:
        parts = urlsplit(url)
        hostname = parts.hostname or ""
    except ValueError:
        return Page("", "/", "")
    if ":" not in hostname:  # else it is an address of IPv6, and the rest no port
        hostname = bare_host(hostname)
    path = unquote(parts.path).rstrip()
    if not path.startswith("/"):
        path = f"/{path}"
    if parts.fragment:
        path = f"{path}#{unquote(parts.fragment)}"
    return Page(
        clean(hostname, LIMITS["hostname"]), clean(path, LIMITS["path"]), parts.query
    )
