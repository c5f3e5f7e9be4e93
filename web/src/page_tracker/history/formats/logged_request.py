"""The content of an access log's line, in one form for all formats, and its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import NamedTuple

import msgspec


class Exchange(NamedTuple):
    """What was requested, and how it was answered; `host` is empty if it is missing."""

    method: str
    # Path and query as they were requested, or a whole address.
    target: str
    status: int
    host: str = ""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One line of an access log; what its format does not have is empty."""

    # The visitor's, in canonical form; a line without one is malformed.
    address: str
    # Microseconds since 1970-01-01 UTC.
    time: int
    asked: Exchange
    referrer: str = ""
    # None if its format does not have it.
    user_agent: str | None = ""
    # Other fields, in which a proxy's client may be named: as they are in the line.
    forwarded: str = ""


class Unsaid(NamedTuple):
    """The fields that a line could have and does not, and those that it has."""

    parts: frozenset[str] = frozenset()
    has: str = ""


def _nothing(_line: str) -> Unsaid:
    return Unsaid()


class Format(NamedTuple):
    """One format of access logs."""

    name: str
    description: str
    # From a text of lines to the content of each; None for one not in this format.
    read_lines: Callable[[str], Iterable[Request | None]]
    # What a line that is not in this format lacks, for people.
    lacks: Callable[[str], str]
    unsaid: Callable[[str], Unsaid] = _nothing
    # For lines that can be divided at their quotes: from the part up to the bracket
    # before the time to the client's address and the host; None if it is in another
    # form. Formats without it are read line by line.
    client_in: Callable[[str], tuple[str, str] | None] | None = None

    def read(self, line: str) -> Request | None:
        """The content of a single line without its end; None if not in this format."""
        (request,) = self.read_lines(f"{line}\n")
        return request


_MONTHS = {
    name: number
    for number, name in enumerate(
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1
    )
}
_CLF_TIME = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)"
)
# In the form they have in a time; the 60th is a leap second.
_SECONDS = {f":{second:02}": second * 1_000_000 for second in range(61)}
# Years that a log can be from; other numbers are not times.
_EARLIEST = 631_152_000_000_000  # 1990
_LATEST = 4_102_444_800_000_000  # 2100


def clf_time(text: str) -> int:
    """Parse the Common Log Format's time, `17/May/2015:10:05:03 +0200`.

    Raises ValueError.
    """
    # Most lines differ from the one before only in their seconds.
    seconds = _SECONDS.get(text[17:20])
    if seconds is None:
        raise ValueError(f"{text!r} is no time")
    return clf_minute(text[:17], text[20:]) + seconds


@lru_cache(16_384)
def clf_minute(minute: str, zone: str) -> int:
    """Parse a time without its seconds: `17/May/2015:10:05` and ` +0200`.

    Raises ValueError.
    """
    found = _CLF_TIME.fullmatch(f"{minute}:00{zone}")
    if found is None or found[2] not in _MONTHS:
        raise ValueError(f"{minute!r} is no time")
    day, month, year, hour, minutes, _, zone_hours, zone_minutes = found.groups()
    moment = datetime(
        int(year),
        _MONTHS[month],
        int(day),
        int(hour),
        int(minutes),
        tzinfo=timezone.utc,
    )
    sign = -1 if zone_hours[0] == "-" else 1
    ahead = int(zone_hours) * 3600 + sign * int(zone_minutes) * 60
    return _plausible((int(moment.timestamp()) - ahead) * 1_000_000)


def iso_time(text: str) -> int:
    """Parse ISO 8601 with a zone, `2026-01-31T10:05:03.25+02:00`. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return _plausible(
        (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    )


def epoch_time(number: float) -> int:
    """Parse a time in seconds, milliseconds, micro- or nanoseconds since 1970.

    Its size decides which of them. Raises ValueError.
    """
    for unit in (1_000_000.0, 1_000.0, 1.0, 0.001):
        microseconds = round(number * unit)
        if _EARLIEST <= microseconds < _LATEST:
            return microseconds
    raise ValueError(f"{number!r} is no time")


def any_time(value: object) -> int:
    """Parse a time in any form that servers write. Raises ValueError."""
    if isinstance(value, str):
        for read in (iso_time, clf_time):
            try:
                return read(value)
            except ValueError:
                pass
        return epoch_time(float(value))
    if isinstance(value, (int, float)):
        return epoch_time(value)
    raise ValueError(f"{value!r} is no time")


def _plausible(microseconds: int) -> int:
    if not _EARLIEST <= microseconds < _LATEST:
        raise ValueError(f"no time of a log: {microseconds}")
    return microseconds


_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v"}


def unescape(text: str) -> str:
    r"""Undo servers' escapes of quotes and non-ASCII bytes: `\"`, `\\`, `\xe4`.

    Bytes that are not UTF-8 become U+FFFD.
    """
    if "\\" not in text:
        return text

    def original(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes.fromhex(found[1].decode())
        return _CONTROLS.get(found[2], found[2])

    return _ESCAPE.sub(original, text.encode("utf-8", "replace")).decode(
        "utf-8", "replace"
    )
