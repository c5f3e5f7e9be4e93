"""The first of many patterns that is found in a user agent, and what it says there.

RE2 builds ua-parser's 640 patterns in half the time that ua-parser's own engine takes,
and in a quarter of the memory; in linear time, too, as Python's engine would not be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from re import Match
from typing import NamedTuple

import re2
from ua_parser.lazy import OSMatcher, UserAgentMatcher
from ua_parser.utils import fa_simplifier

from page_tracker.lookups.agents import Row


class Pattern(NamedTuple):
    """What is looked for, in RE2's syntax, and what it tells.

    In the latter `$1` stands for what the first group finds.
    """

    find: str
    name: str
    major: str = ""
    minor: str = ""


class Found(NamedTuple):
    """What was found; what the user agent does not say is empty."""

    name: str = ""
    major: str = ""
    minor: str = ""


def of_row(row: Row) -> Pattern:
    """Its group is the version; without a name it has two, name and version."""
    if not row.name:
        return Pattern(row.find, "$1", "$2")
    return Pattern(row.find, row.name, row.version or "$1")


def of_browser(matcher: UserAgentMatcher) -> Pattern:
    find = fa_simplifier(matcher.regex)  # without counts that automata do not like
    return Pattern(find, matcher.family, matcher.major or "$2")


def of_system(matcher: OSMatcher) -> Pattern:
    find = fa_simplifier(matcher.regex)
    return Pattern(find, matcher.family, matcher.major, matcher.minor)


def first_of(patterns: Sequence[Pattern]) -> Callable[[str], Found]:
    """Make the function that finds the first of these patterns."""
    together = re2.Filter()
    for pattern in patterns:
        together.Add(pattern.find)
    together.Compile()

    def found_in(text: str) -> Found:
        encoded = text.encode()  # RE2 takes longer to find places in a text
        numbers = together.Match(encoded)
        if numbers is None:
            return Found()
        first = min(numbers)
        match = together.re(first).search(encoded)
        _, *told = patterns[first]
        return Found(*(_filled(each, match) for each in told))

    return found_in


def _filled(template: str, match: Match[bytes]) -> str:
    """The template with what a group has found in place of its number."""
    before, sign, after = template.partition("$")
    if not sign:
        return template
    number = int(after[0])
    found = match[number] if number <= match.re.groups else None
    return f"{before}{(found or b'').decode()}{after[1:]}"
