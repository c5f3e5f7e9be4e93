"""What one commit to the lake has: entries of a shard, decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from arro3.core import RecordBatch

from page_tracker.lake.columns import Row, arrow_table
from page_tracker.schema import DROPS, HITS
from page_tracker.store.entry import Entry, Place
from page_tracker.writer.stored import Stored

# A commit is full with this many rows or bytes.
MAX_ROWS = 50_000
MAX_BYTES = 32_000_000
# Some 3,000 hits are decoded together: in smaller groups each takes longer, and larger
# ones outgrow the processor's cache.
DECODED_AT_ONCE = 1_000_000  # bytes

_DAY = [column.name for column in HITS].index("day")
_DAY_OF_DROP = [column.name for column in DROPS].index("day")


class Commit(msgspec.Struct):
    """Decoded entries of one origin that are committed together."""

    last: int
    last_place: Place | None = None
    is_all: bool = False
    hits: list[RecordBatch] = msgspec.field(default_factory=list)
    drops: list[tuple[Place, list[Row]]] = msgspec.field(default_factory=list)
    days: set[int] = msgspec.field(default_factory=set)
    # By term its last entry, by queue its last batch: numbers.
    terms: dict[str, int] = msgspec.field(default_factory=dict)
    queues: dict[str, int] = msgspec.field(default_factory=dict)
    rows: int = 0
    bytes: int = 0
    # Whether there are hits of another origin than the store's present one.
    is_of_another_store: bool = False

    @property
    def is_full(self) -> bool:
        return self.rows >= MAX_ROWS or self.bytes >= MAX_BYTES

    @property
    def days_touched(self) -> set[int]:
        """The days of hits and of drops."""
        return self.days.union(
            row[_DAY_OF_DROP] for _, rows in self.drops for row in rows
        )

    def drops_beyond(self, stored: Stored) -> list[Row]:
        return [
            row for place, rows in self.drops if not stored.has(place) for row in rows
        ]

    def add(self, entries: Sequence[Entry]) -> None:
        """Decode entries, all or none. Raises what arro3 does, UnreadableEntryError."""
        rows = [row for entry in entries for row in entry.rows()]
        drops = [(entry.place, entry.drops()) for entry in entries]
        arrow_table(DROPS, [row for _, dropped in drops for row in dropped])
        if rows:
            self.hits += arrow_table(HITS, rows).to_batches()
            self.days.update({row[_DAY] for row in rows})
        self.drops += [each for each in drops if each[1]]
        self.rows += len(rows)
        self.is_of_another_store |= any(each.is_of_another_store for each in entries)
        self.bytes += sum(map(_bytes, entries))
        for entry in entries:
            self.pass_over(entry)

    def pass_over(self, entry: Entry) -> None:
        """Have the commit reach to an entry, without its rows."""
        self.last, self.last_place = entry.place.number, entry.place
        if entry.term:
            self.terms[entry.term] = entry.number
        queue, number = entry.place_in_queue
        self.queues[queue] = max(number, self.queues.get(queue, 0))


def together(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in groups that are decoded together."""
    some: list[Entry] = []
    size = 0
    for entry in entries:
        some.append(entry)
        size += _bytes(entry)
        if size >= DECODED_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _bytes(entry: Entry) -> int:
    return sum(map(len, entry.fields.values()))
