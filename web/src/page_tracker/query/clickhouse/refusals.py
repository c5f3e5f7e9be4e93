"""What went wrong at a ClickHouse server, in words. Pure.

The codes are those of ClickHouse's src/Common/ErrorCodes.cpp.
"""

from __future__ import annotations

import re

from page_tracker.errors import PageTrackerError
from page_tracker.query.problem import (
    FilesGoneError,
    LakeAwayError,
    QuestionTooCostlyError,
)

STOPPED = frozenset({159, 160, 394})  # TIMEOUT_EXCEEDED, TOO_SLOW, …_WAS_CANCELLED
_NO_MEMORY = 241
# FILE_DOESNT_EXIST, CANNOT_OPEN_FILE, S3_ERROR, DELTA_KERNEL_ERROR: of the lake.
_OF_FILES = frozenset({107, 76, 499, 736, 742})
_VARIABLE = "PAGE_TRACKER_REPORTS"
_WHAT_TO_DO = {
    516: ("does not know this user by this password", f"correct {_VARIABLE}"),
    81: ("has no such database", f"create it, or correct {_VARIABLE}"),
    497: (
        "does not let this user do that",
        "grant the user what docs/guides/clickhouse.md lists",
    ),
    481: (
        "may not read the lake there",
        f"put the lake below its user_files_path, and name it so in {_VARIABLE}",
    ),
    **dict.fromkeys(
        (46, 115),  # UNKNOWN_FUNCTION, UNKNOWN_SETTING
        ("is too old for the questions", "use ClickHouse 25.8 or newer"),
    ),
}


class ServerAwayError(LakeAwayError):
    """A server that answers questions cannot be asked."""


def refusal(
    server: str, code: int | None, said: str, seconds: float
) -> PageTrackerError:
    """What to raise for an error of a server, by its code; None if there is none.

    `said` is its message, and `seconds` how long a question may take.
    """
    if code in STOPPED:
        return QuestionTooCostlyError(
            f"the question was stopped after {seconds:g} s",
            "ask for fewer days, or give questions more by PAGE_TRACKER_QUERY_SECONDS",
        )
    if code == _NO_MEMORY:
        return QuestionTooCostlyError(
            f"the question needs more memory than {server} gives it",
            "ask for fewer days or dimensions, or raise its max_memory_usage",
        )
    if code in _OF_FILES:
        return FilesGoneError(
            f"{server}: {_short(said)}",
            f"check that it finds them there; ?lake= in {_VARIABLE} says where",
        )
    if code is None:
        return ServerAwayError(
            f"{server} does not answer", f"start it, or correct {_VARIABLE}"
        )
    why, remedy = _WHAT_TO_DO.get(code, ("refuses a question", "report it, please"))
    return ServerAwayError(f"{server} {why} ({_short(said)})", remedy)


def _short(said: str) -> str:
    """The server's own words, in one line, without what the client puts around it."""
    found = re.search(r"DB::Exception: (.*)", said, re.DOTALL)
    text = " ".join((found[1] if found else said).split())
    return re.sub(r" \(for url \S+\)$", "", text)[:200]
