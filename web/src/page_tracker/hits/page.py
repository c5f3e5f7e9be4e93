"""The parts of a page's address that are stored."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from page_tracker.hits.clicks import CLICK_TAGS
from page_tracker.hits.text import clean
from page_tracker.schema import LIMITS
from page_tracker.sites.site import bare_host

_CACHED = 8_192
# Characters; longer addresses are not cached, so that nobody can make the cache grow.
_SHORT = 2_048
# A character takes twelve at most when it is encoded (UTF-8, %XX).
_PATH_READ = 12 * LIMITS["path"]
_QUERY_KEPT = 4_096
# What is kept of a long query: campaigns, and which advertisement was clicked.
_CAMPAIGN = re.compile(
    rf"(?<![^&?])(?:amp;)?(utm_\w+|source|ref|{'|'.join(CLICK_TAGS)})=[^&]*",
    re.IGNORECASE | re.ASCII,
)


class Page(NamedTuple):
    """Where a hit happened; `query` is only searched for a campaign's tags."""

    hostname: str
    path: str
    query: str
    # In lower case; empty if the address has none.
    scheme: str = ""


def page_of(url: str) -> Page:
    """Split an address; a fragment belongs to the path (it is a hash route).

    The path is decoded, begins with a slash whatever the address is, and trailing
    white space is removed. An invalid address has no host. Of a long address's query
    only the campaign is kept.
    """
    return _remembered(url) if len(url) <= _SHORT else _taken_apart(url)


def _taken_apart(url: str) -> Page:
    try:
        parts = urlsplit(url)
        hostname = (parts.hostname or "")[: LIMITS["hostname"]]
    except ValueError:
        return Page("", "/", "")
    if ":" not in hostname:  # else it is an IPv6 address, and the rest is not a port
        hostname = bare_host(hostname)
    path = unquote(parts.path[:_PATH_READ]).rstrip()
    if not path.startswith("/"):
        path = f"/{path}"
    if parts.fragment:
        path = f"{path}#{unquote(parts.fragment[:_PATH_READ])}"
    query = parts.query
    return Page(
        clean(hostname, LIMITS["hostname"]),
        clean(path, LIMITS["path"]),
        query if len(query) <= _SHORT else _campaign_in(query),
        parts.scheme,
    )


_remembered = lru_cache(_CACHED)(_taken_apart)


def _campaign_in(query: str) -> str:
    """The tags that campaigns are read from, each at its first value; clicks last."""
    found: dict[str, str] = {}
    for tag in _CAMPAIGN.finditer(query):
        found.setdefault(tag[1].lower(), tag[0])
    tags = sorted(found.values(), key=lambda tag: "utm_" not in tag.lower())
    return "&".join(tags)[:_QUERY_KEPT]
