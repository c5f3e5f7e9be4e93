"""From JSON to a Filter, within bounds that keep questions cheap to parse."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
import re2

from page_tracker.query import countries
from page_tracker.query.catalog import (
    DIMENSIONS,
    GOAL_OPERATORS,
    NOT_SET,
    OPERATORS,
    PROPS_PREFIX,
)
from page_tracker.query.problem import QueryError, nearest
from page_tracker.query.query import And, Filter, HasDone, Leaf, Not, Or, all_leaves
from page_tracker.schema import PROP_KEY_LIMIT

DEEPEST = 16
MAX_LEAVES = 200
MAX_VALUES = 1_000
MAX_VALUES_IN_ALL = 5_000
MAX_VALUE_LENGTH = 2_000
MAX_PATTERNS = 100
MAX_PATTERN_LENGTH = 500
MAX_PATTERN_BYTES = 1 << 20  # bytes of memory, compiled

# The possible values of these dimensions.
COUNTRIES_OF: dict[str, Callable[[], Collection[str]]] = {
    "visit:country": lambda: countries.names().keys(),
    "visit:country_name": lambda: countries.names().values(),
}

SEGMENT_OPERATORS = ("is", "is_not")
# Operators that combine filters, rather than compare values.
COMBINING = ("and", "or", "not", "has_done", "has_not_done")


class _Reader(msgspec.Struct):
    segments: Mapping[int, object]
    leaves: int = 0
    values_in_all: int = 0
    patterns: int = 0

    def all(self, value: object, pointer: str, depth: int) -> tuple[Filter, ...]:
        if not isinstance(value, list):
            raise QueryError(pointer, "must be a list of filters")
        return tuple(
            self.one(part, f"{pointer}/{index}", depth)
            for index, part in enumerate(value)
        )

    def one(self, value: object, pointer: str, depth: int = 0) -> Filter:
        if depth > DEEPEST:
            raise QueryError(pointer, f"filters nest at most {DEEPEST} deep")
        if not isinstance(value, list) or not value:
            raise QueryError(pointer, 'a filter is a list: ["is", "event:page", ["/"]]')
        operator = value[0]
        if operator in COMBINING:
            if len(value) != 2:
                raise QueryError(pointer, f'"{operator}" takes one argument')
            return self.combined(str(operator), value[1], f"{pointer}/1", depth + 1)
        if value[1:2] == ["segment"]:
            return self.segment(value, pointer, depth)
        return self.leaf(value, pointer)

    def combined(
        self, operator: str, value: object, pointer: str, depth: int
    ) -> Filter:
        if operator in ("and", "or"):
            parts = self.all(value, pointer, depth)
            if not parts:
                raise QueryError(pointer, "needs at least one filter")
            return And(parts) if operator == "and" else Or(parts)
        part = self.one(value, pointer, depth)
        if operator == "not":
            return Not(part)
        if any(not leaf.of_event for leaf in all_leaves(part)):
            raise QueryError(pointer, "asks for events: use dimensions of events only")
        return HasDone(part) if operator == "has_done" else Not(HasDone(part))

    def segment(self, value: list[object], pointer: str, depth: int) -> Filter:
        is_known = value[0] in SEGMENT_OPERATORS
        if not is_known or len(value) != 3 or not isinstance(value[2], list):
            raise QueryError(
                pointer,
                'a segment is asked for as ["is","segment",[1]], or by "is_not"',
            )
        if not value[2]:
            raise QueryError(f"{pointer}/2", "needs at least one segment's number")
        found = []
        for index, number in enumerate(value[2]):
            if isinstance(number, bool) or not isinstance(number, int):
                raise QueryError(f"{pointer}/2/{index}", "must be a segment's number")
            if number not in self.segments:
                raise QueryError(
                    f"{pointer}/2/{index}", f"there is no segment {number}"
                )
            self.count(pointer)
            found.append(
                And(self.all(self.segments[number], f"{pointer}/2/{index}", depth + 1))
            )
        return Or(tuple(found)) if value[0] == "is" else Not(Or(tuple(found)))

    def count(self, pointer: str) -> None:
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise QueryError(pointer, f"at most {MAX_LEAVES} filters in a query")

    def count_values(self, number: int, are_patterns: bool, pointer: str) -> None:
        """Refuse more patterns than compile quickly: that cannot be interrupted."""
        self.values_in_all += number
        if self.values_in_all > MAX_VALUES_IN_ALL:
            raise QueryError(
                pointer, f"at most {MAX_VALUES_IN_ALL} values in a query's filters"
            )
        self.patterns += number if are_patterns else 0
        if self.patterns > MAX_PATTERNS:
            raise QueryError(pointer, f"at most {MAX_PATTERNS} patterns in a query")

    def leaf(self, value: list[object], pointer: str) -> Leaf:
        self.count(pointer)
        if len(value) not in (3, 4):
            raise QueryError(pointer, "must be [operator, dimension, [values]]")
        operator = self.operator(value[0], f"{pointer}/0")
        name = self.dimension(value[1], operator, f"{pointer}/1")
        values = self.values(value[2], operator, f"{pointer}/2")
        found = Leaf(
            operator, name, values, self.case(value[3:], operator, f"{pointer}/3")
        )
        check_countries(found, f"{pointer}/2")
        return found

    def operator(self, value: object, pointer: str) -> str:
        if not isinstance(value, str) or value not in OPERATORS:
            names = (*OPERATORS, *COMBINING)
            said = str(value)[:100]
            hint = nearest(said, names)
            raise QueryError(pointer, f'Unknown operator "{said}"{hint}')
        return value

    def dimension(self, value: object, operator: str, pointer: str) -> str:
        name = str(value)
        if name == "time" or name.startswith("time:"):
            raise QueryError(pointer, "time cannot be filtered; use date_range")
        if not isinstance(value, str) or not (name in DIMENSIONS or is_property(name)):
            hint = nearest(name, DIMENSIONS)
            raise QueryError(pointer, f'Invalid dimension "{name[:100]}"{hint}')
        if name == "event:goal" and operator not in GOAL_OPERATORS:
            raise QueryError(pointer, "event:goal takes is and contains only")
        return name

    def values(self, value: object, operator: str, pointer: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            raise QueryError(pointer, f"must be a list of 1 to {MAX_VALUES} values")
        is_pattern = not OPERATORS[operator].has_case
        self.count_values(len(value), is_pattern, pointer)
        found = []
        for index, each in enumerate(value):
            place = f"{pointer}/{index}"
            if isinstance(each, bool) or not isinstance(each, str | int):
                raise QueryError(place, "must be a string")
            if isinstance(each, int) and abs(each) >= 2**63:
                raise QueryError(place, "is too large a number")
            text = str(each)
            if len(text) > MAX_VALUE_LENGTH or not is_text(text):
                raise QueryError(place, f"is no text of {MAX_VALUE_LENGTH} characters")
            if is_pattern:
                check_pattern(text, place)
            found.append(text)
        return tuple(found)

    def case(self, rest: list[object], operator: str, pointer: str) -> bool:
        if not rest:
            return True
        wanted = rest[0]
        if not OPERATORS[operator].has_case:
            raise QueryError(pointer, f'"{operator}" takes no modifier')
        if not isinstance(wanted, dict) or set(wanted) - {"case_sensitive"}:
            raise QueryError(pointer, 'must be {"case_sensitive": true or false}')
        sensitive = wanted.get("case_sensitive", True)
        if not isinstance(sensitive, bool):
            raise QueryError(f"{pointer}/case_sensitive", "must be true or false")
        return sensitive


def is_property(name: str) -> bool:
    """Whether the dimension is a property of events."""
    key = name.removeprefix(PROPS_PREFIX)
    return name != key and 0 < len(key) <= PROP_KEY_LIMIT and is_text(key)


def is_text(text: str) -> bool:
    """Whether it can be encoded in UTF-8, and contains no NUL."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def check_pattern(text: str, pointer: str) -> None:
    """Refuse a pattern that is not a valid RE2 expression.

    Raises QueryError if it is none, or too long.
    """
    if len(text) > MAX_PATTERN_LENGTH:
        raise QueryError(
            pointer, f"a pattern has at most {MAX_PATTERN_LENGTH} characters"
        )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        re2.compile(text, options)
    except re2.error as error:
        why = error.args[0].decode() if error.args else ""
        raise QueryError(
            pointer, f"is no regular expression (RE2 syntax): {why}"
        ) from error


def check_countries(leaf: Leaf, pointer: str) -> None:
    """Refuse a country that does not exist: nothing would ever be found.

    Raises QueryError if there is none of that code, or name; says which is meant.
    """
    if leaf.operator not in ("is", "is_not") or leaf.dimension not in COUNTRIES_OF:
        return
    known = {NOT_SET, "", *COUNTRIES_OF[leaf.dimension]()}
    if not leaf.case_sensitive:
        known = {each.lower() for each in known}
    for index, value in enumerate(leaf.values):
        if (value if leaf.case_sensitive else value.lower()) not in known:
            raise QueryError(f"{pointer}/{index}", _no_country(leaf.dimension, value))


def _no_country(dimension: str, value: str) -> str:
    """What is wrong with a country, and what to write instead."""
    said, code = f'"{value[:100]}" is no country', countries.meant(value)
    if dimension == "visit:country":
        if code:
            return f"{said}'s code; write {code} for {countries.names()[code]}"
        return f"{said}'s code of ISO 3166-1; write two letters like DE"
    if code:
        return f'{said}\'s name; write "{countries.names()[code]}"'
    return f"{said}'s name{nearest(value, countries.names().values())}"


def parse_filters(value: object, segments: Mapping[int, object]) -> And:
    """The filter of a query: all filters of the list must hold.

    Raises QueryError if it is none; says where and what would be right.
    """
    return And(_Reader(segments).all(value, "#/filters", 0))


def segment_filters(value: Any) -> list[Any]:
    """The filters of a segment: those of a query, but for segments, and not none.

    Raises QueryError if they are none; says where and what would be right.
    """
    if not parse_filters(value, {}).parts:
        raise QueryError("#/filters", "needs at least one filter")
    return list(value)
