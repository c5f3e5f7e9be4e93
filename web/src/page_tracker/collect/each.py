"""Several events in one request: each is stored on its own; all are reported together.

A part that is refused or not stored does not affect the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from page_tracker.collect.batched import Collector
from page_tracker.collect.direct import UnbatchedCollector
from page_tracker.errors import NotStoredError
from page_tracker.protocols.bulk import Fate, Part


def collect_each_soon(
    collector: Collector,
    parts: Sequence[Part],
    reply: Callable[[Sequence[Fate]], None],
) -> None:
    """Collect the parts; report all fates at once, in the order of the parts."""
    fates: dict[int, Fate] = {}

    def note(place: int, fate: Fate) -> None:
        fates[place] = fate
        if len(fates) == len(parts):
            reply([fates[place] for place in range(len(parts))])

    for place, part in enumerate(parts):
        collector.collect_soon([part.raw], part.sender, partial(note, place))


def collect_each(collector: UnbatchedCollector, parts: Sequence[Part]) -> list[Fate]:
    """The same for a server without an event loop."""
    fates: list[Fate] = []
    for part in parts:
        try:
            fates.append(collector.collect([part.raw], part.sender))
        except NotStoredError as error:
            fates.append(error)
    return fates
