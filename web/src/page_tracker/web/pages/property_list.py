"""`/example.org/properties`: which properties the events of these days have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from page_tracker.query.plan import Days
from page_tracker.query.property_keys import PropertyKey
from page_tracker.store.counters import Live
from page_tracker.web.pages.address_filter import Condition
from page_tracker.web.pages.page_answers import Answers
from page_tracker.web.pages.panels import EVENTS
from page_tracker.web.pages.rows import narrowed
from page_tracker.web.pages.site_page import frame
from page_tracker.web.pages.view import View, written


class KeyLine(msgspec.Struct, frozen=True):
    """A property; `values_href` shows its values, `event_href` those of its event."""

    key: PropertyKey
    values_href: str
    event_href: str


def property_page(
    answers: Answers,
    view: View,
    problems: tuple[str, ...],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs; raises as Answers.ask."""
    asked = answers.understand(view, problems)
    days = Days(asked.scope.range.first, asked.scope.range.last)
    plain = asked.view.of_page()
    return {
        **frame(asked, live),
        "rest": "/properties",
        "keys": [_line(plain, key) for key in answers.property_keys(days)],
        "panel": EVENTS.name,
    }


def _line(view: View, key: PropertyKey) -> KeyLine:
    tabs = {**dict(view.tabs), EVENTS.name: f"props:{key.key}"}
    by_key = replace(view, tabs=tuple(tabs.items()))
    of_event = narrowed(by_key, Condition("is", "event:name", (key.event,)))
    return KeyLine(key, written(by_key), written(of_event))
