"""Sites in their groups: the sum of each, and the order of all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from page_tracker.query.report import Value
from page_tracker.web.pages import formatting
from page_tracker.web.pages.rows import Cell

# Figures that add up over days, and over sites.
ADDING_UP = ("visitors", "visits", "pageviews")


class SiteLine(msgspec.Struct, frozen=True):
    """A site in the list. `now` is None if the store does not answer; `line` is the
    path of its figure over time, `grown` how many times `before` the `number` is."""

    name: str
    group: str
    is_demonstration: bool
    href: str
    now: int | None
    cell: Cell
    line: str
    number: Value
    before: Value
    grown: float


class SiteGroup(msgspec.Struct, frozen=True):
    """Sites that stand together, and their sum, to which a demonstration adds nothing.

    `name` is '' for sites without a group. `now` is None unless it is known of each;
    `number` is None and `cell` empty for a figure that does not add up.
    """

    name: str
    lines: Sequence[SiteLine]
    number_of_own: int
    now: int | None
    cell: Cell
    number: Value
    grown: float


Ranked = TypeVar("Ranked", SiteLine, SiteGroup)


def grouped(
    lines: Iterable[SiteLine], metric: str, order: str, is_turned: bool
) -> list[SiteGroup]:
    """Groups, and the sites within each, in that order; sites without a group last."""
    found: dict[str, list[SiteLine]] = {}
    for line in _ordered(lines, order, is_turned):
        found.setdefault(line.group, []).append(line)
    alone = found.pop("", [])
    groups = [summed(name, those, metric) for name, those in found.items()]
    rest = [summed("", alone, metric)] if alone else []
    return _ordered(groups, order, is_turned) + rest


def summed(name: str, lines: Sequence[SiteLine], metric: str) -> SiteGroup:
    """These sites under a name, with their sum."""
    own = [line for line in lines if not line.is_demonstration]
    cell, number, before = Cell(""), None, None
    if metric in ADDING_UP:
        number = added(line.number for line in own)
        before = added(line.before for line in own)
        cell = compared_cell(metric, number, before)
    return SiteGroup(
        name=name,
        lines=lines,
        number_of_own=len(own),
        now=_now(lines, own),
        cell=cell,
        number=number,
        grown=grown(number, before),
    )


def added(values: Iterable[Value]) -> int:
    return int(sum(value or 0 for value in values))


def compared_cell(metric: str, number: Value, before: Value) -> Cell:
    """A figure, and how it has changed if there was anything before."""
    change, mood = formatting.changed(metric, number, before) if before else ("", "")
    return Cell(
        formatting.figure(metric, number),
        change,
        mood,
        formatting.figure(metric, before),
    )


def grown(number: Value, before: Value) -> float:
    """How many times as much there is.

    >>> grown(3, 2), grown(3, 0), grown(None, None)
    (1.5, inf, 0)
    """
    if before:
        return (number or 0) / before
    return float("inf") if number else 0


def _now(lines: Iterable[SiteLine], own: Iterable[SiteLine]) -> int | None:
    if any(line.now is None for line in lines):
        return None
    return added(line.now for line in own)


def _ordered(found: Iterable[Ranked], order: str, is_turned: bool) -> list[Ranked]:
    """By name from A on, else highest first; `is_turned` reverses it."""
    keys: dict[str, Callable[[Ranked], float]] = {
        "figure": lambda each: -(each.number or 0),
        "change": lambda each: -each.grown,
        "now": lambda each: -(each.now or 0),
    }
    ranked = sorted(found, key=lambda each: (each.name.casefold(), each.name))
    if order in keys:
        ranked.sort(key=keys[order])
    return ranked[::-1] if is_turned else ranked
