"""The collector of a process: many requests, one batch, one sync of the disk.

    collect → enrich each → the lane of its visitor's shard → batch → store
            ← drops       ← what became of each            ← one reply

A lane sends one batch at a time; what comes meanwhile makes the next one. A hit is
answered for when the store has it on disk, never before.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from redis import RedisError

from page_tracker.collect.enrich import Known, UnknownSalt, enrich
from page_tracker.collect.fate import (
    RETRY_AWAY,
    drops_among,
    is_of_unknown_site,
    once_a_site,
    refusal,
    site_day_at,
)
from page_tracker.collect.hit import Drop, Hit, RawHit, Sender
from page_tracker.collect.ingest import (
    MOST_HITS,
    Batch,
    BatchRefused,
    Outcome,
    StoreAway,
    StreamFull,
    submit_async,
)
from page_tracker.collect.keys import shard_of
from page_tracker.collect.lookups import Lookups
from page_tracker.collect.salt import Salts
from page_tracker.errors import NotStored
from page_tracker.site import Directory, Site
from page_tracker.sites import Sites
from page_tracker.store_format import StoreFormatError

# All in seconds.
GATHER = 0.008  # from one batch to the next, where not ENOUGH hits wait before
# In which a batch whose reply was lost is submitted again; with the time limit of the
# last try a sender is answered within a second.
PATIENCE = 0.5
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.2
LOOK_EVERY = 1.0  # at the sites
LOOK_AGAIN = 0.1  # where a site is unknown
TRUST_SALTS = 60.0

# Hits that are worth a sync of the disk.
ENOUGH = 48

# Hits of a lane that wait for a batch; more are refused.
MOST_WAITING = 20_000

logger = logging.getLogger(__name__)


class Waiting(NamedTuple):
    """One hit, or one drop to count, and whom to tell what became of it."""

    found: Hit | Drop
    tell: Callable[[Outcome | NotStored], None]


class Lane:
    """The way to one shard: takes hits at any time, submits one batch at a time."""

    def __init__(
        self,
        submit: Callable[[Batch], Awaitable[list[Outcome]]],
        batch_of: Callable[[list[Hit], list[Drop]], Batch],
    ) -> None:
        self._submit = submit
        self._batch_of = batch_of
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._next = 0.0
        self._gathering: asyncio.Future[None] | None = None

    def put(
        self, found: Hit | Drop, tell: Callable[[Outcome | NotStored], None]
    ) -> None:
        """Take a hit, or a drop to count, and tell what became of it, once."""
        if len(self._waiting) >= MOST_WAITING:
            tell(
                NotStored(f"{MOST_WAITING} hits wait to be stored already", RETRY_AWAY)
            )
            return
        self._waiting.append(Waiting(found, tell))
        if self._task is None:
            self._task = self._loop.create_task(self._run())
        elif self._gathering is not None and len(self._waiting) >= ENOUGH:
            _end(self._gathering)

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                self._next = self._loop.time() + GATHER
                taken = self._waiting[:MOST_HITS]
                del self._waiting[:MOST_HITS]
                await self._settle(taken)
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Return when a batch is due, or worth it."""
        if len(self._waiting) >= ENOUGH or self._loop.time() >= self._next:
            return
        self._gathering = self._loop.create_future()
        timer = self._loop.call_at(self._next, _end, self._gathering)
        try:
            await self._gathering
        finally:
            timer.cancel()
            self._gathering = None

    async def _settle(self, taken: list[Waiting]) -> None:
        """Store a batch and tell all who wait for it."""
        hits = [each.found for each in taken if isinstance(each.found, Hit)]
        drops = [each.found for each in taken if isinstance(each.found, Drop)]
        try:
            outcomes = iter(await self._stored(self._batch_of(hits, drops)))
        except NotStored as error:
            _refuse(taken, error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever it is, nobody may wait for ever.
            logger.exception("A batch of %d hits could not be stored", len(hits))
            _refuse(taken, NotStored(f"a batch was refused ({error})", RETRY_AWAY))
        else:
            for found, tell in taken:
                tell(next(outcomes) if isinstance(found, Hit) else Outcome.STORED)

    async def _stored(self, batch: Batch) -> list[Outcome]:
        """Submit a batch, and again under its id while nobody knows if it is in."""
        deadline = self._loop.time() + PATIENCE
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._submit(batch)
            except (StreamFull, BatchRefused) as error:
                logger.error("%s", error)
                raise refusal(error) from error
            except StoreAway as error:
                if self._loop.time() + pause > deadline:
                    logger.error("%s", error.problem)
                    failure = refusal(error)
                    _refuse(self._waiting, failure)  # they would wait in vain
                    self._waiting.clear()
                    raise failure from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


class Collector:
    """All lanes of a process, and what its hits are judged by."""

    def __init__(
        self,
        store: Any,
        sites: Sites,
        lookups: Lookups,
        *,
        shards: int = 1,
        most_in_stream: int,
    ) -> None:
        """`store` is a client of the event loop; must be made while the loop runs."""
        self._store = store
        self._sites = sites
        self._lookups = lookups
        self._known: Known | None = None
        self._salts = Salts()
        self._salts_at_hand: dict[tuple[str, int], bytes] = {}
        self._fetching: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._looked = 0.0
        self._look: asyncio.Task[None] | None = None
        self._watch = asyncio.create_task(self._keep_watch())
        self._lanes = [
            Lane(
                partial(submit_async, store),
                partial(self._batch, shard, most_in_stream),
            )
            for shard in range(shards)
        ]

    def collect_soon(
        self,
        raws: Sequence[RawHit],
        sender: Sender,
        tell: Callable[[Sequence[Drop] | NotStored], None],
    ) -> None:
        """`collect` without a task of its own, where nothing must be asked first."""
        if len(raws) == 1:
            found = self._judged_at_once(raws[0], sender, time.time_ns() // 1000)
            if found is not None:
                self._lane_of(found).put(found, partial(_tell_of_one, found, tell))
                return
        task = asyncio.create_task(self._collect_and_tell(raws, sender, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def collect(self, raws: Sequence[RawHit], sender: Sender) -> list[Drop]:
        """Store an event of one site or several, each of which gets it once.

        What does not count comes back, with its reason. Raises NotStored where it is
        not stored, or nobody knows.
        """
        moment = time.time_ns() // 1000
        judged = [
            self._judged_at_once(raw, sender, moment)
            or await self._judged(raw, sender, moment)
            for raw in raws
        ]
        found = once_a_site(judged)
        fates = []
        for each in found:
            fate: asyncio.Future[Outcome | NotStored] = self._loop.create_future()
            self._lane_of(each).put(each, partial(_tell_future, fate))
            fates.append(fate)
        settled = []
        for each, outcome in zip(found, await asyncio.gather(*fates), strict=True):
            if isinstance(outcome, NotStored):
                raise outcome
            settled.append((each, outcome))
        return drops_among(settled)

    async def _collect_and_tell(
        self,
        raws: Sequence[RawHit],
        sender: Sender,
        tell: Callable[[Sequence[Drop] | NotStored], None],
    ) -> None:
        try:
            tell(await self.collect(raws, sender))
        except NotStored as error:
            tell(error)

    async def close(self) -> None:
        """Store what still waits."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        for lane in self._lanes:
            await lane.drained()
        self._watch.cancel()

    def _lane_of(self, found: Hit | Drop) -> Lane:
        if isinstance(found, Drop) or len(self._lanes) == 1:
            return self._lanes[0]
        return self._lanes[shard_of(found.visitor, len(self._lanes))]

    def _batch(
        self, shard: int, most_in_stream: int, hits: list[Hit], drops: list[Drop]
    ) -> Batch:
        return Batch(
            moment=time.time_ns() // 1000,
            hits=hits,
            drops=drops,
            sites=self._known.directory.by_id if self._known else {},
            shard=shard,
            waiting=most_in_stream,
        )

    def _judged_at_once(
        self, raw: RawHit, sender: Sender, moment: int
    ) -> Hit | Drop | None:
        """The hit or drop; None where something must be asked of the store first."""
        if self._known is None:
            return None
        try:
            found = enrich(raw, sender, moment, self._known)
        except UnknownSalt:
            return None
        return None if is_of_unknown_site(found) else found

    async def _judged(self, raw: RawHit, sender: Sender, moment: int) -> Hit | Drop:
        """The hit or drop, after another look at the sites and for the salt."""
        while True:
            known = self._known or await self._after_a_look()
            try:
                found = enrich(raw, sender, moment, known)
                if is_of_unknown_site(found):
                    found = enrich(raw, sender, moment, await self._after_a_look())
                return found
            except UnknownSalt as missing:
                await self._salt_at_hand(missing.site, missing.day, moment)

    async def _salt_at_hand(self, site: Site, day: int, moment: int) -> None:
        """Fetch a salt, once for all who miss it."""
        fetching = self._fetching.get((site.id, day))
        if fetching is None:
            fetching = asyncio.create_task(self._fetch_salt(site, day, moment))
            self._fetching[site.id, day] = fetching
            fetching.add_done_callback(
                lambda _: self._fetching.pop((site.id, day), None)
            )
        try:
            await asyncio.shield(fetching)
        except RedisError as error:
            raise NotStored(f"there is no salt ({error})", RETRY_AWAY) from error

    async def _fetch_salt(self, site: Site, day: int, moment: int) -> None:
        site_day = site_day_at(site, day, moment)
        salt = await self._salts.get_async(self._store, site_day, moment // 1_000_000)
        self._salts_at_hand[site.id, day] = salt

    async def _after_a_look(self) -> Known:
        """What is known after a look at the sites that begins now, or very soon."""
        if self._look is None:
            self._look = asyncio.create_task(self._look_soon())
        await asyncio.shield(self._look)
        if self._known is None:
            raise NotStored("the sites cannot be read", RETRY_AWAY)
        return self._known

    async def _look_soon(self) -> None:
        """Look once for all who ask meanwhile: nobody can make it look often."""
        await asyncio.sleep(max(0.0, self._looked + LOOK_AGAIN - time.monotonic()))
        self._looked = time.monotonic()
        self._look = None
        await self._refresh(self._sites.look)

    async def _keep_watch(self) -> None:
        """Follow changes of sites, and ask for salts anew, while we collect."""
        forget_salts = 0.0
        while True:
            await self._refresh(self._sites.directory)
            if time.monotonic() >= forget_salts:
                self._salts_at_hand.clear()
                forget_salts = time.monotonic() + TRUST_SALTS
            await asyncio.sleep(LOOK_EVERY)

    async def _refresh(self, read: Callable[[], Directory]) -> None:
        try:
            directory = await asyncio.to_thread(read)
        except StoreFormatError as error:
            self._known = None  # a newer Page Tracker's store takes nothing from us
            logger.warning("%s", error)
            return
        except RedisError as error:
            logger.warning("The sites could not be read (%s)", error)
            return
        if self._known is None or self._known.directory is not directory:
            self._known = Known(directory, self._salts_at_hand, self._lookups)


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse(waiting: Sequence[Waiting], error: NotStored) -> None:
    for each in waiting:
        each.tell(error)


def _tell_of_one(
    found: Hit | Drop,
    tell: Callable[[Sequence[Drop] | NotStored], None],
    outcome: Outcome | NotStored,
) -> None:
    if outcome is Outcome.STORED and isinstance(found, Hit) and found.less is None:
        tell(())
    elif isinstance(outcome, NotStored):
        tell(outcome)
    else:
        tell(drops_among([(found, outcome)]))


def _tell_future(
    fate: asyncio.Future[Outcome | NotStored], outcome: Outcome | NotStored
) -> None:
    if not fate.done():  # else nobody waits any more
        fate.set_result(outcome)
