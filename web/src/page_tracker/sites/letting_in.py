"""Letting in what is left out of a site, and leaving it out again. Pure.

What is left out has a reason and a name: `bot`, `GPTBot`. A list among the site's
settings decides whether its hits count. Whoever changes such a list, by whatever means,
makes a decision: `with_decisions` records who it was, and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from page_tracker.errors import SiteError
from page_tracker.schema import LIMITS
from page_tracker.sites.decision import Decision
from page_tracker.sites.site import Site

MOST_DECISIONS = 200  # that a site remembers, the latest ones
COMMAND_LINE = "command line"
# No name under which something is left out is longer.
_LONGEST = LIMITS["name"]


class Way(NamedTuple):
    """The setting that decides whether something counts, and what it is called there.

    `counts`: entries of the list count; otherwise everything else does.
    """

    setting: str
    what: str
    counts: bool


# By the reason for which hits are left out.
WAYS: Mapping[str, Way] = {
    "bot": Way("counted_bots", "bot", True),
    "referrer_spam": Way("counted_referrers", "referrer", True),
    "unknown_site": Way("hostnames", "host", True),
    "blocked_host": Way("allowed_hostnames", "allowed host", True),
    "blocked_scheme": Way("page_schemes", "scheme of pages", True),
    "own_address": Way("own_addresses", "own address", False),
    "blocked_address": Way("blocked_addresses", "address", False),
    "blocked_country": Way("blocked_countries", "country", False),
    "blocked_page": Way("blocked_pages", "page", False),
}
# These apply only if they have entries: the first entry would change more.
_ONLY_WHERE_SET = ("allowed_hostnames",)


def counts_now(site: Site, reason: str, name: str) -> bool:
    """Whether what is left out under this name would count with today's settings."""
    way = WAYS[reason]
    return (name in _names(site, way)) is way.counts


def letting_in(site: Site, reason: str, name: str) -> dict[str, list[str]]:
    """The settings with which it counts from now on. Raises SiteError."""
    return _settings(site, reason, name, is_let_in=True)


def leaving_out(site: Site, reason: str, name: str) -> dict[str, list[str]]:
    """The settings with which it is left out from now on. Raises SiteError."""
    return _settings(site, reason, name, is_let_in=False)


def _settings(
    site: Site, reason: str, name: str, *, is_let_in: bool
) -> dict[str, list[str]]:
    if reason not in WAYS:
        raise SiteError(
            "reason",
            f"{reason[:_LONGEST]!r} is none for which something can be let in",
            f"write {', '.join(WAYS)}",
        )
    if reason == "bot":
        name = bare_bot(name)
    way = WAYS[reason]
    kept: Sequence[str] = getattr(site, way.setting)
    if is_let_in is way.counts:
        return {way.setting: [*kept, name]}
    rest = [each for each in kept if each[:_LONGEST] != name]
    if len(rest) == len(kept):
        raise SiteError(
            way.setting,
            f"{name[:_LONGEST]!r} is not among them",
            f"write one of {', '.join(kept[:9])}" if kept else "there is none",
        )
    if way.setting in _ONLY_WHERE_SET and not rest:
        raise SiteError(
            way.setting, "would be empty, and all hosts count then", "add another first"
        )
    return {way.setting: rest}


def bare_bot(name: str) -> str:
    """A bot's name without its kind, which precedes it among what was left out.

    >>> bare_bot("AI crawler: GPTBot")
    'GPTBot'
    """
    return name.rpartition(": ")[2]


def with_decisions(before: Site, after: Site, by: str, now: int) -> Site:
    """The site as it is after, with what its change lets in and leaves out recorded."""
    made = [
        Decision(reason=reason, name=name, is_let_in=is_let_in, by=by, at=now)
        for reason, way in WAYS.items()
        for name, is_let_in in _differences(before, after, way)
    ]
    if not made:
        return after
    kept = (*before.decisions, *made)[-MOST_DECISIONS:]
    return msgspec.structs.replace(after, decisions=kept)


def let_in_of(site: Site) -> list[Decision]:
    """Who has let in what counts now, the latest first."""
    latest = {(each.reason, each.name): each for each in site.decisions}
    return [
        each
        for each in reversed(latest.values())
        if each.is_let_in and counts_now(site, each.reason, each.name)
    ]


def _differences(before: Site, after: Site, way: Way) -> list[tuple[str, bool]]:
    old, new = _names(before, way), _names(after, way)
    return [(name, way.counts) for name in new if name not in old] + [
        (name, not way.counts) for name in old if name not in new
    ]


def _names(site: Site, way: Way) -> list[str]:
    return [each[:_LONGEST] for each in getattr(site, way.setting)]
