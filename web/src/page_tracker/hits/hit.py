"""The forms of a hit on its way: RawHit → Hit or Drop; a Hit's Record is stored.

Structs that reach the stream are arrays on the wire (`array_like`), in the order
of their fields: append fields at the end only. None can be part of a cycle, so the
garbage collector need not follow them (`gc=False`).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from page_tracker.days import DAY_SECONDS, MICROSECONDS

# Characters of a user agent; no browser's is longer, and the rest is cut.
MAX_USER_AGENT = 1_024
# Microseconds.
_OLDEST = 20 * 365 * DAY_SECONDS * MICROSECONDS


class Hints(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """Client hints (Sec-CH-UA …) that add anything to its being Chromium."""

    # Names and major versions, except those that every Chromium sends.
    brands: tuple[tuple[str, str], ...] = ()
    platform: str = ""
    is_mobile: bool = False


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Who sent a request, as far as the server itself can see."""

    address: str
    user_agent: str
    accept_language: str = ""
    # None if the browser sent none.
    hints: Hints | None = None
    # The program that sends, if a header names it: the host of a Signature-Agent, or a
    # headless browser. Empty for browsers.
    agent: str = ""
    # True if the browser only prefetches or previews the page.
    prefetch: bool = False
    # Global Privacy Control was sent: no site may count this.
    opted_out: bool = False
    # Do Not Track was sent: the site decides.
    do_not_track: bool = False


# The sender of an invalid request: it does not matter.
NOBODY = Sender("", "")


# Milliseconds without a hit after which the next one begins a new visit.
SILENCE = 30 * 60 * 1000


class Kind(IntEnum):
    """What a hit does to its visit."""

    ENGAGEMENT = 0  # keeps an open visit open; nothing else
    VIEW = 1  # a page view
    EVENT = 2  # an event that ends a bounce
    QUIET = 3  # an event that does not


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The place of an address, as far as the data at hand knows."""

    country: str = ""
    region: str = ""
    city: str = ""


class Claim(NamedTuple):
    """What a sender says of its visitor, for holders of a token for events only."""

    # Empty if it shows none.
    token: str = ""
    # What is empty or 0 is as the server itself sees it; an agent that is None is not
    # known, and then that is no sign of a bot.
    address: str = ""
    user_agent: str | None = ""
    # When it happened, in microseconds since 1970, UTC; and how long before that.
    time: int = 0
    ago: int = 0
    # Without a valid token, a hit that is no older (microseconds) counts as what the
    # server itself sees; any other is refused.
    ignored_below: int = 0
    # What tells the visitor apart if address and agent do not.
    session: str = ""
    # Where the visitor is, if the sender knows it.
    place: Place | None = None

    def time_at(self, moment: int) -> int:
        """When it happened; the moment at which it is sent, where that is all we know,
        or where the time said is to come or older than twenty years: a mistake."""
        time = (self.time or moment) - self.ago
        return time if moment - _OLDEST < time <= moment else moment

    def applied_to(self, sender: Sender) -> Sender:
        """The visitor, as far as the claim goes."""
        if self.user_agent != "":
            agent = (self.user_agent or "")[:MAX_USER_AGENT]
            sender = replace(sender, user_agent=agent, hints=None, agent="")
        if self.address or self.session:
            sender = replace(sender, address=self.address)
        return sender


NO_CLAIM = Claim()


class RawHit(msgspec.Struct, frozen=True, gc=False):
    """What a sender sent, in one form for all protocols; only types are checked.

    A call that gives more than fifteen fields by name takes three times as long.
    """

    # Empty if the sender named none: then the page's host decides.
    site: str
    # The full address of the page, with scheme and host; a fragment is a hash route.
    url: str
    # The name does not decide the kind: an event may have any name.
    kind: Kind = Kind.VIEW
    name: str = "pageview"
    referrer: str = ""
    title: str = ""
    props: dict[str, str] = {}
    # Thousandths of a unit of `currency`.
    revenue: int | None = None
    currency: str = ""
    # Width of the screen in CSS pixels; 0 if it was not sent.
    width: int = 0
    language: str = ""
    # Who the visitor is in the site's own words, such as the number of an account.
    user: str = ""
    # Milliseconds and percent; only for engagements.
    engaged: int | None = None
    scroll: int | None = None
    # The sender's own name for this hit; a repeat within an hour does not count again.
    event_id: str = ""
    # Why it is invalid: then it is not a hit. And what was left out of it.
    refused: str = ""
    unread_revenue: str = ""
    # The sender declares itself a bot.
    bot: bool = False
    # An image proxy may fetch for the sender: then a bot's user agent counts too.
    through_proxy: bool = False
    claim: Claim | None = None


class Touch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Taken from the hit that begins a visit, and stored with all its hits: the source,
    and what could otherwise differ from hit to hit (screen, language)."""

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
    """The browser, system and device in a user agent."""

    device: str = ""
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""


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


class Hit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted hit on its way to the ingest script.

    `visitor` is the keyed hash of site, address and user agent; it finds the
    visitor's entry in Redis and goes nowhere else. `group` is the address's: it
    limits how many visitors one has, and does not identify addresses.
    """

    record: Record
    kind: Kind
    visitor: bytes
    event_id: str = ""
    group: str = ""
    # A part of it that does not count, though the hit does.
    less: Drop | None = None


class Reason(StrEnum):
    """Why something that was sent is not a hit."""

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
    # It says who the visitor is, without a token that allows it; it is older than what
    # the site keeps.
    NO_TOKEN = "no_token"  # nosec B105 # no secret
    EXPIRED = "expired"
    # A field that is invalid.
    INVALID = "invalid"
    # Of a hit that counts, but without revenue.
    INVALID_REVENUE = "invalid_revenue"
    # An engagement whose visit is over, or never existed.
    NO_VISIT = "no_visit"


class Drop(NamedTuple):
    """One hit that does not count, and why; counted by day, site, reason and name."""

    day: int
    site: str
    reason: str
    name: str = ""
