"""Several events in one request: each is stored on its own; all are reported together.

A part that is refused or not stored does not affect the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf

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

    for place in _in_order(parts):
        raw, sender = parts[place]
        collector.collect_soon([raw], sender, partial(note, place))


def collect_each(collector: UnbatchedCollector, parts: Sequence[Part]) -> list[Fate]:
    """The same for a server without an event loop."""
    fates: dict[int, Fate] = {}
    for place in _in_order(parts):
        raw, sender = parts[place]
        try:
            fates[place] = collector.collect([raw], sender)
        except NotStoredError as error:
            fates[place] = error
    return [fates[place] for place in range(len(parts))]


def _in_order(parts: Sequence[Part]) -> list[int]:
    """The places of parts in the order in which they happened, as far as it is said."""
    times = [part.raw.claim.time if part.raw.claim else 0 for part in parts]
    return sorted(range(len(parts)), key=lambda place: times[place] or inf)
