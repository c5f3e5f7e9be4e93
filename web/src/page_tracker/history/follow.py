"""A live log, line by line the collector's way: enriched, ingested, counted live.

    Tail → lines → intent on disk → Sieve → Batch → submit → spot on disk

Each line counts once, whenever this is killed: what is about to be submitted is
written down first, with the batch's id; after a crash the very same batch is submitted
again, and the store knows it (for an hour at least). Where the store is away or full,
it waits.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import TypeVar

import msgspec

from page_tracker.collect.enrich import Known
from page_tracker.collect.hit import Drop, Hit
from page_tracker.collect.ingest import MOST_HITS, Batch, Outcome, StoreAway, StreamFull
from page_tracker.collect.keys import shard_of
from page_tracker.collect.lookups import Lookups
from page_tracker.errors import ImportsBusyError, ImportStoppedError, LogFileError
from page_tracker.history.blocks import LeftOut, Sieve
from page_tracker.history.formats import FORMATS, Format, recognise
from page_tracker.history.lines import lines_of, text_of
from page_tracker.history.register import held, replace_file
from page_tracker.history.tail import Spot, Tail
from page_tracker.site import Directory, Site

T = TypeVar("T")

# All in seconds.
LOOK_EVERY = 0.5
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that may be stored or not: its lines end at `until`."""

    batch: str
    moment: int
    until: int


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log is followed."""

    site: str
    path: str
    log_format: str
    spot: Spot
    intent: Intent | None = None


@dataclass(frozen=True)
class Store:
    """The collector's end of the store, as the composition root makes it.

    Both raise StoreAway where it does not answer.
    """

    submit: Callable[[Batch], list[Outcome]]
    # The salt of a site's day: (site, day, moment in microseconds) → salt.
    salt_of: Callable[[Site, int, int], bytes]
    site: Callable[[], Site]
    shards: int
    waiting: int


@dataclass
class Counted:
    """What was followed so far."""

    lines: int = 0
    pageviews: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


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
        log_format: Format | None,
        store: Store,
        lookups: Lookups,
        say: Callable[[str], object],
    ) -> None:
        self._log = log.absolute()
        self._store = store
        self._lookups = lookups
        self._say = say
        self._format = log_format
        site = store.site().id
        name = blake2b(f"{site}\0{self._log}".encode(), digest_size=8).hexdigest()
        self._state_path = folder / f"follow-{name}.state"
        self.counted = Counted()

    def run(self, stop: Event) -> Counted:
        """Follow until `stop` is set.

        Raises LogFileError, ImportsBusyError, BatchRefused, UnknownSiteError where
        the site is removed meanwhile, and ImportStoppedError where a disk fails.
        """
        try:
            return self._run_alone(stop)
        except OSError as error:
            raise ImportStoppedError(
                f"following {self._log} was stopped ({error})",
                "see that there is room, then start it again: it goes on where it was",
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
        """The next lines, so few that their hits fit into one batch."""
        block = tail.read()
        lines = block.split(b"\n", MOST_HITS)
        return block[: len(block) - len(lines[-1])] if len(lines) > MOST_HITS else block

    def _take(self, tail: Tail, intent: Intent, stop: Event) -> None:
        spot = tail.spot
        block = tail.read(intent.until)
        self._save(tail, spot, intent)
        hits, drops = self._sifted(block, intent, stop)
        by_shard: dict[int, tuple[list[Hit], list[Drop]]] = defaultdict(
            lambda: ([], [])
        )
        for hit in hits:
            by_shard[shard_of(hit.visitor, self._store.shards)][0].append(hit)
        if drops:
            by_shard[0][1].extend(drops)
        site = self._store.site()
        for shard, (shard_hits, shard_drops) in sorted(by_shard.items()):
            batch = Batch(
                moment=intent.moment,
                hits=shard_hits,
                drops=shard_drops,
                sites={site.id: site},
                shard=shard,
                waiting=self._store.waiting,
                id=intent.batch,
            )
            self._patiently(partial(self._store.submit, batch), stop)
        tail.advance(len(block))
        self._save(tail, tail.spot, None)

    def _sifted(
        self, block: bytes, intent: Intent, stop: Event
    ) -> tuple[list[Hit], list[Drop]]:
        site = self._store.site()
        log_format = self._format_of(block)
        known = Known(
            Directory([site]), _Salts(self._store, site, intent.moment), self._lookups
        )
        sieve = Sieve(site, log_format, known)
        found = self._patiently(lambda: list(sieve.hits(text_of(block))), stop)
        hits = [each for each in found if isinstance(each, Hit)]
        drops = [each for each in found if isinstance(each, Drop)]
        self.counted.lines += len(found)
        self.counted.pageviews += len(hits)
        self.counted.left_out.update(each.reason for each in drops)
        self.counted.left_out.update(
            each for each in found if isinstance(each, LeftOut)
        )
        return hits, drops

    def _patiently(self, act: Callable[[], T], stop: Event) -> T:
        """Do it again until the store answers; raises Stopped where told to stop."""
        pause = FIRST_PAUSE
        while True:
            try:
                return act()
            except (StoreAway, StreamFull) as error:
                if pause == FIRST_PAUSE:
                    self._say(f"{error.problem}; waiting")
                if stop.wait(pause):
                    raise Stopped from error
                pause = min(2 * pause, LONGEST_PAUSE)

    def _format_of(self, block: bytes) -> Format:
        if self._format is None:
            self._format = recognise(lines_of(block)[:200])
            if self._format is None:
                raise LogFileError(
                    f"{self._log} gets lines in no format that is known",
                    f"known are {', '.join(FORMATS)}; --format names one",
                )
        return self._format

    def _state(self) -> Followed | None:
        try:
            state = msgspec.json.decode(self._state_path.read_bytes(), type=Followed)
        except FileNotFoundError:
            return None
        if self._format is None and state.log_format:
            self._format = FORMATS.get(state.log_format)
        return state

    def _save(self, tail: Tail, spot: Spot, intent: Intent | None) -> None:
        state = Followed(
            site=self._store.site().id,
            path=str(tail.path),
            log_format=self._format.name if self._format else "",
            spot=spot,
            intent=intent,
        )
        replace_file(self._state_path, msgspec.json.encode(state))


def _intent(until: int) -> Intent:
    return Intent(
        batch=secrets.token_hex(8), moment=time.time_ns() // 1000, until=until
    )


class Stopped(Exception):
    """Told to stop while the store was away; what was begun is written down."""
