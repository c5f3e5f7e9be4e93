"""Which user agents are bots, by name and kind.

Three lists work together: the rows of `agents.toml` come first; isbot's patterns decide
whether any other is one, except for words that those rows excuse; the patterns of
crawler-user-agents give its name and kind, and decide if that is an AI's or a monitor.
RE2 tries the hundreds of patterns of a list in one pass, in linear time; the few with
lookarounds, which it does not support, run in Python's engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from page_tracker.hits.facts import (
    AI_ASSISTANT,
    AI_CRAWLER,
    AI_KINDS,
    AI_SEARCH,
    NAMELESS,
    UNKNOWN,
    Bot,
)
from page_tracker.hits.hit import MAX_USER_AGENT
from page_tracker.hits.text import clean
from page_tracker.lookups.agents import Agents

_CACHED = 8192

# From the tags of crawler-user-agents; if there are several, the first here applies.
_KINDS = {
    "browser-automation": "headless browser",
    "ai-crawler": AI_CRAWLER,
    "search-engine": "search",
    "monitoring": "monitor",
    "social-preview": "preview",
    "seo": "seo",
    "feed-reader": "feed",
    "http-library": "library",
}

# For these kinds the patterns of crawler-user-agents are strict enough to decide.
_DECIDING = {*AI_KINDS, "monitor"}


class Known(NamedTuple):
    """Bots that have a pattern; named once one is found, since few ever are."""

    find: str
    kind: str
    name: Callable[[], str]

    def bot(self) -> Bot:
        return Bot(self.name(), self.kind)


def bot_finder(
    patterns: Sequence[str], agents: Agents = Agents()
) -> Callable[[str], Bot | None]:
    """Make the function that names a user agent's bot; None for a person's browser.

    `patterns` are regular expressions in JavaScript's syntax, tried regardless of case.
    Raises ValueError for an invalid one.
    """
    is_bot = _any_of(patterns)
    excused = re2.compile("|".join(f"(?:{row.find})" for row in agents.person) or "^$")
    own = [Known(row.find, row.kind, partial(str, row.name)) for row in agents.bot]
    # Those that decide come first.
    crawlers = sorted(_crawlers(), key=lambda each: each.kind not in _DECIDING)
    known = [*own, *crawlers]
    number_of = first_found(each.find for each in known)
    decided = len(own) + sum(each.kind in _DECIDING for each in crawlers)

    @lru_cache(_CACHED)
    def cached(user_agent: str) -> Bot | None:
        user_agent = clean(user_agent, MAX_USER_AGENT)
        if not user_agent.strip():
            return NAMELESS
        number = number_of(user_agent)
        if number is not None and number < decided:
            return known[number].bot()
        if not is_bot(excused.sub(" ", user_agent)):
            return None
        return UNKNOWN if number is None else known[number].bot()

    def bot_of(user_agent: str) -> Bot | None:
        return cached(user_agent[:MAX_USER_AGENT])

    return bot_of


_METACHARACTER = re.compile(r"[][(){}*+?|^$.]")


def first_found(patterns: Iterable[str]) -> Callable[[str], int | None]:
    """The number of the first of these patterns that is found in a text, if any.

    Raises ValueError for an invalid one.
    """
    quiet = re2.Options()
    quiet.log_errors = False
    together = re2.Set.SearchSet(quiet)
    try:
        for pattern in patterns:
            together.Add(pattern)
        together.Compile()
    except re2.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return lambda text: min(together.Match(text) or (), default=None)


def _any_of(patterns: Sequence[str]) -> Callable[[str], bool]:
    plain = [f"(?i){each}" for each in patterns if not _looks_around(each)]
    together = first_found(_with_plain_classes(each) for each in plain)
    around = [
        _with_single_lookbehinds(each) for each in patterns if _looks_around(each)
    ]
    try:
        others = re.compile("|".join(around) or r"(?!)", re.IGNORECASE | re.ASCII)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return lambda text: together(text) is not None or bool(others.search(text))


def _looks_around(pattern: str) -> bool:
    return any(sign in pattern for sign in ("(?=", "(?!", "(?<=", "(?<!"))


def _with_plain_classes(pattern: str) -> str:
    """Escape the hyphen of `[\\d-.]`, which only JavaScript reads as one."""
    return re.sub(r"(\\[dsw])-(?=[^\]])", r"\1\\-", pattern)


def _with_single_lookbehinds(pattern: str) -> str:
    """Write `(?<!a|bc)` as `(?<!a)(?<!bc)`: Python's need a fixed width each."""
    return re.sub(
        r"\(\?<!([^()]*)\)",
        lambda found: "".join(f"(?<!{each})" for each in found[1].split("|")),
        pattern,
    )


def _crawlers() -> list[Known]:
    return [
        Known(each["pattern"], _kind_of(each), partial(_name_of, each))
        for each in CRAWLER_USER_AGENTS_DATA
    ]


def _name_of(crawler: dict[str, Any]) -> str:
    """Name a crawler by what its pattern finds in an example of its user agent."""
    pattern: str = crawler["pattern"]
    if _METACHARACTER.search(re.sub(r"\\.", "", pattern)):
        found = (re.search(pattern, each) for each in crawler["instances"])
        name = next((str(each[0]) for each in found if each), pattern)
    else:
        name = re.sub(r"\\(.)", r"\1", pattern)
    return name.strip(" /-;,()+")[:64]


def _kind_of(crawler: dict[str, Any]) -> str:
    tags = crawler["tags"]
    if "ai-crawler" in tags:
        if _name_of(crawler).endswith("User"):  # its makers' name for people's requests
            return AI_ASSISTANT
        if "search-engine" in tags:
            return AI_SEARCH
    return next((kind for tag, kind in _KINDS.items() if tag in tags), "other")
