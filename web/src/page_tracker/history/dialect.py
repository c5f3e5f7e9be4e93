"""How the lines of one log are read: in its format, or else in the others.

A log may change its format, and lines of several may alternate. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from page_tracker.history.formats import FORMATS, Request
from page_tracker.history.formats.hosts import forwarded_address
from page_tracker.history.left_out_lines import LeftOut, Malformed, Refused
from page_tracker.history.wanted import Whose

# The content of lines that carry nothing: they are no part of what a log says.
_NOTHING = " \t\r\f\v,[]"
# How much of a line is shown.
SHOWN = 160


class Dialect(NamedTuple):
    """How a log's lines are read."""

    # The format that is tried first.
    format: str
    # Whether lines that are not in it are tried in the others.
    has_others: bool = True
    # If a log has no user agents at all, a line without one is not a bot's.
    has_agents: bool = True
    whose: Whose = "peer"


class Lines:
    """Reads the lines of a dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._whose = dialect.whose
        self._first = FORMATS[dialect.format]
        self._others = [
            each
            for each in FORMATS.values()
            if each is not self._first and dialect.has_others
        ]
        # Formats of lines that were read so far.
        self.formats: set[str] = set()

    def read(self, text: str) -> Iterator[Request | Refused | Malformed]:
        """The content of each line of a text."""
        lines: list[str] = []
        for number, request in enumerate(self._first.read_lines(text)):
            if request is None:
                lines = lines or text.split("\n")
                yield self._in_another(lines[number])
            else:
                yield request

    def _in_another(self, line: str) -> Request | Refused | Malformed:
        if is_blank(line):
            return Refused(LeftOut.BLANK)
        for each in self._others:
            request = each.read(line)
            if request is not None:
                self.formats.add(each.name)
                return request
        return Malformed(shown(line))

    def address_of(self, request: Request) -> str:
        """The visitor's address."""
        if self._whose == "peer":
            return request.address
        return forwarded_address(request.forwarded) or request.address


def is_blank(line: str) -> bool:
    """Whether a line carries nothing: it is empty, or a bracket of a JSON array."""
    return not line.strip(_NOTHING)


def tells_agents(text: str, dialect: Dialect) -> bool:
    """Whether any line of a text has a user agent."""
    return any(
        isinstance(each, Request) and each.user_agent
        for each in Lines(dialect).read(text)
    )


def shown(line: str) -> str:
    """A line for people: its beginning, without control characters."""
    text = line[: SHOWN + 1]
    cut = text[:SHOWN] + "…" if len(text) > SHOWN else text
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in cut)
