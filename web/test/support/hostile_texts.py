"""Texts that are sent to break things, and every place of a body to put them into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

# What means something to SQL, to DuckDB, to patterns, to formats, to JSON pointers, to
# shells, to templates, to logs and to terminals. PWNED is a file that must not come up.
TEXTS = (
    "' OR '1'='1",
    "'; DROP TABLE hits; --",
    "'); DROP TABLE countries; --",
    '"; SELECT 1; --',
    "') UNION ALL SELECT * FROM read_csv('/etc/passwd') --",
    "'; COPY (SELECT 1) TO 'PWNED'; --",
    "'; ATTACH 'PWNED' AS x; --",
    "$v0",
    "?",
    "{value}",
    "{column}",
    "{0.__class__}",
    "%s%n",
    "%",
    "_",
    "\\",
    "\\Q",
    "/*",
    "*/",
    "*",
    "(",
    "[a-",
    "(?i)a",
    "a{1001}",
    "~1~0/-/0",
    "#/metrics/0",
    "NULL",
    "NaN",
    "-1",
    "1e309",
    "(not set)",
    "Direct / None",
    "site",
    "d0",
    "m0",
    "rows",
    "__proto__",
    "`id`$(id)",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "=1+1",
    "\u202e\u2066x",
    "e\u0301",
    "İ",
    "\U0001f614",
    "x" * 1_900,
)
# What is no line of text, or no text at all.
UNPRINTABLE = ("", " ", "\n", "a\r\nb: c", "\x1b[31m", "\u2028", "\x7f")
NO_TEXT = ("\0", "a\0b", "\ud800", "\udfff\ud800")


def places(body: object, here: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every string of a body; a key's ends with None."""
    if isinstance(body, str):
        yield here
    elif isinstance(body, dict):
        for key, value in body.items():
            yield (*here, key, None)
            yield from places(value, (*here, key))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from places(value, (*here, index))


def put_in(body: Any, place: Sequence[Any], text: str) -> Any:
    """The body with another text at a place."""
    if not place:
        return text
    key, *rest = place
    if rest == [None]:
        return {text if each == key else each: value for each, value in body.items()}
    if isinstance(body, dict):
        return {**body, key: put_in(body[key], rest, text)}
    return [
        put_in(value, rest, text) if index == key else value
        for index, value in enumerate(body)
    ]
