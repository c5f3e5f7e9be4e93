"""A live log, whose lines take the collector's way: enriched, ingested, counted live.

    Tail → lines → intent on disk → Sieve → Batch → submit → spot on disk

Each line counts once, whenever this is killed: what is about to be submitted is
written down first, with the batch's id; after a crash the very same batch is submitted
again, and the store knows it (for an hour at least). While the store is away or full,
it waits.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import TypeVar

import msgspec

from page_tracker.collect.drops import by_shard
from page_tracker.errors import (
    DamagedRecordError,
    ImportsBusyError,
    ImportStoppedError,
)
from page_tracker.files import replace_file
from page_tracker.history.blocks import MAX_REPORTED, Sieve
from page_tracker.history.dialect import Dialect, tells_agents
from page_tracker.history.dialect_detection import (
    LOOKED_AT,
    check_malformed,
    is_known,
    recognise,
)
from page_tracker.history.expired_imports import first_day_of
from page_tracker.history.left_out_lines import LeftOut, Malformed, Refused
from page_tracker.history.lines import lines_of, text_of
from page_tracker.history.records import record_in
from page_tracker.history.register import held
from page_tracker.history.tail import Spot, Tail
from page_tracker.history.wanted import Wanted
from page_tracker.hits.context import Context
from page_tracker.hits.facts import Lookups
from page_tracker.hits.hit import Drop, Hit
from page_tracker.sites.site import Directory, Site
from page_tracker.store.ingest import (
    MAX_HITS,
    Batch,
    BatchId,
    Bounds,
    Outcome,
    StoreAwayError,
    StreamFullError,
)
from page_tracker.store.shards import Division

T = TypeVar("T")

# Seconds.
LOOK_EVERY = 0.5
FIRST_PAUSE = 0.2
MAX_PAUSE = 10.0
# How many of the last lines decide whether too many are malformed.
_RECENT = 1_000
# How many bytes of the log's earlier content are looked at.
_LOOKED_AT = 1 << 18


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that may be stored or not: its lines end at `until`."""

    batch: str
    moment: int
    until: int


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """How many of the last lines there were, and how many of them malformed."""

    lines: int = 0
    malformed: int = 0

    def with_more(self, lines: int, malformed: int) -> Recent:
        """With those of a block added; older lines count less and less."""
        half = 2 if self.lines > _RECENT else 1
        return Recent(self.lines // half + lines, self.malformed // half + malformed)


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log is followed."""

    site: str
    path: str
    spot: Spot
    # The format that was detected.
    dialect: Dialect | None = None
    intent: Intent | None = None
    recent: Recent = Recent()


class Store(msgspec.Struct, frozen=True):
    """The collector's end of the store, as the composition root makes it.

    Both raise StoreAwayError if it does not answer.
    """

    submit: Callable[[Batch], list[Outcome]]
    # The salt of a site's day: (site, day, moment in microseconds) → salt.
    salt_of: Callable[[Site, int, int], bytes]
    site: Callable[[], Site]
    division: Callable[[], Division]
    bounds: Bounds


class Counted(msgspec.Struct):
    """The counts of what was followed so far."""

    lines: int = 0
    pageviews: int = 0
    left_out: Counter[str] = msgspec.field(default_factory=Counter)


class _Salts(dict[tuple[str, int], bytes]):
    """The salts of the site's days, fetched when they are needed."""

    def __init__(self, store: Store, site: Site, moment: int) -> None:
        super().__init__()
        self._fetch: Callable[[int], bytes] = lambda day: store.salt_of(
            site, day, moment
        )

    def __missing__(self, key: tuple[str, int]) -> bytes:
        return self.setdefault(key, self._fetch(key[1]))


class LogFollower:
    """Follows one log for one site until told to stop."""

    def __init__(  # pylint: disable=too-many-arguments,too-many-positional-arguments
        self,
        folder: Path,
        log: Path,
        wanted: Wanted,
        store: Store,
        lookups: Lookups,
        say: Callable[[str], object],
    ) -> None:
        self._log = log.absolute()
        self._store = store
        self._lookups = lookups
        self._say = say
        self._wanted = wanted
        self._dialect: Dialect | None = None
        self._recent = Recent()
        site = store.site().id
        name = blake2b(f"{site}\0{self._log}".encode(), digest_size=8).hexdigest()
        self._state_path = folder / f"follow-{name}.state"
        self.counted = Counted()

    def run(self, stop: Event) -> Counted:
        """Follow until `stop` is set.

        Raises LogFileError, ImportsBusyError, BatchRefusedError, UnknownSiteError where
        the site is removed meanwhile, and ImportStoppedError where a disk fails.
        """
        try:
            return self._run_alone(stop)
        except OSError as error:
            raise ImportStoppedError(
                f"following {self._log} was stopped ({error})",
                "check that there is room, then start it again: it goes on where it"
                " was",
            ) from error

    def _run_alone(self, stop: Event) -> Counted:
        self._state_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        busy = ImportsBusyError(
            f"another process follows {self._log} for {self._store.site().id}",
            "stop it first: each of them would count every line",
        )
        with held(self._state_path.with_suffix(".lock"), busy):
            return self._run(stop)

    def _run(self, stop: Event) -> Counted:
        state = self._state()
        tail = Tail(self._log, state.spot if state else None)
        if tail.is_lost:
            self._say(
                f"{self._log} has gone on to another file, and the old one is gone"
            )
        try:
            before = tail.before(_LOOKED_AT)
            if self._dialect is None and is_known(lines_of(before)):
                self._recognise(before)
            if state is None:
                self._save(tail, tail.spot, None)
            elif state.intent and not tail.is_lost:
                self._take(tail, state.intent, stop)
            while not stop.is_set():
                if block := self._next_block(tail):
                    self._take(tail, _intent(tail.spot.offset + len(block)), stop)
                elif not tail.turn():
                    stop.wait(LOOK_EVERY)
        except Stopped:
            pass
        finally:
            tail.close()
        return self.counted

    def _next_block(self, tail: Tail) -> bytes:
        """The next lines, no more than fit into one batch."""
        block = tail.read()
        lines = block.split(b"\n", MAX_HITS)
        return block[: len(block) - len(lines[-1])] if len(lines) > MAX_HITS else block

    def _take(self, tail: Tail, intent: Intent, stop: Event) -> None:
        spot = tail.spot
        block = tail.read(intent.until)
        self._save(tail, spot, intent)
        hits, drops = self._sifted(block, intent, stop)
        site, division = self._store.site(), self._store.division()
        shard_hits, shard_drops = by_shard(hits, division), by_shard(drops, division)
        for shard in sorted({*shard_hits, *shard_drops}):
            batch = Batch(
                moment=intent.moment,
                hits=shard_hits.get(shard, ()),
                drops=shard_drops.get(shard, ()),
                sites={site.id: site},
                shard=shard,
                bounds=self._store.bounds.divided(division.parts(shard)),
                id=BatchId(intent.batch),
            )
            self._patiently(partial(self._store.submit, batch), stop)
        tail.advance(len(block))
        self._save(tail, tail.spot, None)

    def _sifted(
        self, block: bytes, intent: Intent, stop: Event
    ) -> tuple[list[Hit], list[Drop]]:
        site, text = self._store.site(), text_of(block)
        known = Context(
            Directory([site]), _Salts(self._store, site, intent.moment), self._lookups
        )
        first_day = first_day_of(site, intent.moment / 1_000_000)
        sieve = Sieve(site, self._dialect_of(block), known, first_day)
        found = self._patiently(lambda: list(sieve.hits(text)), stop)
        self._check(found)
        hits = [each for each in found if isinstance(each, Hit)]
        drops = [each for each in found if isinstance(each, Drop)]
        self.counted.lines += len(found)
        self.counted.pageviews += len(hits)
        self.counted.left_out.update(
            each.reason for each in found if not isinstance(each, Hit)
        )
        return hits, drops

    def _check(self, found: list[Hit | Drop | Refused | Malformed]) -> None:
        """Report malformed lines. Raises LogFileError if there are too many."""
        malformed = [each.text for each in found if isinstance(each, Malformed)]
        blank = found.count(Refused(LeftOut.BLANK))
        recent = self._recent.with_more(len(found) - blank, len(malformed))
        if malformed and not self._wanted.skip_malformed:
            check_malformed(str(self._log), recent.malformed, recent.lines, malformed)
        reported = self.counted.left_out[LeftOut.MALFORMED]
        for line in malformed[: max(0, MAX_REPORTED - reported)]:
            self._say(f"{self._log}: malformed, left out: {line}")
        self._recent = recent

    def _patiently(self, act: Callable[[], T], stop: Event) -> T:
        """Repeat a call until the store answers. Raises Stopped if told to stop."""
        pause = FIRST_PAUSE
        while True:
            try:
                return act()
            except (StoreAwayError, StreamFullError) as error:
                if pause == FIRST_PAUSE:
                    self._say(f"{error.problem}; waiting")
                if stop.wait(pause):
                    raise Stopped from error
                pause = min(2 * pause, MAX_PAUSE)

    def _dialect_of(self, block: bytes) -> Dialect:
        """The log's dialect: from the first user agent on, one with user agents."""
        dialect = self._dialect or self._recognise(block)
        if not dialect.has_agents and tells_agents(text_of(block), dialect):
            dialect = self._dialect = dialect._replace(has_agents=True)
        return dialect

    def _recognise(self, lines: bytes) -> Dialect:
        looked_at = lines_of(lines)[-LOOKED_AT:]
        found = recognise(str(self._log), looked_at, self._wanted)
        for note in found.notes:
            self._say(note)
        has_agents = tells_agents(text_of(lines), found.dialect)
        self._dialect = found.dialect._replace(has_agents=has_agents)
        return self._dialect

    def _state(self) -> Followed | None:
        try:
            content = self._state_path.read_bytes()
            state = record_in(content, Followed, str(self._state_path))
        except FileNotFoundError:
            return None
        except DamagedRecordError as error:
            aside = self._state_path.replace(self._state_path.with_suffix(".damaged"))
            self._say(
                f"{error.problem} and is set aside as {aside.name}: following begins at"
                " the log's end, and what came while nobody followed does not count"
            )
            return None
        self._recent = state.recent
        if self._wanted.format is None and self._wanted.whose is None:
            self._dialect = state.dialect
        return state

    def _save(self, tail: Tail, spot: Spot, intent: Intent | None) -> None:
        state = Followed(
            site=self._store.site().id,
            path=str(tail.path),
            spot=spot,
            dialect=self._dialect,
            intent=intent,
            recent=self._recent,
        )
        replace_file(self._state_path, msgspec.json.encode(state))


def _intent(until: int) -> Intent:
    return Intent(
        batch=secrets.token_hex(8), moment=time.time_ns() // 1000, until=until
    )


class Stopped(Exception):
    """Told to stop while the store was away; what was begun is on disk."""
