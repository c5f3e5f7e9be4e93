"""What a site's owner asks about again and again: goals and segments. Pure.

Both are stored with the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from page_tracker.errors import SiteError, UnknownGoalError
from page_tracker.schema import LIMITS, PROP_KEY_LIMIT, PROP_VALUE_LIMIT, PROPS_LIMIT


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What visitors should reach: an event by name, or a page.

    `page` may contain `*` (anything but a slash) and `**` (anything); `props` are pairs
    of a property's key and value that the event must have. `currency` (ISO 4217) makes
    it a goal with revenue.
    """

    name: str
    event: str = ""
    page: str = ""
    props: tuple[tuple[str, str], ...] = ()
    currency: str = ""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Filters with a name; `filters` is the JSON of a question's filters."""

    id: int
    name: str
    filters: tuple[Any, ...]


MAX_GOALS = 200
MAX_WILDCARDS = 20
MAX_NAME = 120
_KEYS = ("name", "event", "page", "props", "currency")


def new_goal(said: Mapping[str, Any]) -> Goal:
    """A goal from its JSON. Raises SiteError."""
    for key in said:
        if key not in _KEYS:
            raise SiteError(
                str(key)[:MAX_NAME], "is unknown", f"write {', '.join(_KEYS)}"
            )
    event = _text(said.get("event", ""), "event", LIMITS["name"])
    page = _text(said.get("page", ""), "page", LIMITS["path"])
    if bool(event) == bool(page):
        raise SiteError("event", "a goal is an event or a page", "name one of the two")
    if page and page[0] not in "/*":
        raise SiteError("page", f"{page!r} is no path", "begin it with / or *")
    if len(re.findall(r"\*+", page)) > MAX_WILDCARDS:
        raise SiteError(
            "page",
            "has too many wildcards",
            f"write {MAX_WILDCARDS} at most; ** stands for any number of folders",
        )
    currency = _currency(said.get("currency", ""), bool(event))
    name = _text(said.get("name", ""), "name", MAX_NAME)
    name = name or (event or f"Visit {page}")[:MAX_NAME]
    props = _props(said.get("props", {}))
    return Goal(name=name, event=event, page=page, props=props, currency=currency)


def goal_as_json(goal: Goal) -> dict[str, Any]:
    """A goal in the form that `new_goal` accepts."""
    return {**msgspec.structs.asdict(goal), "props": dict(goal.props)}


def described(goal: Goal) -> str:
    """How a goal is reached, for people.

    >>> described(Goal(name="Sale", event="buy", currency="EUR"))
    'event buy, revenue in EUR'
    """
    parts = [f"event {goal.event}" if goal.event else f"page {goal.page}"]
    parts += [f"{key}={value}" for key, value in goal.props]
    if goal.currency:
        parts.append(f"revenue in {goal.currency}")
    return ", ".join(parts)


def props_of(pairs: Iterable[str]) -> dict[str, str]:
    """Properties as people write them, each `KEY=VALUE`. Raises SiteError.

    >>> props_of(["plan=pro"])
    {'plan': 'pro'}
    """
    props = {}
    for text in pairs:
        key, equals, value = text.partition("=")
        if not equals:
            raise SiteError("props", f"{text!r} has no value", "write it like plan=pro")
        props[key] = value
    return props


def with_goal(goals: tuple[Goal, ...], goal: Goal) -> tuple[Goal, ...]:
    """The goals with this one, replacing one with the same name. Raises SiteError."""
    kept = tuple(each for each in goals if each.name != goal.name)
    if len(kept) >= MAX_GOALS:
        raise SiteError("name", f"there are {MAX_GOALS} goals", "remove one first")
    return (*kept, goal)


def without_goal(goals: tuple[Goal, ...], name: str) -> tuple[Goal, ...]:
    """The goals without the one with this name. Raises UnknownGoalError."""
    names = [goal.name for goal in goals]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise UnknownGoalError(
            f"there is no goal {name!r}",
            f"write {near[0]!r}" if near else "page-tracker goal list SITE",
        )
    return tuple(goal for goal in goals if goal.name != name)


def with_segment(
    segments: tuple[Segment, ...], name: Any, filters: Sequence[Any]
) -> tuple[Segment, ...]:
    """The segments with a new one at the end. Raises SiteError.

    Its id is a number that none of them has.
    """
    text = _text(name, "name", MAX_NAME)
    if not text:
        raise SiteError("name", "is missing", "give the segment a name")
    if len(segments) >= MAX_GOALS:
        raise SiteError("name", f"there are {MAX_GOALS} segments", "remove one first")
    number = max((each.id for each in segments), default=0) + 1
    return (*segments, Segment(id=number, name=text, filters=tuple(filters)))


def without_segment(segments: tuple[Segment, ...], number: int) -> tuple[Segment, ...]:
    """The segments without the one with this id. Raises UnknownGoalError."""
    if number not in {each.id for each in segments}:
        raise UnknownGoalError(
            f"there is no segment {number}", "page-tracker segment list SITE"
        )
    return tuple(each for each in segments if each.id != number)


def _currency(value: Any, is_event: bool) -> str:
    text = _text(value, "currency", MAX_NAME).upper()
    if text and not re.fullmatch("[A-Z]{3}", text):
        raise SiteError(
            "currency",
            f"{text!r} is no code of a currency",
            "write its three letters of ISO 4217, like EUR",
        )
    if text and not is_event:
        raise SiteError(
            "currency", "a page has no revenue", "leave it out, or name an event"
        )
    return text


def _text(value: Any, field: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise SiteError(
            field, "is no line of text", f"write one of {longest} characters at most"
        )
    return value.strip()


def _props(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or len(value) > PROPS_LIMIT:
        raise SiteError("props", "are no properties", 'write {"plan": "pro"}')
    return tuple(
        (_text(key, "props", PROP_KEY_LIMIT), _text(each, "props", PROP_VALUE_LIMIT))
        for key, each in value.items()
    )
