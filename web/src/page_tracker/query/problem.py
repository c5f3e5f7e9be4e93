"""What is wrong with a question, and where in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from page_tracker.errors import PageTrackerError

# A refusal lists at most this many names.
_MAX_LISTED = 16


class QueryError(ValueError):
    """A question that cannot be asked: `pointer` says where, `problem` what."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer}: {problem}")
        self.pointer = pointer
        self.problem = problem


def nearest(word: str, names: Iterable[str]) -> str:
    """A hint at the valid name that is probably meant, or else at all of them."""
    names = list(names)
    found = difflib.get_close_matches(word[:100], names, 1, 0.6)
    if found:
        return f'; did you mean "{found[0]}"?'
    return f"; valid are {', '.join(names)}" if len(names) <= _MAX_LISTED else ""


def escaped(key: object) -> str:
    """A key as a part of a JSON pointer (RFC 6901, 3)."""
    return str(key)[:100].replace("~", "~0").replace("/", "~1")


class QuestionTooCostlyError(PageTrackerError):
    """A question was stopped because it reached its limit of time or memory."""


class BusyError(PageTrackerError):
    """Other questions are being answered; this one was not begun."""


class AnswererGoneError(BusyError):
    """Whoever was answering has ended, perhaps for want of memory."""


class NobodyWaitsError(PageTrackerError):
    """A question was stopped because its asker has gone."""


def nobody_waits() -> NobodyWaitsError:
    """The error of a question whose asker has gone."""
    return NobodyWaitsError("nobody waits for the answer any more", "ask again")


class LakeAwayError(PageTrackerError):
    """The lake cannot be read."""


class FilesGoneError(LakeAwayError):
    """Files of this state of the lake cannot be read: ask a newer one.

    Usually they were cleaned up meanwhile.
    """

    def __init__(
        self, why: str, remedy: str = "check that its folder is there"
    ) -> None:
        super().__init__(
            f"files of the lake cannot be read ({why})", f"{remedy}, and ask again"
        )
        self.why = why
