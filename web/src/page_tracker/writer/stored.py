"""What of a shard's stream the lake has, told by numbers, terms and batches; no clock.

    number ≤ the last of its term in the lake    it is there
    number ≤ the last one in the lake            under it lies another server's entry
    else                                         it is new

A store that was restored, or a replica that was promoted, numbers new entries from
where its copy ends, and the lake may have others under these numbers: of an earlier
term. Entries of the same number and term are the same, and so are all before them.

A batch whose answer was lost with the server is sent again, and is queued under a new
number though the lake has it. That is told by its queue: each commit says how far it
has got with each, and the log of the table has the commits of the last minutes.
"""

from __future__ import annotations

from collections.abc import Mapping

from deltalake import DeltaTable

from page_tracker.lake.table import Lake, position
from page_tracker.lake.table_log import all_transactions
from page_tracker.origins import of_stream, of_term
from page_tracker.store.entry import Entry, Place

# Where a commit's metadata has its queues.
QUEUES = "queues"


class Stored:
    """What a snapshot of a table has of a shard's entries of one origin."""

    def __init__(
        self, lake: Lake, name: str, table: DeltaTable, origin: int, shard: int
    ) -> None:
        self._log = lake.log(name)
        self._table = table
        self.origin, self._shard = origin, shard
        self.last = position(table, of_stream(origin, shard))

    def has(self, place: Place) -> bool:
        """Whether it has the entry of this origin there, and so all before it."""
        if place.number > self.last:
            return False
        term = of_term(self.origin, self._shard, place.term)
        return place.number <= position(self._table, term) or not self._knows_terms()

    def _knows_terms(self) -> bool:
        """Whether the last commit was of an entry with a term. An earlier version, or
        a log that was rebuilt, has numbers only."""
        of_any = of_term(self.origin, self._shard, "")
        known = all_transactions(self._log, self._table)
        return any(
            number == self.last
            for name, number in known.items()
            if name.startswith(of_any)
        )


def queues_in(hits: DeltaTable) -> dict[str, int]:
    """By queue the number of its last batch in the table of hits, as far back as the
    table's log goes."""
    found: dict[str, int] = {}
    for commit in hits.history():
        for queue, number in commit.get(QUEUES, {}).items():
            found[queue] = max(number, found.get(queue, 0))
    return found


def is_among(queues: Mapping[str, int], entry: Entry) -> bool:
    """Whether a queue's last batch is this entry's or a later one. Pure.

    What was appended again says nothing: its queue had got further before.
    """
    queue, number = entry.place_in_queue
    return not entry.was_appended_again and number <= queues.get(queue, 0)
