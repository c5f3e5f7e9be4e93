"""Why a line of a log is not a page view."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class LeftOut(StrEnum):
    """Why a line is not a page view; `Reason` has the reasons of all hits."""

    # Counted for every line; an enumeration's own takes longer.
    __hash__ = str.__hash__

    MALFORMED = "malformed"
    # Nothing on it, or no more than a bracket of a JSON array.
    BLANK = "blank"
    # The last line of a log that somebody is just writing: for the next time.
    UNFINISHED = "unfinished"
    ERROR = "error"
    REDIRECT = "redirect"
    METHOD = "method"
    STATIC_FILE = "static_file"
    OTHER_HOST = "other_host"
    # Older than what the site keeps.
    EXPIRED = "expired"
    # Lines that an import has brought already.
    KNOWN = "known"


class Malformed(NamedTuple):
    """A line that is in no format, and how it begins."""

    text: str
    reason: LeftOut = LeftOut.MALFORMED


class Refused(NamedTuple):
    """A line that is not a page view, and its identifying name: a host, a status …"""

    reason: LeftOut
    name: str = ""
