"""Who sent a request, read from its headers; the same for every protocol."""

from __future__ import annotations

from collections.abc import Mapping

from page_tracker.collect.address import Proxies, Seen
from page_tracker.collect.hit import Sender

# Characters; what is longer is cut, so that no cache can be made to grow.
USER_AGENT_LIMIT = 1_024
LANGUAGES_LIMIT = 256

# Headers by which browsers say that they only prefetch or preview.
_PREFETCH = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
_PREFETCHES = ("prefetch", "prerender", "preview")


def seen_of(headers: Mapping[bytes, bytes], peer: str, proxies: Proxies) -> Seen:
    """The client's address behind the socket's peer, and why this one."""
    return proxies.seen(
        peer,
        headers.get(b"x-forwarded-for", b"").decode("latin-1"),
        headers.get(b"forwarded", b"").decode("latin-1"),
    )


def sender_of(headers: Mapping[bytes, bytes], address: str) -> Sender:
    """Read the headers, whose names are in lower case."""
    return Sender(
        address=address,
        user_agent=headers.get(b"user-agent", b"")[:USER_AGENT_LIMIT].decode("latin-1"),
        accept_language=headers.get(b"accept-language", b"")[:LANGUAGES_LIMIT].decode(
            "latin-1"
        ),
        prefetch=_is_prefetch(headers),
        opted_out=headers.get(b"sec-gpc") == b"1",
        do_not_track=headers.get(b"dnt") == b"1",
    )


def _is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    for name in _PREFETCH:
        if name in headers:
            value = headers[name].decode("latin-1").lower()
            if any(word in value for word in _PREFETCHES):
                return True
    return False
