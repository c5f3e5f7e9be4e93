"""Which shards are this writer's: all that are at work share them evenly.

    each writer reports every second → all see the same list → each takes its places

Nobody hands anything over, since a writer holds nothing: who joins, leaves or dies
changes the list, and everybody's shards with it. While two see different lists, both
may write a shard; one of them is then refused by the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from page_tracker.store.stream import StreamAwayError
from page_tracker.store.writers import Writers


def part_of(names: Sequence[str], name: str, shards: int) -> range:
    """The shards of one of these writers; none where there are more writers. Pure.

    The newest has the first shard, so that of a store with one a writer that was killed
    and started again goes on at once.
    """
    return range(sorted(names, reverse=True).index(name), shards, len(names))


class Share:
    """The shards of this writer, as it saw the others last."""

    def __init__(self, writers: Writers, shards: int) -> None:
        self._writers = writers
        self._shards = shards
        self._part = range(0)

    def renew(self) -> None:
        """Report that this writer is at work, and look at who else is.

        Raises RedisError if Redis does not answer: then nobody's shards change.
        """
        self._part = part_of(self._writers.report(), self._writers.name, self._shards)

    def __contains__(self, shard: object) -> bool:
        return shard in self._part

    def leave(self) -> None:
        """Let the others have its shards at once."""
        with suppress(StreamAwayError):  # they find out by themselves
            self._writers.leave()
