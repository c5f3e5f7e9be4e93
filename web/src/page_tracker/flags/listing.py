"""All flags as people read them."""

from __future__ import annotations

from datetime import date

import msgspec

from page_tracker.flags.declared import FLAGS, Flag
from page_tracker.flags.provider import Flags

# OpenFeature's reasons, in words.
WORDS = {
    "DEFAULT": "the file's default",
    "STATIC": "declared default",
    "DISABLED": "declared default: the file disables it",
    "TARGETING_MATCH": "its rule",
    "ERROR": "declared default",
}


class Line(msgspec.Struct, frozen=True):
    """A flag: what it is, how that was decided, and whether its time is over."""

    flag: Flag
    is_on: bool
    by: str
    is_over: bool


def listed(flags: Flags, person: str, site: str, today: date) -> list[Line]:
    """What each flag is for a person at a site; '' is nobody's."""
    found = []
    for flag in FLAGS.values():
        decided = flags.decided(flag, person, site)
        by = WORDS.get(decided.reason, decided.reason)
        if decided.problem:
            by = f"{by}: {decided.problem}"
        found.append(Line(flag, decided.value, by, flag.until < today))
    return found
