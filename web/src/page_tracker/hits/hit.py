"""The forms of a hit on its way: RawHit → Hit or Drop; a Hit's Record is stored.

Structs that reach the stream are arrays on the wire (`array_like`), in the order
of their fields: append fields at the end only. None can be part of a cycle, so the
garbage collector need not follow them (`gc=False`).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec

# Characters of a user agent; no browser's is longer, and what follows is cut.
MAX_USER_AGENT = 1_024


class Hints(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """Client hints (Sec-CH-UA …) that say more than that it is Chromium."""

    # Names and major versions, without those that every Chromium sends.
    brands: tuple[tuple[str, str], ...] = ()
    platform: str = ""
    is_mobile: bool = False


class Sender(NamedTuple):
    """Who sent a request, as far as the server itself can tell."""

    address: str
    user_agent: str
    accept_language: str = ""
    # None where the browser sent none.
    hints: Hints | None = None
    # The program that sends, where a header names it: the host of a Signature-Agent, or
    # a headless browser. Empty for browsers.
    agent: str = ""
    # True where the browser only prefetches or previews the page.
    prefetch: bool = False
    # Global Privacy Control was asked for: no site may count this.
    opted_out: bool = False
    # Do Not Track was asked for: the site decides.
    do_not_track: bool = False


# Whoever sent what cannot be taken: it is no matter.
NOBODY = Sender("", "")


# Milliseconds without a hit after which the next one opens a new visit.
SILENCE = 30 * 60 * 1000


class Kind(IntEnum):
    """What a hit does to its visit."""

    ENGAGEMENT = 0  # keeps an open visit open; nothing else
    VIEW = 1  # a page view
    EVENT = 2  # an event that ends a bounce
    QUIET = 3  # an event that does not


class RawHit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a sender said, in one form for all protocols; only types are checked."""

    # Empty where the sender named none: then the page's host says which.
    site: str
    # What it is; its name does not tell: an event may have any name.
    kind: Kind = Kind.VIEW
    name: str = "pageview"
    # The whole address of the page, with scheme and host; a fragment is a hash route.
    url: str
    referrer: str = ""
    title: str = ""
    props: dict[str, str] = {}
    # Thousandths of a unit of `currency`.
    revenue: int | None = None
    currency: str = ""
    # Width of the screen in CSS pixels; 0 where it was not said.
    width: int = 0
    language: str = ""
    # Milliseconds and percent; engagements only.
    engaged: int | None = None
    scroll: int | None = None
    # The sender's own name for this hit; a repeat within an hour is no second hit.
    event_id: str = ""
    # Why it cannot be taken: then it is none. And what was left out of it.
    refused: str = ""
    unread_revenue: str = ""
    # The sender itself says that it is a bot.
    bot: bool = False
    # An image proxy may ask for the sender: then a bot's user agent counts too.
    through_proxy: bool = False


class Touch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of the hit that opens a visit, kept by all its hits: where it comes from, and
    what could otherwise differ from hit to hit (screen, language)."""

    referrer: str = ""
    source: str = ""
    channel: str = "Direct"
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    screen: str = ""
    language: str = ""


class Client(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a user agent says of browser, system and device."""

    device: str = ""
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an address is, as far as the data at hand knows."""

    country: str = ""
    region: str = ""
    city: str = ""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The columns that a hit brings itself; the ingest script adds the rest."""

    # Microseconds since 1970-01-01 UTC, and days since then in the site's zone.
    time: int
    day: int
    site: str
    name: str
    hostname: str
    path: str
    title: str
    touch: Touch
    client: Client
    place: Place
    props: dict[str, str] = {}
    engaged: int | None = None
    scroll: int | None = None
    revenue: int | None = None
    currency: str = ""


class Hit(NamedTuple):
    """One accepted hit on its way to the ingest script.

    `visitor` is the keyed hash of site, address and user agent; it finds the
    visitor's entry in Redis and goes nowhere else. `group` is that of the address: it
    bounds how many visitors one has, and tells no addresses apart.
    """

    record: Record
    kind: Kind
    visitor: bytes
    event_id: str = ""
    group: str = ""
    # Something of it that does not count, though it does.
    less: Drop | None = None


class Reason(StrEnum):
    """Why something that was sent is no hit."""

    UNKNOWN_SITE = "unknown_site"
    OWN_ADDRESS = "own_address"
    BLOCKED_ADDRESS = "blocked_address"
    PREFETCH = "prefetch"
    OPTED_OUT = "opted_out"
    BOT = "bot"
    REFERRER_SPAM = "referrer_spam"
    BLOCKED_PAGE = "blocked_page"
    BLOCKED_HOST = "blocked_host"
    BLOCKED_COUNTRY = "blocked_country"
    BLOCKED_SCHEME = "blocked_scheme"
    # A field that cannot be taken.
    INVALID = "invalid"
    # Of a hit that counts, without it.
    INVALID_REVENUE = "invalid_revenue"
    # An engagement whose visit is over, or never was.
    NO_VISIT = "no_visit"


class Drop(NamedTuple):
    """One hit that does not count, and why; counted by day, site, reason and name."""

    day: int
    site: str
    reason: str
    name: str = ""
