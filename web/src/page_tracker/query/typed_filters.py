"""A question's names and filters as people type them, as the grammar's. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from page_tracker.nesting import shallow
from page_tracker.query.catalog import DIMENSIONS, OPERATORS, TIME_BUCKETS
from page_tracker.query.filters import is_property
from page_tracker.query.problem import QueryError, nearest
from page_tracker.sites.goal import Segment

# A dimension's short name is what comes after its colon; a property's is `props:KEY`.
SHORT: dict[str, str] = {
    name.partition(":")[2]: name for name in [*DIMENSIONS, *TIME_BUCKETS]
} | {"time": "time"}

_WORDS = {operator.replace("_", " "): operator for operator in OPERATORS}
_OPERATOR = "|".join(sorted(_WORDS, key=len, reverse=True))
_FILTER = re.compile(
    rf"\s*(?P<name>\S+)\s+(?P<operator>{_OPERATOR})" r"\s+(?P<values>.+?)\s*",
    re.DOTALL,
)
EXAMPLE = "write it like 'country is DE' or 'page contains /docs|/blog'"


def full_name(name: str) -> str:
    """The dimension that a short name, or the full one, stands for.

    Raises QueryError if there is none.
    """
    if name in SHORT:
        return SHORT[name]
    full = name if name.startswith("event:") else f"event:{name}"
    if name in SHORT.values() or is_property(full):
        return name if name in SHORT.values() else full
    raise QueryError("", f'there is no dimension "{name}"{nearest(name, SHORT)}')


def short_name(name: str) -> str:
    """A dimension as people call it."""
    return name.removeprefix("event:").removeprefix("visit:").removeprefix("time:")


def parse_filter(text: str, segments: Sequence[Segment] = ()) -> Any:
    """Parse a filter as people write it, or JSON, into the grammar's form.

    `DIMENSION OPERATOR VALUE|VALUE…`, where a backslash keeps a bar in a value. Any of
    the site's segments goes by its number or its name.

    Raises QueryError if it is none.
    """
    if text.lstrip().startswith("["):
        try:
            return json.loads(shallow(text))
        except ValueError as error:
            raise QueryError(
                "", f"filter {text[:100]!r} is no JSON: {error}"
            ) from error
    match = _FILTER.fullmatch(text)
    if match is None:
        words = text.split()
        hint = nearest(words[1], _WORDS) if len(words) > 2 else ""
        raise QueryError(
            "", f"filter {text[:100]!r} is not understood{hint}; {EXAMPLE}"
        )
    operator = _WORDS[match["operator"]]
    parts = re.split(r"(?<!\\)\|", match["values"])
    values = [value.strip().replace("\\|", "|") for value in parts]
    if match["name"] == "segment":
        return [operator, "segment", [segment_of(each, segments) for each in values]]
    return [operator, full_name(match["name"]), values]


def segment_of(text: str, segments: Sequence[Segment]) -> int:
    """The number of the segment that is meant: by its number, or its name.

    Raises QueryError if there is none, or there are several of that name.
    """
    if re.fullmatch("[0-9]{1,9}", text):
        return int(text)
    found = [each.id for each in segments if each.name == text]
    if not found:
        hint = nearest(text, [each.name for each in segments])
        raise QueryError("", f'there is no segment "{text[:100]}"{hint}')
    if len(found) > 1:
        numbers = ", ".join(map(str, found))
        raise QueryError(
            "", f'several segments are called "{text[:100]}": write one of {numbers}'
        )
    return found[0]
