"""One filter of a page, and its form in the page's address. Pure.

    is~country~DE|FR  ⇄  Condition("is", "visit:country", ("DE", "FR"))

A backslash before a bar, a tilde or a backslash makes that character literal.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from page_tracker.query.catalog import OPERATORS
from page_tracker.query.filters import SEGMENT_OPERATORS
from page_tracker.query.problem import nearest
from page_tracker.query.typed_filters import full_name, short_name

SEGMENT = "segment"
_TOKEN = re.compile(r"\\([\\|~])|([|~])|([^\\|~]+|\\)", re.DOTALL)


class Condition(msgspec.Struct, frozen=True):
    """An operator of the query language, a dimension's full name, and values.

    The dimension may be `segment`, whose values are the numbers of segments.
    """

    operator: str
    dimension: str
    values: tuple[str, ...]

    @property
    def as_json(self) -> list[Any]:
        """The filter in the query language."""
        if self.dimension == SEGMENT:
            return [self.operator, SEGMENT, [int(each) for each in self.values]]
        return [self.operator, self.dimension, list(self.values)]


def condition_of(text: str) -> Condition:
    """Parse a filter written `OPERATOR~DIMENSION~VALUE|VALUE…`.

    Raises ValueError, and QueryError (which is one).
    """
    parts = _split(text)
    if len(parts) != 3 or len(parts[0]) != 1 or len(parts[1]) != 1:
        raise ValueError("a filter is written like is~country~DE|FR")
    return new_condition(parts[0][0], parts[1][0], parts[2])


def new_condition(operator: str, name: str, values: list[str]) -> Condition:
    """A filter by a dimension's short name. Raises as `condition_of`."""
    if operator not in OPERATORS:
        hint = nearest(operator, OPERATORS)
        raise ValueError(f'there is no operator "{operator[:40]}"{hint}')
    if not all(values):
        raise ValueError("a value is empty; write what is meant, like (not set)")
    if name == SEGMENT:
        are_numbers = all(re.fullmatch("[0-9]{1,9}", value) for value in values)
        if operator not in SEGMENT_OPERATORS or not are_numbers:
            raise ValueError("a segment is asked for by its number: is~segment~1")
        return Condition(operator, SEGMENT, tuple(values))
    return Condition(operator, full_name(name), tuple(values))


def values_of(text: str) -> list[str]:
    """The values that a person types, separated by bars."""
    parts = re.split(r"(?<!\\)\|", text)
    return [part.strip().replace("\\|", "|") for part in parts]


def text_of(condition: Condition) -> str:
    """The filter, written so that `condition_of` can read it."""
    name = short_name(condition.dimension)
    values = "|".join(_escaped(value) for value in condition.values)
    return f"{condition.operator}~{_escaped(name)}~{values}"


def _escaped(text: str) -> str:
    return re.sub(r"[\\|~]", r"\\\g<0>", text)


def _split(text: str) -> list[list[str]]:
    """The text between the first two tildes and the text after them, split at its bars.

    After the second tilde, a tilde is an ordinary character.
    """
    parts: list[list[str]] = [[""]]
    for match in _TOKEN.finditer(text):
        kept, sign, plain = match.groups()
        if sign == "~" and len(parts) < 3:
            parts.append([""])
        elif sign == "|":
            parts[-1].append("")
        else:
            parts[-1][-1] += kept or sign or plain
    return parts
