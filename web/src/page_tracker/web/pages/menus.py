"""Other views to choose: other days, other comparisons, other intervals. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from page_tracker.web.pages import formatting, periods
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.view import COMPARISONS, View, written


class Choice(msgspec.Struct, frozen=True):
    """One option: its label, its address, the key that chooses it ('' for none)."""

    label: str
    href: str
    is_on: bool
    key: str = ""


class Menus(msgspec.Struct, frozen=True):
    """The options, and the current ones: `days` and `compared` are written out."""

    period: str
    days: str
    compared: str
    periods: list[Choice]
    earlier: str
    later: str
    comparisons: list[Choice]
    weekdays: Choice | None
    intervals: list[Choice]
    first: str
    last: str
    turn_compare: str
    next_interval: str


_COMPARISONS = {
    "previous": "the period before",
    "year": "the year before",
    "none": "nothing",
}


def menus_of(asked: Asked) -> Menus:
    """The menus of a page."""
    view, scope = asked.view, asked.scope
    offered = {each.word: each.label for each in periods.OFFERED}
    days = formatting.days(scope.range, asked.today)
    compared = formatting.days(scope.compared, asked.today) if scope.compared else ""
    intervals = [
        Choice(name.capitalize(), _to(view, by=name), name == asked.interval)
        for name in periods.intervals(scope.range)
    ]
    return Menus(
        period=offered.get(view.period, "" if ".." in view.period else view.period),
        days=days,
        compared=compared,
        periods=[
            Choice(
                each.label, _period(view, each.word), each.word == view.period, each.key
            )
            for each in periods.OFFERED
        ],
        earlier=_shifted(asked, -1),
        later=_shifted(asked, 1),
        comparisons=[
            Choice(_COMPARISONS[name], _to(view, compare=name), name == view.compare)
            for name in COMPARISONS
        ],
        weekdays=(
            Choice(
                "same weekdays",
                _to(view, weekdays=not view.weekdays),
                view.weekdays,
            )
            if scope.compared
            else None
        ),
        intervals=intervals,
        first=str(scope.range.first),
        last=str(scope.range.last),
        turn_compare=_to(
            view, compare="previous" if view.compare == "none" else "none"
        ),
        next_interval=_after(intervals),
    )


def _to(view: View, **changes: object) -> str:
    return written(view.of_page(), **changes) or "?"


def _period(view: View, word: str) -> str:
    """Other days; the interval is again the usual one for them."""
    return _to(view, period=word, by="")


def _shifted(asked: Asked, steps: int) -> str:
    """The address of the days before or after; '' where there are none."""
    if asked.view.period == "all":
        return ""
    try:
        word = periods.shifted(asked.scope.range, steps)
        moved = periods.range_of(
            word, asked.scope.range.timezone, asked.now, asked.today
        )
    except (ValueError, OverflowError):
        return ""
    if steps > 0 and periods.instants(moved)[0] > asked.now:
        return ""
    return _to(replace(asked.view), period=word)


def _after(choices: list[Choice]) -> str:
    """The option after the current one; after the last comes the first."""
    on = next((at for at, each in enumerate(choices) if each.is_on), 0)
    return choices[(on + 1) % len(choices)].href if len(choices) > 1 else ""
