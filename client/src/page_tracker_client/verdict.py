"""What becomes of an event after its answer. Pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from page_tracker_client.connection import Answer

# Seconds: the most that a server may ask for, and the wait if it names none.
LONGEST_WAIT = 60.0
USUAL_WAIT = 1.0

_MAX_WHY = 200
_TRY_LATER = (408, 425, 500, 502, 503, 504)


class Fate(Enum):
    """Whether an event is done with."""

    TAKEN = auto()
    THIS_LATER = auto()  # the server reports that this visitor sends too many
    ALL_LATER = auto()  # the server accepts nothing now
    LOST = auto()


class Verdict(NamedTuple):
    """An event's fate, the reason, and after how many seconds it may be tried again."""

    fate: Fate
    why: str = ""
    wait: float = 0.0


def verdict_of(answer: Answer) -> Verdict:
    """Judge an answer."""
    status = answer.status
    dropped = answer.headers.get("x-page-tracker-dropped", "")
    if "unknown_site" in dropped:
        return Verdict(Fate.LOST, f"{dropped}: the server has no such site")
    if 200 <= status < 300:
        return Verdict(Fate.TAKEN)
    if status == 429:
        return Verdict(Fate.THIS_LATER, "429, too many from one address", _wait(answer))
    if status in _TRY_LATER:
        return Verdict(Fate.ALL_LATER, f"the server answers {status}", _wait(answer))
    if 300 <= status < 400:
        where = answer.headers.get("location", "elsewhere")[:_MAX_WHY]
        why = f"{status} to {where}: name the address that it redirects to"
        return Verdict(Fate.LOST, why)
    said = answer.body[:_MAX_WHY].decode("utf-8", "replace")
    return Verdict(Fate.LOST, f"the server answers {status}: {said}")


def _wait(answer: Answer) -> float:
    """The seconds in Retry-After, within bounds."""
    said = answer.headers.get("retry-after", "")
    wait = float(said) if said.isascii() and said.isdecimal() else USUAL_WAIT
    return min(max(wait, USUAL_WAIT), LONGEST_WAIT)
