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

# All in seconds.
GATHER = 0.003  # from one batch to the next, so that each is worth its sync
PATIENCE = 1.0  # in which a batch whose reply was lost is submitted again
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.2
LOOK_EVERY = 1.0  # at the sites
LOOK_AGAIN = 0.1  # where a site is unknown
TRUST_SALTS = 60.0

# Hits of a lane that wait for a batch; more are refused.
MOST_WAITING = 20_000

logger = logging.getLogger(__name__)


class Waiting(NamedTuple):
    """One hit, or one drop to count, and who waits for its fate."""

    found: Hit | Drop
    fate: asyncio.Future[Outcome]


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

    def put(self, found: Hit | Drop) -> asyncio.Future[Outcome]:
        """Take a hit, or a drop to count; raises NotStored where too many wait.

        What is awaited raises NotStored where the store did not take it in time.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise NotStored(f"{MOST_WAITING} hits wait to be stored already", RETRY_AWAY)
        fate = self._loop.create_future()
        self._waiting.append(Waiting(found, fate))
        if self._task is None:
            self._task = self._loop.create_task(self._run())
        return fate

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._next - self._loop.time()))
                self._next = self._loop.time() + GATHER
                taken = self._waiting[:MOST_HITS]
                del self._waiting[:MOST_HITS]
                await self._settle(taken)
        finally:
            self._task = None

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
            for found, fate in taken:
                outcome = next(outcomes) if isinstance(found, Hit) else Outcome.STORED
                if not fate.done():  # else nobody waits any more
                    fate.set_result(outcome)

    async def _stored(self, batch: Batch) -> list[Outcome]:
        """Submit a batch, and again under its id while nobody knows whether it is in."""
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
        self._looked = 0.0
        self._look: asyncio.Task[None] | None = None
        self._watch = asyncio.create_task(self._keep_watch())
        self._lanes = [
            Lane(partial(submit_async, store), partial(self._batch, shard, most_in_stream))
            for shard in range(shards)
        ]

    async def collect(self, raws: Sequence[RawHit], sender: Sender) -> list[Drop]:
        """Store what was sent; the hits that are none come back, with their reasons.

        Raises NotStored where it is not stored, or nobody knows.
        """
        moment = time.time_ns() // 1000
        fates = []
        for raw in raws:
            found = self._judged_at_once(raw, sender, moment)
            if found is None:
                found = await self._judged(raw, sender, moment)
            fates.append((found, self._lane_of(found).put(found)))
        return drops_among([(found, await fate) for found, fate in fates])

    async def close(self) -> None:
        """Store what still waits."""
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
                await self._fetch_salt(missing.site, missing.day, moment)

    async def _fetch_salt(self, site: Site, day: int, moment: int) -> None:
        site_day = site_day_at(site, day, moment)
        try:
            salt = await self._salts.get_async(
                self._store, site_day, moment // 1_000_000
            )
        except RedisError as error:
            raise NotStored(f"there is no salt ({error})", RETRY_AWAY) from error
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
        """Look once for all who ask meanwhile, so that nobody can make it look often."""
        await asyncio.sleep(max(0.0, self._looked + LOOK_AGAIN - time.monotonic()))
        self._looked = time.monotonic()
        self._look = None
        await self._refresh(self._sites.look)

    async def _keep_watch(self) -> None:
        """Follow changes of sites, and ask for salts anew, for as long as we collect."""
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
        except RedisError as error:
            logger.warning("The sites could not be read (%s)", error)
            return
        if self._known is None or self._known.directory is not directory:
            self._known = Known(directory, self._salts_at_hand, self._lookups)


def _refuse(waiting: Sequence[Waiting], error: NotStored) -> None:
    for _, fate in waiting:
        if not fate.done():
            fate.set_exception(error)
            fate.exception()  # one of several hits of a request may have told it already
