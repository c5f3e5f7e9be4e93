"""The writer of one shard: moves the stream to the lake, exactly once.

    look (stream and lake) → next step → renew the origin
                                   | trim what is stored → collect a batch
                                       → commit its drops → commit its hits

A round is stateless: it asks the lake how far it is, trims what is stored, and commits
what comes after, based on the very snapshot that showed it. Killed at any instant, it
starts again with the same question; of two writers one is refused and asks again. The
drops go first, so that the hits' position alone shows what is stored; and what is
trimmed is what a later round finds in the lake, not what this one believes it wrote.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b

from arro3.core import RecordBatch, Table
from deltalake import DeltaTable, Transaction

from page_tracker.errors import LakeError
from page_tracker.lake.columns import Row, arrow_table
from page_tracker.lake.commit_retries import ConflictError, conflicts
from page_tracker.lake.table import Lake, append, append_table, marks, position
from page_tracker.lake.table_log import all_transactions
from page_tracker.origins import is_of_stream, of_batch, of_stream
from page_tracker.schema import DROPS, HITS
from page_tracker.store.entry import Entry
from page_tracker.store.stream import Stream, StreamAwayError
from page_tracker.writer.restored import lacking_in

logger = logging.getLogger(__name__)

# A commit is full with this many rows or bytes; this many entries are read at a time.
MAX_ROWS = 50_000
MAX_BYTES = 32_000_000
READ_AT_ONCE = 64
# Some 3,000 hits are decoded together: in smaller groups each takes longer, and larger
# ones outgrow the processor's cache.
DECODED_AT_ONCE = 1_000_000  # bytes

# An entry is set aside after this many tries, with this long between them.
TRIES = 5
BETWEEN_TRIES = 0.1  # seconds

_DAY = [column.name for column in HITS].index("day")
_DAY_OF_DROP = [column.name for column in DROPS].index("day")


@dataclass(frozen=True)
class Positions:
    """The state of stream and lake: numbers of entries.

    `last` is the store's latest, `committed` the lake's latest of the store's origin;
    `first` is the first one queued; the lake has `committed_of_first` of its origin.
    `is_another`: the entry with the number `committed` is not the one in the lake.
    """

    last: int
    committed: int
    first: int | None = None
    committed_of_first: int = 0
    is_another: bool = False


class NextStep(Enum):
    """What has to be done next."""

    RENEW = auto()  # the store was restored from an older copy: its numbers are in use
    REST = auto()
    TRIM = auto()
    STORE = auto()


def next_step(positions: Positions) -> NextStep:
    """Decide a round. Pure."""
    if positions.last < positions.committed or positions.is_another:
        return NextStep.RENEW
    if positions.first is None:
        return NextStep.REST
    if positions.first <= positions.committed_of_first:
        return NextStep.TRIM
    return NextStep.STORE


class LakeLostError(LakeError):
    """The lake does not have what the store has given it."""


class Done(Enum):
    """What a round has done: nothing to do, everything there was, or not all yet."""

    NOTHING = auto()
    ALL = auto()
    PART = auto()


@dataclass
class Commit:
    """Decoded entries of one origin that are committed together."""

    last: int
    last_id: bytes = b""
    is_all: bool = False
    hits: list[RecordBatch] = field(default_factory=list)
    drops: list[tuple[int, list[Row]]] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
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

    def drops_after(self, number: int) -> list[Row]:
        return [row for at, rows in self.drops if at > number for row in rows]


def refuse_new_lake(lake: Lake, stream: Stream, hits: DeltaTable) -> None:
    """Raise LakeLostError if a lake is new, and entries went to another one.

    What was trimmed had been found in a lake. A store that was restored has a new
    origin: its lake has entries of the previous one.
    """
    gone = stream.drained()
    if not gone or _has_entries(lake, hits):
        return
    raise LakeLostError(
        f"the lake {lake.uri} is new, and {gone} hits and drops of shard"
        f" {stream.shard} have gone to another one",
        "put that one back, or name it by PAGE_TRACKER_LAKE; or let this one begin"
        " without them by page-tracker recover; until then hits wait in Redis",
    )


def _has_entries(lake: Lake, hits: DeltaTable) -> bool:
    """Whether any entry of any stream is in a lake."""
    return any(map(is_of_stream, all_transactions(lake.log("hits"), hits)))


def mark_of(origin: int, shard: int, last_id: bytes) -> Transaction:
    """The transaction that records which batch the last entry in the lake was."""
    digest = blake2b(last_id, digest_size=8).digest()
    return Transaction(of_batch(origin, shard), int.from_bytes(digest, "big") >> 1)


class Writer:
    """Moves one shard's stream to the lake; any number of them may run."""

    def __init__(
        self, stream: Stream, lake: Lake, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self.stream = stream
        self.lake = lake
        self._sleep = sleep
        # Origin and last number of the store when it was last found in order and empty.
        self._rested: tuple[int, int] | None = None

    def round(self) -> Done:
        """Do one step of work; loses nothing and duplicates nothing.

        Raises RedisError, DeltaError, OSError or LakeFullError if Redis or the lake
        is away: then nothing was trimmed that is not in the lake.
        """
        try:
            with conflicts():
                return self._round()
        except ConflictError as error:
            logger.debug("another writer committed first: %s", error.why)
            with suppress(StreamAwayError):  # the next round says so
                self.stream.note_refusal()
            self._sleep(random.uniform(0, 0.05))  # nosec: a pause, not a secret
            return Done.PART

    def _round(self) -> Done:
        first = next(iter(self.stream.read(0, 1)), None)
        if first is None and self._rested == self._store_stands_at():
            return Done.NOTHING
        hits = self.lake.snapshot("hits")
        # Read after the lake: a store in order is ahead of it.
        origin, last = self._store_stands_at()
        positions = Positions(last, self._position(hits, origin))
        if first is not None:
            committed = self._position(hits, first.origin)
            is_another = first.origin == origin and self._is_another(hits, first)
            positions = Positions(
                last, positions.committed, first.number, committed, is_another
            )
        if not positions.committed:
            refuse_new_lake(self.lake, self.stream, hits)
        step = next_step(positions)
        if step is NextStep.RENEW:
            self._renew(origin, positions)
            return Done.PART
        if first is None or step is NextStep.REST:
            self._rested = (origin, last)
            return Done.NOTHING
        if step is NextStep.TRIM:
            self._trim(first, positions.committed_of_first)
        elif 0 < positions.committed_of_first < first.number - 1:
            logger.error(
                "shard %d: the lake lacks %d batches that no longer wait, as they were"
                " in it: it was restored from an older copy, and only a newer one has"
                " them",
                self.stream.shard,
                first.number - 1 - positions.committed_of_first,
            )
        return self._store(hits, first.origin, positions.committed_of_first)

    def _trim(self, first: Entry, committed: int) -> None:
        if not self.stream.trim(committed, first.origin):
            # Another origin begins below that number: the store was restored.
            self.stream.trim(first.number, first.origin)

    def _store_stands_at(self) -> tuple[int, int]:
        return self.stream.origin(), self.stream.last()

    def _position(self, table: DeltaTable, origin: int) -> int:
        return position(table, of_stream(origin, self.stream.shard))

    def _is_another(self, table: DeltaTable, first: Entry) -> bool:
        """Whether the last entry in the lake is not the queued one with its number.

        Then the store was restored from an older copy, and has continued numbering.
        """
        committed = self._position(table, first.origin)
        if first.number > committed:
            return False
        found = self.stream.read(committed - 1, 1)
        if not found or found[0].number != committed or found[0].origin != first.origin:
            return False
        mark = mark_of(first.origin, self.stream.shard, found[0].id)
        return position(table, mark.app_id) not in (0, mark.version)

    # Storing ----------------------------------------------------------------------

    def _store(self, hits: DeltaTable, origin: int, committed: int) -> Done:
        began = time.monotonic()
        self.lake.require_room()
        commit = self._collect(origin, committed)
        if commit.last == committed:
            return Done.ALL if commit.is_all else Done.PART
        if marks(hits, commit.days_touched, time.time()):
            # Commits that touch the same day once it is over refuse each other.
            with self.lake.turn("late"):
                hits = self.lake.snapshot("hits")
                if self._position(hits, origin) != committed:
                    raise ConflictError("another writer has had this turn")
                self._commit(hits, origin, commit)
        else:
            self._commit(hits, origin, commit)
        with suppress(StreamAwayError):  # the next round says so
            self.stream.note_commit(time.monotonic() - began)
        if commit.is_of_another_store:
            self.stream.is_miscounted()
        return Done.ALL if commit.is_all else Done.PART

    def _commit(self, hits: DeltaTable, origin: int, commit: Commit) -> None:
        name = of_stream(origin, self.stream.shard)
        if commit.drops:
            self._commit_drops(commit, name)
        table = Table.from_batches(commit.hits or arrow_table(HITS, []).to_batches())
        mark = mark_of(origin, self.stream.shard, commit.last_id)
        append_table(hits, table, sorted(commit.days), name, commit.last, mark)

    def _commit_drops(self, commit: Commit, name: str) -> None:
        drops = self.lake.snapshot("drops")
        rows = commit.drops_after(position(drops, name))
        if not rows:
            return
        append(drops, DROPS, rows, name, commit.last)
        if position(self.lake.snapshot("drops"), name) < commit.last:
            raise ConflictError("the drops' commit is not in the table")

    def _collect(self, origin: int, after: int) -> Commit:
        """Decode entries of `origin` after the number, up to a full commit.

        `is_all` if nothing was left to read.
        """
        commit = Commit(last=after)
        while not commit.is_full:
            found = self.stream.read(commit.last, READ_AT_ONCE)
            entries = [entry for entry in found if entry.origin == origin]
            for some in _together(entries):
                self._add(commit, some)
            if len(entries) < len(found):
                # From here on the entries are of another origin: for the next round.
                break
            if len(found) < READ_AT_ONCE:
                commit.is_all = True
                break
        return commit

    def _add(self, commit: Commit, entries: Sequence[Entry]) -> None:
        try:
            self._decode(commit, entries)
        except Exception:  # pylint: disable=broad-exception-caught
            # arro3 raises plain Exceptions. One of these entries is the cause; which?
            for entry in entries:
                self._decode_or_set_aside(commit, entry)

    def _decode(self, commit: Commit, entries: Sequence[Entry]) -> None:
        """Add entries to the commit, all or none."""
        rows = [row for entry in entries for row in entry.rows()]
        drops = [(entry.number, entry.drops()) for entry in entries]
        arrow_table(DROPS, [row for _, dropped in drops for row in dropped])
        if rows:
            commit.hits += arrow_table(HITS, rows).to_batches()
            commit.days.update({row[_DAY] for row in rows})
        commit.drops += [each for each in drops if each[1]]
        commit.rows += len(rows)
        commit.is_of_another_store |= any(each.is_of_another_store for each in entries)
        commit.bytes += sum(map(_bytes, entries))
        commit.last, commit.last_id = entries[-1].number, entries[-1].id

    def _decode_or_set_aside(self, commit: Commit, entry: Entry) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                self._decode(commit, [entry])
                return
            except Exception as error:  # pylint: disable=broad-exception-caught
                why = str(error)
            if attempt < TRIES:
                self._sleep(BETWEEN_TRIES)
        self.stream.set_aside(entry.number, why)
        commit.last, commit.last_id = entry.number, entry.id
        logger.error(
            "set entry %d of shard %d aside after %d tries;"
            " `page-tracker aside list` shows what was set aside, and why",
            entry.number,
            self.stream.shard,
            TRIES,
        )

    # Restored stores --------------------------------------------------------------

    def _renew(self, origin: int, positions: Positions) -> None:
        """Make a store that was restored from an older copy count under a new origin.

        What is queued in it under a number that the lake has is in the lake, unless it
        came after the restore: that is appended again under the new origin.
        """
        self.stream.renew_origin(origin)
        logger.warning(
            "shard %d was restored from an older copy (its last entry is %d, the lake"
            " has %d): it counts on under a new origin",
            self.stream.shard,
            positions.last,
            positions.committed,
        )
        queued = [
            entry
            for entry in self.stream.read(0, positions.last)
            if entry.origin == origin and entry.number <= positions.committed
        ]
        with self.lake.using("hits") as hits:
            lacking = lacking_in(hits, queued)
        for entry in lacking:
            self.stream.set_aside(entry.number, "came after the store was restored")
        for aside in self.stream.aside():
            if aside.why == "came after the store was restored":
                self.stream.replay(aside.id)


def _bytes(entry: Entry) -> int:
    return sum(map(len, entry.fields.values()))


def _together(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
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
