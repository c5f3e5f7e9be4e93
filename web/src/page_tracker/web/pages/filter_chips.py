"""The active filters as chips, and a site's segments as buttons. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from page_tracker.query.catalog import DIMENSIONS, GOAL, GOAL_OPERATORS, OPERATORS
from page_tracker.query.filters import SEGMENT_OPERATORS
from page_tracker.query.typed_filters import short_name
from page_tracker.sites.goal import Segment
from page_tracker.web.pages.address_filter import SEGMENT, Condition, text_of
from page_tracker.web.pages.formatting import label_of, name_of
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.view import View, written

WORDS = {operator: operator.replace("_", " ") for operator in OPERATORS}
# The opposite operator.
OPPOSITE = {
    "is": "is_not",
    "contains": "contains_not",
    "matches": "matches_not",
} | {"is_not": "is", "contains_not": "contains", "matches_not": "matches"}


class Chip(msgspec.Struct, frozen=True):
    """An active filter: its text, and the addresses that remove or invert it.

    `values` are the initial values of its form, `text` is the filter in addresses.
    """

    label: str
    name: str
    operator: str
    said: str
    values: str
    text: str
    off: str
    opposite: str
    operators: dict[str, str]


class Button(msgspec.Struct, frozen=True):
    """A segment: its name, the address that turns it on or off, whether it is on."""

    name: str
    href: str
    is_on: bool


def chips(view: View, segments: Sequence[Segment]) -> list[Chip]:
    """The active filters, in order."""
    return [_chip(view, condition, segments) for condition in view.filters]


def _chip(view: View, condition: Condition, segments: Sequence[Segment]) -> Chip:
    names = {str(segment.id): segment.name for segment in segments}
    dimension = condition.dimension
    told = [
        names.get(value, value) if dimension == SEGMENT else name_of(dimension, value)
        for value in condition.values
    ]
    off = view.of_page().without_filter(condition)
    turned = replace(condition, operator=OPPOSITE[condition.operator])
    operators = operators_of(dimension)
    return Chip(
        label="Segment" if dimension == SEGMENT else label_of(dimension),
        name=short_name(dimension),
        operator=WORDS[condition.operator],
        said=" or ".join(told),
        values="|".join(value.replace("|", "\\|") for value in condition.values),
        text=text_of(condition),
        off=written(off) or "?",
        opposite=(
            written(replaced(view.of_page(), condition, turned))
            if turned.operator in operators
            else ""
        ),
        operators=operators,
    )


def operators_of(dimension: str) -> dict[str, str]:
    """The operators that a dimension accepts: their words by name."""
    if dimension == SEGMENT:
        return {name: WORDS[name] for name in SEGMENT_OPERATORS}
    if dimension == GOAL:
        return {name: WORDS[name] for name in OPERATORS if name in GOAL_OPERATORS}
    return WORDS


def replaced(view: View, old: Condition, new: Condition) -> View:
    """The view with a filter in place of another."""
    kept = [new if each == old else each for each in view.filters]
    return replace(view, filters=tuple(dict.fromkeys(kept)))


def buttons(view: View, segments: Sequence[Segment]) -> list[Button]:
    """A button for each segment."""
    found = []
    for segment in segments:
        condition = Condition("is", SEGMENT, (str(segment.id),))
        is_on = condition in view.filters
        plain = view.of_page()
        other = (
            plain.without_filter(condition) if is_on else plain.with_filter(condition)
        )
        found.append(Button(segment.name, written(other) or "?", is_on))
    return found


def choices() -> dict[str, str]:
    """What a person may filter by: labels by short name, in the panels' order."""
    tabs = [tab.dimension for panel in PANELS.values() for tab in panel.tabs]
    rest = [name for name in DIMENSIONS if name not in tabs]
    hidden = {"visit:country_name", "visit:region_name", "visit:city_name"}
    return {
        short_name(name): label_of(name)
        for name in [*tabs, *rest]
        if name not in hidden
    }
