"""What a round of the writer has to do, by where stream and lake stand. Pure."""

from __future__ import annotations

from enum import Enum, auto

import msgspec


class Positions(msgspec.Struct, frozen=True):
    """The state of stream and lake: numbers of entries.

    `last` is the store's latest, `committed` the lake's latest of the store's origin;
    `first` is the first one queued; the lake has `committed_of_first` of its origin.
    `lacks`: the lake has others than those queued under some of these numbers.
    `is_former`: that origin is not the store's present one.
    """

    last: int
    committed: int
    first: int | None = None
    committed_of_first: int = 0
    lacks: bool = False
    is_former: bool = False


class NextStep(Enum):
    """What has to be done next."""

    RENEW = auto()  # the store was restored from an older copy: its numbers are in use
    RENUMBER = auto()  # and entries have such numbers
    REST = auto()
    TRIM = auto()
    STORE = auto()


def next_step(positions: Positions) -> NextStep:
    """Decide a round."""
    is_behind = positions.last < positions.committed
    if is_behind or (positions.lacks and not positions.is_former):
        return NextStep.RENEW
    if positions.lacks:
        return NextStep.RENUMBER
    if positions.first is None:
        return NextStep.REST
    if positions.first <= positions.committed_of_first:
        return NextStep.TRIM
    return NextStep.STORE
