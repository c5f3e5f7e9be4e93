"""One batch as stored in a shard's stream, and its decoder.

An entry is one batch, numbered from 1 (`<number>-0`). Its fields, all bytes:

    v         format, 1
    origin    of the store when the entry was appended: with the shard it names the
              lake's application transaction, whose version is the entry's number
    born      origin of the visitors and visits, where it is another one (replayed)
    term      which run of a server numbered it: tells two entries of a number apart
    batch     id of the batch: its queue and its number there
    total     rows (hits and drops) appended to the shard so far, with this entry
    rows      rows of this entry
    sites     the sites that it has hits of, a line each
    records   msgpack array of `Record`, also of hits that turned out void
    numbers   for each record 29 bytes: visitor, visit, step, view, interaction, since,
              elapsed (unsigned 32 bits, little-endian) and arrival (a byte); a void
              one is all zero
    openings  msgpack array of [entry path, entry hostname, Touch], for each row but
              those of step 1, which open their visit themselves
    previous  msgpack array of path, hostname, …: for each row with view above 1
    drops     msgpack array of day, site, reason, name, number, …
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from page_tracker.days import month_of
from page_tracker.errors import PageTrackerError
from page_tracker.hits.hit import Record, Touch
from page_tracker.schema import NUMBER_BITS

FORMAT = b"1"

# A view may have arrived so many milliseconds later than the report of its reading: it
# may have been sent again.
_SLACK = 60_000

# As Lua reads it, too.
NUMBERS = "<IIIIIIIB"

_NUMBERS = struct.Struct(NUMBERS)
_records = msgspec.msgpack.Decoder(list[Record]).decode
_openings = msgspec.msgpack.Decoder(list[tuple[str, str, Touch]]).decode
_previous = msgspec.msgpack.Decoder(list[str]).decode
_drops = msgspec.msgpack.Decoder(list[Any]).decode


class UnreadableEntryError(PageTrackerError):
    """An entry of the stream cannot be decoded."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            f"entry {number} of the stream cannot be read ({why})",
            "it is set aside; replay it with a version of Page Tracker that can",
        )


class Place(NamedTuple):
    """Where an entry is: of two with the same number, the term tells them apart."""

    number: int
    term: str


class Entry(msgspec.Struct, frozen=True):
    """One batch as stored in the stream."""

    number: int
    fields: Mapping[bytes, bytes]

    @property
    def origin(self) -> int:
        """Together with the shard, the name of this entry's application transaction."""
        return int(self.fields[b"origin"])

    @property
    def is_of_another_store(self) -> bool:
        """Whether its hits were counted before the store had its present origin."""
        return (
            self.fields.get(b"born", self.fields[b"origin"]) != self.fields[b"origin"]
        )

    @property
    def term(self) -> str:
        """Which run of a server numbered it; empty if nobody knows."""
        return self.fields.get(b"term", b"").decode()

    @property
    def place(self) -> Place:
        return Place(self.number, self.term)

    @property
    def place_in_queue(self) -> tuple[str, int]:
        """The queue that its batch came from, and the batch's number there."""
        queue, _, number = self.batch.rpartition("-")
        return queue, int(number) if number.isdigit() else 0

    @property
    def was_appended_again(self) -> bool:
        """Whether it was in the stream before, under another number."""
        return b"born" in self.fields

    @property
    def batch(self) -> str:
        """The batch's id: queue, hyphen, number there; empty if it is lost."""
        return self.fields.get(b"batch", b"").decode()

    @property
    def total(self) -> int:
        return int(self.fields[b"total"])

    @property
    def size(self) -> int:
        """How many hits and drops it has."""
        return int(self.fields[b"rows"])

    def rows(self) -> list[tuple[Any, ...]]:
        """Its hits, as tuples in the order of `schema.HITS`.

        Time is in microseconds since 1970, day in days since then (ints), props a dict,
        month a string `YYYY-MM`. Raises UnreadableEntryError.
        """
        try:
            self._check_format()
            return self._rows()
        except _UNREADABLE as error:
            raise UnreadableEntryError(self.number, repr(error)) from error

    def drops(self) -> list[tuple[Any, ...]]:
        """Its drops, as tuples in the order of `schema.DROPS`; day in days since 1970.

        Raises UnreadableEntryError.
        """
        try:
            self._check_format()
            flat = _drops(self.fields[b"drops"])
            rows = zip(*[iter(flat)] * 5, strict=True)
            return [(*row, month_of(row[0])) for row in rows]
        except _UNREADABLE as error:
            raise UnreadableEntryError(self.number, repr(error)) from error

    def _check_format(self) -> None:
        if self.fields[b"v"] != FORMAT:
            raise ValueError(f"format {self.fields[b'v']!r}")

    def _rows(self) -> list[tuple[Any, ...]]:
        fields = self.fields
        base = int(fields.get(b"born", fields[b"origin"])) << NUMBER_BITS
        openings = iter(_openings(fields[b"openings"]))
        before = iter(_previous(fields[b"previous"]))
        records = _records(fields[b"records"])
        numbers = _NUMBERS.iter_unpack(fields[b"numbers"])
        return [
            _row(
                record,
                found,
                base,
                (
                    (record.path, record.hostname, record.touch)
                    if found[2] == 1
                    else next(openings)
                ),
                (next(before), next(before)) if found[3] > 1 else ("", ""),
            )
            for record, found in zip(records, numbers, strict=True)
            if found[0] != 0
        ]


def _row(
    record: Record,
    found: tuple[int, ...],
    base: int,
    opening: tuple[str, str, Touch],
    previous: tuple[str, str],
) -> tuple[Any, ...]:
    touched = _fields(opening[2])
    return (
        record.time,
        record.day,
        record.site,
        record.name,
        record.hostname,
        record.path,
        record.title,
        base | found[0],
        base | found[1],
        *found[2:7],
        found[7] == 1,
        *previous,
        opening[0],
        opening[1],
        *touched[:8],
        *_fields(record.place),
        *_fields(record.client),
        *touched[8:],
        record.props,
        _engaged(record.engaged, found[6]),
        record.scroll,
        record.revenue,
        record.currency,
        month_of(record.day),
    )


def _engaged(told: int | None, elapsed: int) -> int | None:
    """A reported reading time, at most what can have passed: clocks may jump."""
    return None if told is None else min(told, elapsed + _SLACK)


_fields = msgspec.structs.astuple
_UNREADABLE = (
    ValueError,
    KeyError,
    StopIteration,
    struct.error,
    msgspec.DecodeError,
    OverflowError,
)
