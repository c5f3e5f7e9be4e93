"""What did not count, in words: reasons, and which bots, hosts … these were. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from page_tracker.hits.hit import Reason
from page_tracker.query.dropped_hits import DroppedHits

# As many names of a reason are told.
MOST_NAMES = 12
OTHER_BOTS = "Other bots"
WORDS = {
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
    "expired": "Older than the site keeps",
}


@dataclass(frozen=True, slots=True)
class Left:
    """Hits that did not count for one reason: how many, in percent of all of these,
    and by name. `more` is how many names are not told."""

    title: str
    number: int
    share: int
    names: list[tuple[str, int]]
    more: int


@dataclass(frozen=True, slots=True)
class AllLeft:
    """All that did not count."""

    number: int
    reasons: list[Left]


def all_left(found: Iterable[DroppedHits]) -> AllLeft:
    """By reasons, and bots by their kinds, the most first."""
    by_title: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in found:
        title, name = _titled(each)
        by_title[title][name] += each.number
    number = sum(sum(names.values()) for names in by_title.values())
    reasons = [_left(title, names, number) for title, names in by_title.items()]
    return AllLeft(number, sorted(reasons, key=lambda left: (-left.number, left.title)))


def _titled(each: DroppedHits) -> tuple[str, str]:
    """The title that a drop stands under, and what it is called there."""
    kind, colon, name = each.name.partition(": ")
    if each.reason == Reason.BOT and colon:
        return kind[:1].upper() + kind[1:], name
    return WORDS.get(each.reason, each.reason.replace("_", " ").capitalize()), each.name


def _left(title: str, names: dict[str, int], of: int) -> Left:
    number = sum(names.values())
    ordered = sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))
    told = [(name, each) for name, each in ordered if name]
    return Left(
        title=title,
        number=number,
        share=round(100 * number / of) if of else 0,
        names=told[:MOST_NAMES],
        more=max(0, len(told) - MOST_NAMES),
    )
