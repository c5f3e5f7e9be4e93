"""Which user agents are bots, by name and kind.

Three lists work together: the rows of `agents.toml` know best; isbot's patterns say
whether any other is one, but for words that those rows excuse; the patterns of
crawler-user-agents give its name and kind, and decide where that is an AI's or a
monitor. All run in ua-parser's engine, which tries hundreds of patterns in one pass in
linear time; the few that look around themselves, which it cannot, run in Python's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser.core import Domain, Matcher, UserAgent
from ua_parser.lazy import UserAgentMatcher
from ua_parser.regex import Resolver

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

# From the tags of crawler-user-agents; of several, the first here is the kind.
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

# Of these kinds the patterns of crawler-user-agents are strict enough to decide.
_DECIDING = {*AI_KINDS, "monitor"}


def bot_finder(
    patterns: Sequence[str], agents: Agents = Agents()
) -> Callable[[str], Bot | None]:
    """Make the function that names a user agent's bot; None is a person's browser.

    `patterns` are regular expressions in JavaScript's syntax, tried regardless of case.
    Raises ValueError for one that cannot be read.
    """
    is_bot = _any_of(patterns)
    excused = re2.compile("|".join(f"(?:{row.find})" for row in agents.person) or "^$")
    own = [(row.find, Bot(row.name, row.kind)) for row in agents.bot]
    # Those that decide stand in front.
    crawlers = sorted(_crawlers(), key=lambda each: each[1].kind not in _DECIDING)
    known = [*own, *crawlers]
    number_of = _Patterns(pattern for pattern, _ in known).first
    decided = len(own) + sum(bot.kind in _DECIDING for _, bot in crawlers)

    @lru_cache(_CACHED)
    def cached(user_agent: str) -> Bot | None:
        user_agent = clean(user_agent, MAX_USER_AGENT)
        if not user_agent.strip():
            return NAMELESS
        number = number_of(user_agent)
        if number is not None and number < decided:
            return known[number][1]
        if not is_bot(excused.sub(" ", user_agent)):
            return None
        return UNKNOWN if number is None else known[number][1]

    def bot_of(user_agent: str) -> Bot | None:
        return cached(user_agent[:MAX_USER_AGENT])

    return bot_of


_METACHARACTER = re.compile(r"[][(){}*+?|^$.]")


class _Patterns:
    """Regular expressions that are tried together; raises ValueError for a bad one."""

    def __init__(self, patterns: Iterable[str]) -> None:
        numbered: list[Matcher[UserAgent]] = [
            UserAgentMatcher(each, str(i)) for i, each in enumerate(patterns)
        ]
        try:
            self._resolve = Resolver((numbered, [], []))
        except ValueError as error:
            raise ValueError(f"not a regular expression: {error}") from error

    def first(self, text: str) -> int | None:
        """The number of the first pattern that is found in `text`."""
        found = self._resolve(text, Domain.USER_AGENT).user_agent
        return None if found is None else int(found.family)


def _any_of(patterns: Sequence[str]) -> Callable[[str], bool]:
    plain = [f"(?i){each}" for each in patterns if not _looks_around(each)]
    together = _Patterns(_with_plain_classes(each) for each in plain)
    around = [
        _with_single_lookbehinds(each) for each in patterns if _looks_around(each)
    ]
    try:
        others = re.compile("|".join(around) or r"(?!)", re.IGNORECASE | re.ASCII)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return lambda text: together.first(text) is not None or bool(others.search(text))


def _looks_around(pattern: str) -> bool:
    return any(sign in pattern for sign in ("(?=", "(?!", "(?<=", "(?<!"))


def _with_plain_classes(pattern: str) -> str:
    """Escape the hyphen of `[\\d-.]`, which only JavaScript reads as one."""
    return re.sub(r"(\\[dsw])-(?=[^\]])", r"\1\\-", pattern)


def _with_single_lookbehinds(pattern: str) -> str:
    """Write `(?<!a|bc)` as `(?<!a)(?<!bc)`: Python's must have one width each."""
    return re.sub(
        r"\(\?<!([^()]*)\)",
        lambda found: "".join(f"(?<!{each})" for each in found[1].split("|")),
        pattern,
    )


def _crawlers() -> list[tuple[str, Bot]]:
    return [
        (each["pattern"], Bot(_name_of(each), _kind_of(each)))
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
        if _name_of(crawler).endswith("User"):  # as its makers name what is asked for
            return AI_ASSISTANT
        if "search-engine" in tags:
            return AI_SEARCH
    return next((kind for tag, kind in _KINDS.items() if tag in tags), "other")
