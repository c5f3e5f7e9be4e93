"""What did not count, in words: reasons, and which bots, hosts … it was. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from page_tracker.hits.hit import Reason
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.sites.letting_in import counts_now
from page_tracker.sites.site import Site

# How many names are listed for each reason.
MOST_NAMES = 12
OTHER_BOTS = "Other bots"
WORDS: dict[str, str] = {
    Reason.BOT: OTHER_BOTS,
    Reason.OWN_ADDRESS: "Your own addresses",
    Reason.BLOCKED_ADDRESS: "Blocked addresses",
    Reason.BLOCKED_COUNTRY: "Blocked countries",
    Reason.BLOCKED_PAGE: "Blocked pages",
    Reason.BLOCKED_HOST: "Pages on other hosts",
    Reason.BLOCKED_SCHEME: "Pages that are not of the web",
    Reason.REFERRER_SPAM: "Referrer spam",
    Reason.PREFETCH: "Loaded ahead, and not looked at",
    Reason.OPTED_OUT: "Asked not to be counted",
    Reason.NO_TOKEN: "Sent for others without a token",
    Reason.EXPIRED: "Older than the site keeps",
    Reason.INVALID: "Could not be read",
    Reason.INVALID_REVENUE: "Counted without revenue, which could not be read",
    Reason.NO_VISIT: "Reading of a visit that was over",
    Reason.UNKNOWN_SITE: "Unknown sites",
} | {
    "static_file": "Static files of a log",
    "error": "Errors in a log",
    "redirect": "Redirects in a log",
    "method": "Other requests than GET in a log",
    "other_host": "Other hosts in a log",
    "malformed": "Lines of a log that could not be read",
}


# The label of the button that lets hits in, for each reason that can be let in.
BUTTONS: dict[str, str] = {
    Reason.BOT: "Count from now on",
    Reason.REFERRER_SPAM: "Count from now on",
    Reason.UNKNOWN_SITE: "Add as host",
    Reason.OWN_ADDRESS: "Count from now on",
    Reason.BLOCKED_ADDRESS: "Unblock",
    Reason.BLOCKED_COUNTRY: "Unblock",
    Reason.BLOCKED_PAGE: "Unblock",
    Reason.BLOCKED_HOST: "Allow",
    Reason.BLOCKED_SCHEME: "Count from now on",
}


class Name(msgspec.Struct, frozen=True):
    """Hits that did not count under one name: how many, and whether they would now.

    `button` is the label of the button that lets them in; '' if nothing does.
    """

    reason: str
    name: str
    number: int
    button: str
    counts_now: bool


class Left(msgspec.Struct, frozen=True):
    """Hits that did not count for one reason: their number, their percentage of all of
    these, and by name. `more` is how many names are not listed."""

    title: str
    number: int
    share: int
    names: list[Name]
    more: int


class AllLeft(msgspec.Struct, frozen=True):
    """All that did not count for a site; and for unknown ones, which may mean this."""

    number: int
    reasons: list[Left]
    unknown: Left | None


def all_left(
    found: Iterable[DroppedHits], unknown: Iterable[DroppedHits], site: Site
) -> AllLeft:
    """By reason, and bots by kind, most frequent first."""
    by_title: dict[str, list[DroppedHits]] = defaultdict(list)
    for each in found:
        title, name = _titled(each)
        by_title[title].append(replace(each, name=name))
    number = sum(each.number for them in by_title.values() for each in them)
    reasons = [_left(title, them, number, site) for title, them in by_title.items()]
    named = list(unknown)
    return AllLeft(
        number,
        sorted(reasons, key=lambda left: (-left.number, left.title)),
        _left(WORDS[Reason.UNKNOWN_SITE], named, 0, site) if named else None,
    )


def _titled(each: DroppedHits) -> tuple[str, str]:
    """The title under which a drop is listed, and its name there."""
    kind, colon, name = each.name.partition(": ")
    if each.reason == Reason.BOT and colon:
        return kind[:1].upper() + kind[1:], name
    return WORDS.get(each.reason, each.reason.replace("_", " ").capitalize()), each.name


def _left(title: str, found: list[DroppedHits], of: int, site: Site) -> Left:
    number = sum(each.number for each in found)
    ordered = sorted(found, key=lambda each: (-each.number, each.name))
    told = [_named(each, site) for each in ordered if each.name]
    return Left(
        title=title,
        number=number,
        share=round(100 * number / of) if of else 0,
        names=told[:MOST_NAMES],
        more=max(0, len(told) - MOST_NAMES),
    )


def _named(each: DroppedHits, site: Site) -> Name:
    button = BUTTONS.get(each.reason, "")
    return Name(
        reason=each.reason,
        name=each.name,
        number=each.number,
        button=button,
        counts_now=bool(button) and counts_now(site, each.reason, each.name),
    )
