"""The writer of one shard: moves the stream to the lake, exactly once.

    look (stream and lake) → next step → renew the origin | renumber what lacks
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from enum import Enum, auto

from arro3.core import Table
from deltalake import DeltaTable, Transaction

from page_tracker.errors import LakeError
from page_tracker.lake.columns import arrow_table
from page_tracker.lake.commit_retries import ConflictError, conflicts
from page_tracker.lake.followed import FollowedTables
from page_tracker.lake.table import Lake, append, append_table, marks, position
from page_tracker.lake.table_log import all_transactions
from page_tracker.origins import is_of_stream, of_stream, of_term
from page_tracker.schema import DROPS, HITS
from page_tracker.store.entry import Entry
from page_tracker.store.stream import Stream, StreamAwayError
from page_tracker.writer.commit import Commit, together
from page_tracker.writer.next_step import NextStep, Positions, next_step
from page_tracker.writer.stored import QUEUES, Stored, is_among, queues_in

logger = logging.getLogger(__name__)

# So many entries are read at a time.
READ_AT_ONCE = 64

# An entry is set aside after this many tries, with this long between them.
TRIES = 5
BETWEEN_TRIES = 0.1  # seconds


class LakeLostError(LakeError):
    """The lake does not have what the store has given it."""


class Done(Enum):
    """What a round has done: nothing to do, everything there was, or not all yet."""

    NOTHING = auto()
    ALL = auto()
    PART = auto()


def refuse_new_lake(lake: Lake, stream: Stream, hits: DeltaTable | None) -> None:
    """Raise LakeLostError if a lake is new, and entries went to another one.

    A new one may have no table of hits yet.

    What was trimmed had been found in a lake. A store that was restored has a new
    origin: its lake has entries of the previous one.
    """
    gone = stream.drained()
    if not gone or (hits and _has_entries(lake, hits)):
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


class Writer:
    """Moves one shard's stream to the lake; any number of them may run."""

    def __init__(
        self,
        stream: Stream,
        lake: Lake,
        sleep: Callable[[float], object] = time.sleep,
        keep: int = 0,
        tables: FollowedTables | None = None,
    ) -> None:
        """`keep`: for how many seconds Redis keeps what the lake has, and may lose.

        `tables`: the lake's, of all writers that write in turn.
        """
        self.stream = stream
        self.lake = lake
        self._tables = tables or FollowedTables(lake)
        self._keep = keep
        self._sleep = sleep
        # How many batches that the lake has lost were appended again, at its end.
        self._again = 0
        # Origin and last number of the store when it was last found in order and empty.
        self._rested: tuple[int, int] | None = None

    def round(self) -> Done:
        """Do one step of work; loses nothing and duplicates nothing.

        Raises RedisError, DeltaError, OSError or LakeFullError if Redis or the lake
        is away: then nothing was trimmed that is not in the lake.
        """
        try:
            with conflicts(), self._tables.forgotten_on_failure():
                return self._round()
        except ConflictError as error:
            logger.debug("another writer committed first: %s", error.why)
            with suppress(StreamAwayError):  # the next round says so
                self.stream.record.note_refusal()
            self._sleep(random.uniform(0, 0.05))  # nosec: a pause, not a secret
            return Done.PART

    def _round(self) -> Done:
        first = next(iter(self.stream.read(0, 1)), None)
        if first is None and self._rested == self._store_stands_at():
            return Done.NOTHING
        self.stream.require_not_moved(self.lake.uri)
        # Read before the lake: what was kept by then is in it, or was.
        kept = self.stream.kept.last() if self._keep else None
        hits = self._tables.snapshot("hits")
        # Read after the lake: a store in order is ahead of it.
        origin, last = self._store_stands_at()
        positions = self._positions(hits, origin, last, first)
        if not positions.committed:
            refuse_new_lake(self.lake, self.stream, hits)
        step = next_step(positions)
        if step is NextStep.RENEW:
            self._renew(origin, positions)
            return Done.PART
        if kept and self._bring_back(hits, kept):
            return Done.PART
        if first is None or step is NextStep.REST:
            self._rested = (origin, last)
            return Done.NOTHING
        stored = self._stored("hits", hits, first.origin)
        if step is NextStep.RENUMBER:
            self._renumber(hits, stored)
            return Done.PART
        if step is NextStep.TRIM:
            if newest := self._newest(stored):
                place = (newest.number, newest.origin, newest.term)
                self.stream.trim(*place, self.lake.uri, self._keep)
        else:
            self._tell_gap(first.number - 1, stored.last)
        return self._store(hits, stored)

    def _tell_gap(self, trimmed: int, committed: int) -> None:
        """Log how many batches were in the lake that nobody has any more."""
        if trimmed <= committed:
            self._again = 0
        elif committed and (lacking := trimmed - committed - self._again) > 0:
            logger.error(
                "shard %d: the lake lacks %d batches that no longer wait, as they were"
                " in it: it was restored from an older copy, and only a newer one has"
                " them",
                self.stream.shard,
                lacking,
            )

    def _bring_back(self, hits: DeltaTable, kept: Entry) -> bool:
        """Have written again what the lake had and has lost, as far as it is kept."""
        committed = self._position(hits, kept.origin)
        if kept.number <= committed:
            return False
        if again := self.stream.kept.bring_back(committed, kept.origin):
            self._again += again
            logger.error(
                "shard %d: the lake has lost its last commits; %d batches that it had"
                " are written again from Redis",
                self.stream.shard,
                again,
            )
        return again > 0

    def _positions(
        self, hits: DeltaTable, origin: int, last: int, first: Entry | None
    ) -> Positions:
        committed = self._position(hits, origin)
        if first is None:
            return Positions(last, committed)
        stored = self._stored("hits", hits, first.origin)
        return Positions(
            *(last, committed, first.number, stored.last),
            lacks=self._lacks(stored),
            is_former=first.origin != origin,
        )

    def _stored(self, name: str, table: DeltaTable, origin: int) -> Stored:
        return Stored(self.lake, name, table, origin, self.stream.shard)

    def _lacks(self, stored: Stored) -> bool:
        """Whether it has others than those queued under some of its numbers."""
        newest = self._newest(stored)
        return newest is not None and not stored.has(newest.place)

    def _newest(self, stored: Stored) -> Entry | None:
        """The last queued entry of its origin whose number it has."""
        found = self.stream.last_up_to(stored.last)
        if found is None or found.origin == stored.origin:
            return found
        # Another origin begins below that number: the store was restored.
        return next(iter(list(self._queued(stored))[-1:]), None)

    def _queued(self, stored: Stored) -> Iterator[Entry]:
        """The queued entries of its origin whose numbers it has."""
        after = 0
        while found := self.stream.read(after, READ_AT_ONCE):
            for entry in found:
                if entry.origin != stored.origin or entry.number > stored.last:
                    return
                yield entry
            after = found[-1].number

    def _store_stands_at(self) -> tuple[int, int]:
        return self.stream.origin(), self.stream.last()

    def _position(self, table: DeltaTable, origin: int) -> int:
        return position(table, of_stream(origin, self.stream.shard))

    # Storing ----------------------------------------------------------------------

    def _store(self, hits: DeltaTable, stored: Stored) -> Done:
        began = time.monotonic()
        self.lake.require_room()
        commit = self._collect(stored)
        if commit.last == stored.last:
            return Done.ALL if commit.is_all else Done.PART
        self.stream.require_copies()
        if marks(hits, commit.days_touched, time.time()):
            # Commits that touch the same day once it is over refuse each other.
            with self.lake.turn("late"):
                hits = self._tables.snapshot("hits")
                if self._position(hits, stored.origin) != stored.last:
                    raise ConflictError("another writer has had this turn")
                self._commit(hits, stored.origin, commit)
        else:
            self._commit(hits, stored.origin, commit)
        with suppress(StreamAwayError):  # the next round says so
            self.stream.record.note_commit(time.monotonic() - began)
        if commit.is_of_another_store:
            self.stream.is_miscounted()
        return Done.ALL if commit.is_all else Done.PART

    def _commit(self, hits: DeltaTable, origin: int, commit: Commit) -> None:
        name = of_stream(origin, self.stream.shard)
        terms = [
            Transaction(of_term(origin, self.stream.shard, term), number)
            for term, number in commit.terms.items()
        ]
        if commit.drops:
            self._commit_drops(commit, origin, terms)
        table = Table.from_batches(commit.hits or arrow_table(HITS, []).to_batches())
        days, also = sorted(commit.days), {QUEUES: commit.queues}
        append_table(hits, table, days, name, commit.last, *terms, also=also)

    def _commit_drops(
        self, commit: Commit, origin: int, terms: Sequence[Transaction]
    ) -> None:
        name = of_stream(origin, self.stream.shard)
        drops = self._tables.snapshot("drops")
        rows = commit.drops_beyond(self._stored("drops", drops, origin))
        if not rows:
            return
        append(drops, DROPS, rows, name, commit.last, *terms)
        if position(self._tables.snapshot("drops"), name) < commit.last:
            raise ConflictError("the drops' commit is not in the table")

    def _collect(self, stored: Stored) -> Commit:
        """Decode entries of an origin after what is stored, up to a full commit.

        `is_all` if nothing was left to read. Raises ConflictError if another server has
        taken the place of the one that was read from.
        """
        commit = Commit(last=stored.last)
        while not commit.is_full:
            found = self.stream.read(commit.last, READ_AT_ONCE)
            self._require_same_server(stored, commit)
            entries = [entry for entry in found if entry.origin == stored.origin]
            for some in together(entries):
                self._add(commit, some)
            if len(entries) < len(found):
                # From here on the entries are of another origin: for the next round.
                break
            if len(found) < READ_AT_ONCE:
                commit.is_all = True
                break
        return commit

    def _require_same_server(self, stored: Stored, commit: Commit) -> None:
        """Raise ConflictError unless what was read last follows what came before it."""
        if commit.last_place:
            found = self.stream.last_up_to(commit.last)
            is_same = (
                found is None  # it was set aside
                or found.number < commit.last
                or found.place == commit.last_place
            )
        else:
            is_same = not self._lacks(stored)
        if not is_same:
            raise ConflictError("another server has taken the place of the shard's")

    def _add(self, commit: Commit, entries: Sequence[Entry]) -> None:
        try:
            commit.add(entries)
        except Exception:  # pylint: disable=broad-exception-caught
            # arro3 raises plain Exceptions. One of these entries is the cause; which?
            for entry in entries:
                self._decode_or_set_aside(commit, entry)

    def _decode_or_set_aside(self, commit: Commit, entry: Entry) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                commit.add([entry])
                return
            except Exception as error:  # pylint: disable=broad-exception-caught
                why = str(error)
            if attempt < TRIES:
                self._sleep(BETWEEN_TRIES)
        self.stream.set_aside(entry.number, why)
        commit.pass_over(entry)
        logger.error(
            "set entry %d of shard %d aside after %d tries;"
            " `page-tracker aside list` shows what was set aside, and why",
            entry.number,
            self.stream.shard,
            TRIES,
        )

    # Restored stores --------------------------------------------------------------

    def _renew(self, origin: int, positions: Positions) -> None:
        """Have a store restored from an older copy count under a new origin."""
        self.stream.renew_origin(origin)
        logger.warning(
            "shard %d was restored from an older copy (its last entry is %d, the lake"
            " has %d): it counts on under a new origin",
            self.stream.shard,
            positions.last,
            positions.committed,
        )

    def _renumber(self, hits: DeltaTable, stored: Stored) -> None:
        """Give new numbers to queued entries whose numbers others have in the lake."""
        queues = queues_in(hits)
        for entry in self._queued(stored):
            if stored.has(entry.place):
                continue
            if is_among(queues, entry):
                self.stream.remove(entry)
            else:
                self.stream.renumber(entry)
