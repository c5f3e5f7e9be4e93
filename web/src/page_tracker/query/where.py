"""Filters as SQL conditions over a row of `rows`; every value is bound."""

from __future__ import annotations

import re

import msgspec

from page_tracker.query.catalog import GOAL, OPERATORS, dimension
from page_tracker.query.dialect import DUCKDB, Dialect
from page_tracker.query.query import (
    And,
    Filter,
    HasDone,
    Leaf,
    Not,
    Or,
    goals_named,
    property_key,
)
from page_tracker.sites.goal import Goal


class Binder(msgspec.Struct):
    """Collects what a statement needs while it is written.

    `values` by the names of their placeholders, and the `columns` of `hits` it reads.
    It is written in `sql`.
    """

    sql: Dialect = DUCKDB
    values: dict[str, object] = msgspec.field(default_factory=dict)
    columns: set[str] = msgspec.field(default_factory=set)
    _places: dict[tuple[type, object], str] = msgspec.field(default_factory=dict)

    def bind(self, value: object) -> str:
        """The placeholder of a value; equal values share one."""
        place = self._places.get((type(value), value))
        if place is None:
            name = f"v{len(self.values)}"
            self.values[name] = value
            place = self._places[type(value), value] = self.sql.placeholder(name, value)
        return place

    def reads(self, *columns: str) -> None:
        """Note that the statement reads these columns of `hits`."""
        self.columns.update(columns)


def column(name: str, binder: Binder) -> str:
    """The expression for a dimension's value, '' if there is none."""
    key = property_key(name)
    if key is not None:
        binder.reads("props")
        return f"coalesce(props[{binder.bind(key)}], '')"
    found = dimension(name)
    binder.reads(found.column)
    return binder.sql.country_name(found.column) if found.is_country else found.column


def labelled(name: str, binder: Binder) -> str:
    """The same, with the dimension's label instead of ''."""
    plain, empty = column(name, binder), dimension(name).empty
    if empty is None:
        return plain
    return f"coalesce(nullif({plain}, ''), {binder.bind(empty)})"


def pattern(page: str) -> str:
    """The pattern for a goal's page: `*` stays in a folder, `**` does not."""
    parts = re.split(r"(\*\*|\*)", page)
    wild = {"**": ".*", "*": "[^/]*"}
    return "^" + "".join(wild.get(part) or re.escape(part) for part in parts) + "$"


def of_goal(goal: Goal, binder: Binder) -> str:
    """The condition under which a row reaches a goal."""
    found = []
    if goal.event:
        binder.reads("name")
        found.append(f"name = {binder.bind(goal.event)}")
    if goal.page:
        # a page goal is reached by viewing the page
        binder.reads("view", "path")
        found.append("view > 0")
        if "*" in goal.page:
            seen = binder.bind(pattern(goal.page))
            found.append(binder.sql.compared("matches", "path", seen))
        else:
            found.append(f"path = {binder.bind(goal.page)}")
    for key, value in goal.props:
        binder.reads("props")
        found.append(f"props[{binder.bind(key)}] = {binder.bind(value)}")
    return "(" + " AND ".join(found) + ")"


def of_leaf(leaf: Leaf, goals: tuple[Goal, ...], binder: Binder) -> str:
    """The condition of one leaf."""
    if leaf.dimension == GOAL:
        found = [of_goal(goal, binder) for goal in goals_named(leaf, goals)]
        return "(" + (" OR ".join(found) or "false") + ")"
    operator = OPERATORS[leaf.operator]
    values = _with_nothing(leaf) if operator.is_exact else leaf.values
    value = compared = column(leaf.dimension, binder)
    places = [binder.bind(value) for value in values]
    if not leaf.case_sensitive and operator.has_case:
        compared = binder.sql.lowered(compared)
        places = [binder.sql.lowered(place) for place in places]
    any_of = " OR ".join(
        binder.sql.compared(operator.how, compared, place) for place in places
    )
    if not operator.negated:
        return f"({any_of})"
    if property_key(leaf.dimension) and not operator.is_exact:
        # an event without the property does not have a different one
        return f"({value} <> '' AND NOT ({any_of}))"
    return f"(NOT ({any_of}))"


def _with_nothing(leaf: Leaf) -> tuple[str, ...]:
    """A leaf's values, with '' added if one is the label of rows without a value.

    A row may also have just that text: both are in one group of the answer.
    """
    empty = dimension(leaf.dimension).empty
    if empty is None:
        return leaf.values
    values = leaf.values
    if not leaf.case_sensitive:
        empty, values = empty.lower(), tuple(value.lower() for value in values)
    return (*leaf.values, "") if empty in values else leaf.values


def condition(part: Filter, goals: tuple[Goal, ...], binder: Binder) -> str:
    """The condition of a filter over a row of `rows`."""
    match part:
        case Leaf():
            return of_leaf(part, goals, binder)
        case And(parts):
            found = [condition(each, goals, binder) for each in parts]
            return "(" + (" AND ".join(found) or "true") + ")"
        case Or(parts):
            found = [condition(each, goals, binder) for each in parts]
            return "(" + (" OR ".join(found) or "false") + ")"
        case Not(inner):
            return f"(NOT {condition(inner, goals, binder)})"
        case HasDone(inner):
            binder.reads("visit", "step")
            return (
                "((day, visit) IN (SELECT (day, visit) FROM rows WHERE step > 0 AND "
                f"{condition(inner, goals, binder)}))"
            )
