"""The writer's end of a shard's stream: reading, trimming and setting entries aside.

The format of an entry is in `entry`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import cast

import msgspec
from redis import Redis, RedisError

from page_tracker.origins import new_origin
from page_tracker.schema import HITS
from page_tracker.store import keys
from page_tracker.store.clients import together
from page_tracker.store.counters import SUMS
from page_tracker.store.entry import Entry, UnreadableEntryError
from page_tracker.store.kept_entries import KeptEntries
from page_tracker.store.moved import require_not_moved
from page_tracker.store.replicas import Copies
from page_tracker.store.scripts import script
from page_tracker.store.writer_record import WriterRecord

# What every method of a stream raises if Redis does not answer.
StreamAwayError = RedisError

# How many batches are read to find the hit that waits longest.
_LOOKED_AT = 64
_TIME = [column.name for column in HITS].index("time")


class Aside(msgspec.Struct, frozen=True):
    """An entry that was set aside: `id` names it for `replay` and `forget`."""

    id: str
    number: int
    why: str
    # Milliseconds since 1970.
    moment: int
    sites: tuple[str, ...]
    size: int


class Stream:
    """One shard's stream. The client must not decode what it reads.

    Every method raises redis.RedisError where Redis does not answer, and may then be
    called again: a second call changes nothing more.
    """

    def __init__(self, redis: Redis, shard: int = 0, copies: Copies = Copies()) -> None:
        self._redis = redis
        self._copies = copies
        self.shard = shard
        self._stream = keys.stream(shard)
        self._state = keys.state(shard)
        self._aside = keys.aside(shard)
        self.record = WriterRecord(redis, shard)
        self.kept = KeptEntries(redis, shard)
        self._rows_waiting = redis.register_script(_ROWS_WAITING)
        self._trim = redis.register_script(_TRIM)
        self._set_aside = redis.register_script(_SET_ASIDE)
        self._replay = redis.register_script(_REPLAY)
        self._renumber = redis.register_script(_RENUMBER)
        self._renew_origin = redis.register_script(_RENEW_ORIGIN)

    def origin(self) -> int:
        """The store's origin; drawn now if the store is new or was emptied."""
        known = self._redis.hget(self._state, "origin")
        if known is None:
            self._redis.hsetnx(self._state, "origin", new_origin())
            known = self._redis.hget(self._state, "origin")
        return int(cast(bytes, known))

    def last(self) -> int:
        """Number of the last entry that was appended; 0 before the first."""
        return int(cast(bytes | None, self._redis.hget(self._state, "number")) or 0)

    def first(self) -> int | None:
        """Number of the first entry that waits; None where none does."""
        entries = self.read(0, 1)
        return entries[0].number if entries else None

    def waiting(self) -> int:
        """How many rows (hits and drops) wait."""
        return int(self._rows_waiting([self._stream, self._state]))

    def drained(self) -> int:
        """How many rows were removed because the lake has them."""
        return int(cast(bytes | None, self._redis.hget(self._state, "drained")) or 0)

    def read(self, after: int, most: int) -> list[Entry]:
        """At most `most` entries with numbers above `after`, in order."""
        found = self._redis.xrange(self._stream, min=f"({after}-0", count=most)
        return [_entry(name, fields) for name, fields in cast(_Found, found)]

    def require_copies(self) -> None:
        """Have what was read until now on as many replicas as hits must be on.

        Raises RedisError where it is not. What only the primary had would be sent
        again, once a replica has taken its place.
        """
        if self._copies.replicas:
            # Only who has written something is told of what came before.
            key = keys.commits(self.shard)
            written = ("HINCRBY", key, "copied", 1)
            answers = together(self._redis, key, written, self._copies.command)
            self._copies.require(answers[1])

    def last_up_to(self, number: int) -> Entry | None:
        """The queued entry with the highest number that is not above this one."""
        found = self._redis.xrevrange(self._stream, max=f"{number}-0", count=1)
        return next((_entry(*each) for each in cast(_Found, found)), None)

    def trim(
        self,
        position: int,
        origin: int,
        term: str = "",
        lake: str = "",
        keep: int = 0,
    ) -> int:
        """Remove the entries up to `position`, which are in the lake; returns how many.

        They are kept beside the stream for so many seconds: see `KeptEntries`.

        Nothing is removed where the last of them is of another origin, or of another
        term if one is given: the store is not the one that they were read from. Raises
        MovedError where this stream or that lake was moved.
        """
        names = [self._stream, self._state, keys.kept(self.shard)]
        removed = int(self._trim(names, [position, origin, term, lake, keep]))
        if removed < 0:
            require_not_moved(self._redis, lake)
        return max(removed, 0)

    def require_not_moved(self, lake: str) -> None:
        """Raise MovedError where this stream, or the lake it goes to, was moved."""
        require_not_moved(self._redis, lake)

    def renumber(self, entry: Entry) -> int:
        """Append a queued entry again, under the present origin; it leaves its place.

        Returns its new number; 0 if it is not there (any more).
        """
        return int(
            self._renumber(
                [self._stream, self._state], [entry.number, entry.term, new_origin()]
            )
        )

    def remove(self, entry: Entry) -> None:
        """Remove one entry, which the lake has under another number."""
        self._redis.xdel(self._stream, f"{entry.number}-0")

    def set_aside(self, number: int, why: str) -> bool:
        """Move an entry out of the stream, and keep it; False if it is not there."""
        return bool(self._set_aside([self._stream, self._aside], [number, why]))

    def waiting_since(self) -> int | None:
        """When the hit that waits longest came (microseconds); None if none waits.

        Batches without hits, or that cannot be read, are passed over, a few at most.
        """
        for entry in self.read(0, _LOOKED_AT):
            with suppress(UnreadableEntryError):
                if rows := entry.rows():
                    return int(rows[0][_TIME])
        return None

    def count_aside(self) -> int:
        return self._redis.xlen(self._aside)

    def aside(self) -> list[Aside]:
        """What was set aside, oldest first."""
        found = cast(_Found, self._redis.xrange(self._aside))
        return [_aside(name.decode(), fields) for name, fields in found]

    def replay(self, id_: str) -> int:
        """Append an entry that was set aside to the stream again.

        Returns its new number; 0 if it is not there (any more).
        """
        names = [self._aside, self._stream, self._state]
        return int(self._replay(names, [id_, new_origin()]))

    def forget(self, id_: str) -> bool:
        """Delete an entry that was set aside; False if it is not there."""
        return bool(self._redis.xdel(self._aside, id_))

    def renew_origin(self, old: int) -> int:
        """Give the store a new origin instead of `old`; returns the one it has now.

        For a store that was restored: what it numbers from now on is new to the lake,
        and its counters start over, because the lake knows better what came before.
        Entries that wait keep the old one; those that the lake lacks though it has
        their number are brought in by `renumber`.
        """
        return int(self._renew_origin([self._state], [old, new_origin()]))

    def is_miscounted(self) -> None:
        """Have all sites recounted: the lake got hits that no counter knows."""
        self._redis.unlink(keys.recounted())


_Found = Iterable[tuple[bytes, dict[bytes, bytes]]]


def _entry(name: bytes, fields: dict[bytes, bytes]) -> Entry:
    return Entry(int(name.partition(b"-")[0]), fields)


def _aside(name: str, fields: Mapping[bytes, bytes]) -> Aside:
    sites = fields.get(b"sites", b"").decode(errors="replace")
    return Aside(
        id=name,
        number=int(fields[b"number"]),
        why=fields[b"why"].decode(errors="replace"),
        moment=int(name.partition("-")[0]),
        sites=tuple(sites.splitlines()),
        size=int(fields.get(b"rows", 0)),
    )


_ROWS_WAITING = script("entries", "rows_waiting", flag="no-writes")
# A store whose memory is full must still be drained: these scripts make room.
_TRIM = script("entries", "kept", "trim", flag="allow-oom")
_SET_ASIDE = script("set_aside", flag="allow-oom")
_REPLAY = script("entries", "append_again", "replay")
_RENUMBER = script("entries", "append_again", "renumber", flag="allow-oom")
_RENEW_ORIGIN = script("renew_origin", constants={"SUMS": SUMS})
