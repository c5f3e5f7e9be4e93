"""What has arrived for a site since somebody began to wait for its first hit. Pure.

The store counts what was dropped by day, reason and name. The waiting page looks every
few seconds: whatever exceeds the last look's counts has arrived since.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from page_tracker.hits.hit import Reason

MOST = 50  # arrivals that are remembered


class Arrival(msgspec.Struct, frozen=True):
    """Hits of one kind that arrived between two looks; `time` is UTC, seconds."""

    time: int
    reason: str
    name: str
    number: int


class Waiting(msgspec.Struct, frozen=True):
    """What the looks so far have found: `views` as the first one found them."""

    views: int
    since: int
    # Reason and name, as in the store → number.
    counts: dict[str, int] = {}
    arrivals: tuple[Arrival, ...] = ()


def looked(before: Waiting, counts: Mapping[str, int], now: int) -> Waiting:
    """What is known after another look, the latest arrivals first.

    A count lower than before belongs to a new day.
    """
    came = [
        Arrival(now, reason, name, number)
        for key, count in counts.items()
        if (number := _more(before.counts.get(key, 0), count))
        for reason, _, name in [key.partition("\0")]
    ]
    kept = (*sorted(came, key=lambda each: each.name), *before.arrivals)[:MOST]
    return msgspec.structs.replace(before, counts=dict(counts), arrivals=kept)


def _more(before: int, now: int) -> int:
    return now - before if now >= before else now


_SENTENCES = {
    Reason.UNKNOWN_SITE: "for {name}: no such site",
    Reason.OWN_ADDRESS: "from an address that the settings name as your own",
    Reason.BLOCKED_ADDRESS: "from an address that the settings block",
    Reason.PREFETCH: "of a browser that only loaded the page ahead",
    Reason.OPTED_OUT: "of a browser that asks not to be counted",
    Reason.BOT: "of a bot: {name}",
    Reason.REFERRER_SPAM: "that comes from referrer spam: {name}",
    Reason.BLOCKED_PAGE: "of a page that the settings block: {name}",
    Reason.BLOCKED_HOST: "of a page at {name}, which is not among allowed_hostnames",
    Reason.BLOCKED_COUNTRY: "from a country that the settings block: {name}",
    Reason.BLOCKED_SCHEME: "of a page that is neither http nor https: {name}",
    Reason.NO_TOKEN: "that describe their visitor without a valid token: {name}",
    Reason.EXPIRED: "from before what the site keeps: {name}",
    Reason.INVALID: "that cannot be read: {name}",
    Reason.INVALID_REVENUE: "that counts, without its revenue: {name}",
    Reason.NO_VISIT: "of reading time, whose visit is over",
}


def in_words(arrival: Arrival, own_bot: str = "") -> str:
    """An arrival in words; `own_bot` is what the reader's own browser is taken for.

    >>> in_words(Arrival(0, "unknown_site", "www.example.org", 2))
    '2 hits for www.example.org: no such site'
    """
    if own_bot and (arrival.reason, arrival.name) == (Reason.BOT, own_bot):
        return f"{_hits(arrival.number)}: your browser looks like a bot: {own_bot}"
    sentence = _SENTENCES.get(Reason(arrival.reason), arrival.reason)
    name = arrival.name or "(no name)"
    return f"{_hits(arrival.number)} {sentence.replace('{name}', name)}"


def about(unknown: Mapping[str, int], site: str) -> dict[str, int]:
    """Those of the hits for unknown sites that name this one's own hosts.

    >>> about({"unknown_site\\0shop.a.example": 1, "unknown_site\\0b.example": 1},
    ...       "a.example")
    {'unknown_site\\x00shop.a.example': 1}
    """
    return {
        key: number
        for key, number in unknown.items()
        if key.partition("\0")[2].endswith(f".{site}")
    }


def _hits(number: int) -> str:
    return "a hit" if number == 1 else f"{number:,} hits"
