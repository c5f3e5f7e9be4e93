"""An event, as it waits to be sent, and as the server reads it. Pure.

The format is that of Plausible's events API, with an id: an event that is sent again
within an hour counts once (docs/reference/collecting.md of Page Tracker).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from secrets import token_hex
from typing import NamedTuple

# Characters; the server keeps no more of them, and the queue has to stay small.
MAX_URL = 4_000
MAX_TEXT = 2_000
MAX_HEADER = 512

PAGE_VIEW = "pageview"

Props = Mapping[str, str | int | float | bool]


class Revenue(NamedTuple):
    """An amount of money, and its currency's ISO 4217 code, like EUR."""

    amount: Decimal | int | float | str
    currency: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who views a page; the server stores neither the address nor the user agent.

    `address` may be a list as in X-Forwarded-For, the nearest proxy last; `more` are
    other headers of the visitor's request that the server reads.
    """

    address: str
    user_agent: str
    languages: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """The headers in which the server finds the visitor; without empty ones."""
        named = [
            ("User-Agent", self.user_agent[:MAX_HEADER]),
            ("X-Forwarded-For", self.address[-MAX_HEADER:]),
            ("Accept-Language", self.languages[:MAX_HEADER]),
        ]
        if self.more:
            named += [(name, value[:MAX_HEADER]) for name, value in self.more]
        return [(name, value) for name, value in named if value]


@dataclass(frozen=True, slots=True)
class Event:
    """A page view, or an event with another name, with its own id."""

    id: str
    name: str
    url: str
    headers: list[tuple[str, str]]
    referrer: str = ""
    title: str = ""
    props: Props | None = None
    revenue: Revenue | None = None
    interactive: bool = True


def event_of(
    name: str,
    url: str,
    visitor: Visitor,
    *,
    referrer: str = "",
    title: str = "",
    props: Props | None = None,
    revenue: Revenue | None = None,
    interactive: bool = True,
) -> Event:
    """A new event; values longer than the server keeps are cut."""
    return Event(
        token_hex(16),
        name,
        url[:MAX_URL],
        visitor.headers(),
        referrer[:MAX_TEXT],
        title[:MAX_TEXT],
        dict(props) if props else None,
        revenue,
        interactive,
    )


def body_of(event: Event, site: str) -> bytes:
    """The event as JSON; raises TypeError or ValueError if it cannot be written.

    Values without a form in JSON, such as a Decimal, are written as text.
    """
    said: dict[str, object] = {
        "n": event.name,
        "u": event.url,
        "d": site,
        "id": event.id,
    }
    if event.referrer:
        said["r"] = event.referrer
    if event.title:
        said["t"] = event.title
    if event.props:
        said["p"] = event.props
    if event.revenue:
        said["$"] = event.revenue._asdict()
    if not event.interactive:
        said["i"] = False
    return json.dumps(said, default=str).encode()
