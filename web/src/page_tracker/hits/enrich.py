"""From what a sender sent to a hit that is stored, or a drop with the reason.

    RawHit, Sender → STEPS, one after the other, each adds to the draft or drops it
                   → Hit | Drop

Pure: the moment, the sites, the salts and the lookups are arguments.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from page_tracker.days import MICROSECONDS
from page_tracker.hits.client_address import Network, network_around, network_of
from page_tracker.hits.context import UNKNOWN_TOKEN, Context
from page_tracker.hits.facts import IMAGE_PROXY, UNKNOWN, Bot
from page_tracker.hits.hit import (
    NO_CLAIM,
    Client,
    Drop,
    Hit,
    Place,
    RawHit,
    Reason,
    Record,
    Sender,
    Touch,
)
from page_tracker.hits.page import page_of
from page_tracker.hits.referrer import host_of
from page_tracker.hits.text import clean
from page_tracker.hits.visitor import group_of, visitor_of
from page_tracker.schema import LIMITS, PROP_KEY_LIMIT, PROP_VALUE_LIMIT, PROPS_LIMIT
from page_tracker.sites.letting_in import bare_bot
from page_tracker.sites.site import Site, day_of, first_kept

_CACHED = 8_192
# Longer ones are cut before they are read, so that nobody can make a cache grow.
_MAX_REFERRER = LIMITS["referrer"]
_MAX_SITE = LIMITS["site"]
_MAX_NAME = LIMITS["name"]
_MAX_USER = 256  # characters of what a site calls its user

# Classes of screens by their width in CSS pixels.
SCREENS = ((576, "Mobile"), (992, "Tablet"), (1440, "Laptop"))
WIDEST_SCREEN = "Desktop"

# A sender may give only a page's path.
_OF_THE_WEB = frozenset(("http", "https", ""))

# The name of a bot that is on no list, but declares itself one.
SELF_DECLARED = "(says so itself)"

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")


class UnknownSaltError(LookupError):
    """The salt of a site's day is not at hand: get it, then enrich the hit again."""

    def __init__(self, site: Site, day: int) -> None:
        super().__init__(site.id, day)
        self.site = site
        self.day = day


class Draft:
    """A hit on its way through the steps: what they have found so far."""

    __slots__ = (
        "raw",
        "sender",
        "moment",
        "claim",
        "referrer",
        "page",
        "site",
        "day",
        "touch",
        "client",
        "place",
        "visitor",
        "group",
    )

    site: Site
    day: int
    touch: Touch
    client: Client
    place: Place
    visitor: bytes
    group: str

    def __init__(self, raw: RawHit, sender: Sender, moment: int) -> None:
        self.raw = raw
        self.sender = sender
        self.moment = moment
        self.claim = NO_CLAIM  # what is believed
        self.referrer = raw.referrer[:_MAX_REFERRER]
        self.page = page_of(raw.url)

    def drop(self, reason: Reason, name: str = "") -> Drop:
        return Drop(self.day, self.site.id, reason, clean(name, _MAX_NAME))


def enrich(raw: RawHit, sender: Sender, moment: int, context: Context) -> Hit | Drop:
    """Make a hit of what a sender sent at a moment (microseconds), or a drop.

    Raises UnknownSaltError if the salt of the site's day is missing in `context`.
    """
    draft = Draft(raw, sender, moment)
    for step in STEPS:
        drop = step(draft, context)
        if drop is not None:
            return drop
    return hit_of(draft)


def find_site(draft: Draft, context: Context) -> Drop | None:
    """The site that was named, else the page's, else the only one there can be."""
    site = context.site_of(draft.raw, draft.page.hostname, draft.moment)
    if site is None:
        named = draft.raw.site[:_MAX_SITE] or draft.page.hostname
        draft.site = unknown = Site(id=clean(named, _MAX_SITE))
        draft.day = day_of(unknown, draft.moment)
        claim = None if named else draft.raw.claim
        if claim and context.doubt(claim, unknown, draft.moment) == UNKNOWN_TOKEN:
            return draft.drop(Reason.NO_TOKEN, UNKNOWN_TOKEN)
        return draft.drop(Reason.UNKNOWN_SITE)
    draft.site = site
    draft.day = day_of(site, draft.moment)
    return None


def hear_claim(draft: Draft, context: Context) -> Drop | None:
    """The visitor's address and agent and the time, if a token allows to say so."""
    claim = draft.raw.claim
    if claim is None:
        return None
    moment = claim.time_at(draft.moment)
    if doubt := context.doubt(claim, draft.site, draft.moment):
        is_ignored = draft.moment - moment < claim.ignored_below
        return None if is_ignored else draft.drop(Reason.NO_TOKEN, doubt)
    day = day_of(draft.site, moment)
    if any(
        day < first
        for _, first in first_kept([draft.site], draft.moment / MICROSECONDS)
    ):
        return draft.drop(Reason.EXPIRED, f"{draft.site.retention_days} days")
    draft.moment, draft.day, draft.claim = moment, day, claim
    draft.sender = claim.applied_to(draft.sender)
    return None


def refuse_invalid(draft: Draft, _context: Context) -> Drop | None:
    """Drop hits with an invalid field; the drop names field and fault."""
    refused = draft.raw.refused
    return draft.drop(Reason.INVALID, refused) if refused else None


def refuse_addresses(draft: Draft, _context: Context) -> Drop | None:
    """Drop the owner's own addresses and blocked ones; the drop names the network."""
    site, address = draft.site, draft.sender.address
    if site.own_addresses:
        own = network_around(_networks(site.own_addresses), address)
        if own is not None:
            return draft.drop(Reason.OWN_ADDRESS, str(own))
    if site.blocked_addresses:
        blocked = network_around(_networks(site.blocked_addresses), address)
        if blocked is not None:
            return draft.drop(Reason.BLOCKED_ADDRESS, str(blocked))
    return None


def refuse_prefetch(draft: Draft, _context: Context) -> Drop | None:
    """Drop requests by which a browser only guesses where its user goes next."""
    return draft.drop(Reason.PREFETCH) if draft.sender.prefetch else None


def respect_opt_out(draft: Draft, _context: Context) -> Drop | None:
    """Respect Global Privacy Control always, Do Not Track if the site is set so."""
    sender = draft.sender
    if sender.opted_out:
        return draft.drop(Reason.OPTED_OUT, "Global Privacy Control")
    if sender.do_not_track and draft.site.respect_dnt:
        return draft.drop(Reason.OPTED_OUT, "Do Not Track")
    return None


def refuse_bots(draft: Draft, context: Context) -> Drop | None:
    """Drop bots, by their user agents or by another header that names them, except
    those that the site counts; where badges are shown, image proxies are people."""
    is_known = draft.claim.user_agent is not None
    bot = context.lookups.bot_of(draft.sender.user_agent) if is_known else None
    if draft.sender.agent and bot in (None, UNKNOWN):
        bot = _named_bot(draft.sender.agent, context)
    if bot is not None:
        is_shown = bot.kind == IMAGE_PROXY and draft.raw.through_proxy
        if is_shown or bare_bot(bot.name) in draft.site.counted_bots:
            return None
        return draft.drop(Reason.BOT, bot.label)
    if draft.raw.bot and SELF_DECLARED not in draft.site.counted_bots:
        return draft.drop(Reason.BOT, SELF_DECLARED)
    return None


def _named_bot(agent: str, context: Context) -> Bot:
    """A bot that a header names besides its user agent, with its kind if known."""
    bot = context.lookups.bot_of(agent)
    return Bot(agent, "other") if bot in (None, UNKNOWN) else bot


def refuse_referrer_spam(draft: Draft, context: Context) -> Drop | None:
    """Drop hosts known for false referrers, except those that the site counts."""
    if draft.referrer:
        host = host_of(draft.referrer)
        if host and context.lookups.is_spam(host):
            if host not in draft.site.counted_referrers:
                return draft.drop(Reason.REFERRER_SPAM, host)
    return None


def refuse_pages(draft: Draft, _context: Context) -> Drop | None:
    """Drop what is not a page on the web, hosts that are not allowed, and blocked
    pages, according to the site's settings."""
    site, page = draft.site, draft.page
    if page.scheme not in _OF_THE_WEB and page.scheme not in site.page_schemes:
        return draft.drop(Reason.BLOCKED_SCHEME, page.scheme)
    if site.allowed_hostnames and page.hostname not in site.allowed_hostnames:
        return draft.drop(Reason.BLOCKED_HOST, page.hostname)
    if site.blocked_pages:
        for pattern in site.blocked_pages:
            if _pattern(pattern).match(page.path):
                return draft.drop(Reason.BLOCKED_PAGE, pattern)
    return None


def find_place(draft: Draft, context: Context) -> Drop | None:
    """Country, region and city; whole countries may be blocked."""
    place = draft.claim.place or context.lookups.place_of(draft.sender.address)
    draft.place = place
    if place.country and place.country in draft.site.blocked_countries:
        return draft.drop(Reason.BLOCKED_COUNTRY, place.country)
    return None


def find_touch(draft: Draft, context: Context) -> None:
    """Source, channel and campaign, screen and language."""
    site, page = draft.site, draft.page
    draft.touch = _touch_of(
        context.lookups.touch_of,
        draft.referrer,
        page.query,
        (page.hostname, site.id, *site.hostnames),
        draft.raw.width,
        draft.raw.language or draft.sender.accept_language,
    )


def find_client(draft: Draft, context: Context) -> None:
    """Device, browser and system."""
    user_agent, hints = draft.sender.user_agent, draft.sender.hints
    if hints is None:
        draft.client = context.lookups.client_of(user_agent)
    else:
        draft.client = context.lookups.hinted_client_of(user_agent, hints)


def find_visitor(draft: Draft, context: Context) -> None:
    """The keyed hash of the sender or the user, with the salt of the site's day."""
    site, sender = draft.site, draft.sender
    try:
        salt = context.salts[site.id, draft.day]
    except KeyError:
        raise UnknownSaltError(site, draft.day) from None
    if session := draft.claim.session:
        draft.visitor, draft.group = visitor_of(salt, site.id, "", session), ""
        return
    who = sender.address, sender.user_agent
    if draft.raw.user and site.user_ids:
        who = "user", draft.raw.user[:_MAX_USER]  # which is no address
    draft.visitor = visitor_of(salt, site.id, *who)
    draft.group = group_of(salt, site.id, sender.address)


STEPS: tuple[Callable[[Draft, Context], Drop | None], ...] = (
    find_site,
    hear_claim,
    refuse_invalid,
    refuse_addresses,
    refuse_prefetch,
    respect_opt_out,
    refuse_bots,
    refuse_referrer_spam,
    refuse_pages,
    find_place,
    find_touch,
    find_client,
    find_visitor,
)


def screen_of(width: int) -> str:
    """The class of a screen by its width in CSS pixels; empty if it is unknown."""
    if width <= 0:
        return ""
    return next((name for limit, name in SCREENS if width < limit), WIDEST_SCREEN)


def language_of(accept_language: str) -> str:
    """The first language requested, written as BCP 47 (RFC 5646) recommends.

    >>> language_of("en-gb,en;q=0.9"), language_of("zh-hant-tw"), language_of("*")
    ('en-GB', 'zh-Hant-TW', '')
    """
    first = accept_language.partition(",")[0].partition(";")[0].strip()
    if not _LANGUAGE.fullmatch(first):
        return ""
    language, *parts = first.split("-")
    written = (
        (
            part.upper()
            if len(part) == 2
            else part.title() if len(part) == 4 and part.isalpha() else part.lower()
        )
        for part in parts
    )
    return "-".join((language.lower(), *written))[: LIMITS["language"]]


def hit_of(draft: Draft) -> Hit:
    """What a draft is once it has been through all steps."""
    raw = draft.raw
    record = Record(
        time=draft.moment,
        day=draft.day,
        site=draft.site.id,
        name=clean(raw.name, _MAX_NAME),
        hostname=draft.page.hostname or draft.site.id,
        path=draft.page.path,
        title=clean(raw.title, LIMITS["title"]) if raw.title else "",
        touch=draft.touch,
        client=draft.client,
        place=draft.place,
        props=_props_of(raw.props) if raw.props else {},
        engaged=raw.engaged,
        scroll=raw.scroll,
        revenue=raw.revenue,
        currency=raw.currency,
    )
    less = None
    if raw.unread_revenue:
        less = draft.drop(Reason.INVALID_REVENUE, raw.unread_revenue)
    return Hit(record, raw.kind, draft.visitor, raw.event_id, draft.group, less)


def _props_of(props: Mapping[str, str]) -> dict[str, str]:
    cleaned = {
        clean(key, PROP_KEY_LIMIT): clean(value, PROP_VALUE_LIMIT)
        for key, value in props.items()
    }
    return dict(list(cleaned.items())[:PROPS_LIMIT])


@lru_cache(_CACHED)
def _touch_of(
    touch_of: Callable[[str, str, tuple[str, ...]], Touch],
    referrer: str,
    query: str,
    own_hosts: tuple[str, ...],
    width: int,
    languages: str,
) -> Touch:
    touch = touch_of(referrer, query, own_hosts)
    return Touch(
        referrer=clean(touch.referrer, _MAX_REFERRER),
        source=clean(touch.source, LIMITS["source"]),
        channel=touch.channel,
        utm_source=clean(touch.utm_source, LIMITS["utm_source"]),
        utm_medium=clean(touch.utm_medium, LIMITS["utm_medium"]),
        utm_campaign=clean(touch.utm_campaign, LIMITS["utm_campaign"]),
        utm_content=clean(touch.utm_content, LIMITS["utm_content"]),
        utm_term=clean(touch.utm_term, LIMITS["utm_term"]),
        screen=screen_of(width),
        language=language_of(languages),
    )


@lru_cache(_CACHED)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network_of(text) for text in texts)


@lru_cache(_CACHED)
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` as in a shell, and nothing else; no pattern can be made to take long."""
    plain = glob.replace("[", "[[]").replace("?", "[?]")
    return re.compile(fnmatch.translate(plain))
