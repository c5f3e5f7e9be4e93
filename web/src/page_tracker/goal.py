"""What a site's owner asks about again and again: goals and segments. Pure.

Both are kept with the site.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What visitors should reach: an event by name, or a page.

    `page` may hold `*` (anything but a slash) and `**` (anything); `props` are pairs of
    a property's key and value that the event must have. `currency` (ISO 4217) makes it
    a goal with revenue.
    """

    name: str
    event: str = ""
    page: str = ""
    props: tuple[tuple[str, str], ...] = ()
    currency: str = ""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Filters under a name; `filters` is the JSON of a question's filters."""

    id: int
    name: str
    filters: tuple[Any, ...]
