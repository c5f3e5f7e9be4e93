"""Who sent a request, read from its headers; the same for every protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from page_tracker.hits.client_address import ClientAddress, Proxies
from page_tracker.hits.hit import MAX_USER_AGENT, Hints, Sender

# Characters; longer ones are cut, so that nobody can make a cache grow.
MAX_LANGUAGES = 256
# Bytes of a client hints header, or of a Signature-Agent.
MAX_HINT = 512

_CACHED = 4_096

# Headers by which browsers announce that they only prefetch or preview.
_PREFETCH = (b"sec-purpose", b"purpose", b"x-purpose", b"x-moz")
# All headers that can be a reason to drop a hit; most requests have none of them.
_TELLING = frozenset((*_PREFETCH, b"sec-gpc", b"dnt", b"signature-agent"))
_PREFETCHES = ("prefetch", "prerender", "preview")

# `"Brave";v="142"` in Sec-CH-UA, a list of structured fields (RFC 9651).
_BRAND = re.compile(r'"((?:[^"\\]|\\.){1,64})"\s*;\s*v="?(\d{0,9})')
# What every Chromium sends: itself, and a made-up name such as `Not(A:Brand`.
_GENERIC = re.compile(r"Chromium|Google Chrome|[\W_]*Not[\W_]*A[\W_]*Brand[\W_]*")
_HEADLESS = "HeadlessChrome"
_HOST = re.compile(r"https?://([a-z0-9.-]{1,253})", re.IGNORECASE)
_UNNAMED_AGENT = "(signed agent)"


def seen_of(
    headers: Mapping[bytes, bytes], peer: str, proxies: Proxies
) -> ClientAddress:
    """The client's address behind the socket's peer, and why it is this one."""
    return proxies.seen(
        peer,
        headers.get(b"x-forwarded-for", b"").decode("latin-1"),
        headers.get(b"forwarded", b"").decode("latin-1"),
    )


def sender_of(headers: Mapping[bytes, bytes], address: str) -> Sender:
    """Read the headers, whose names are in lower case."""
    get = headers.get
    user_agent = get(b"user-agent", b"")[:MAX_USER_AGENT].decode("latin-1")
    languages = get(b"accept-language", b"")[:MAX_LANGUAGES].decode("latin-1")
    hints: Hints | None = None
    agent = ""
    if b"sec-ch-ua" in headers:
        hints, agent = _hints_of(
            headers[b"sec-ch-ua"][:MAX_HINT],
            get(b"sec-ch-ua-platform", b"")[:MAX_HINT],
            get(b"sec-ch-ua-mobile") == b"?1",
        )
    if _TELLING.isdisjoint(headers):
        return Sender(address, user_agent, languages, hints, agent)
    return Sender(
        address,
        user_agent,
        languages,
        hints,
        _signer_of(headers) or agent,
        prefetch=_is_prefetch(headers),
        opted_out=get(b"sec-gpc") == b"1",
        do_not_track=get(b"dnt") == b"1",
    )


@lru_cache(_CACHED)
def _hints_of(brands: bytes, platform: bytes, is_mobile: bool) -> tuple[Hints, str]:
    """What client hints add to the user agent, and the headless browser's name."""
    named = [
        (found[1], found[2])
        for found in _BRAND.finditer(brands.decode("latin-1"))
        if not _GENERIC.fullmatch(found[1])
    ]
    agent = _HEADLESS if any(name == _HEADLESS for name, _ in named) else ""
    said = Hints(tuple(named), platform.decode("latin-1").strip(' "'), is_mobile)
    return said, agent


def _signer_of(headers: Mapping[bytes, bytes]) -> str:
    """The host of the `Signature-Agent` (HTTP message signatures for bots), by which a
    program names its operator; empty if there is no such header."""
    signer = headers.get(b"signature-agent")
    if signer is None:
        return ""
    found = _HOST.search(signer[:MAX_HINT].decode("latin-1"))
    return found[1].lower().removeprefix("www.") if found else _UNNAMED_AGENT


def _is_prefetch(headers: Mapping[bytes, bytes]) -> bool:
    for name in _PREFETCH:
        if name in headers:
            value = headers[name].decode("latin-1").lower()
            if any(word in value for word in _PREFETCHES):
                return True
    return False
