"""The collector of a process: hits are judged, and queued for the store.

    collect → enrich each → the queue of its visitor's shard → batch → store
            ← drops       ← what became of each            ← one reply

A hit is acknowledged when the store has it on disk, never before; or, while the store
is away, when this process has it on disk for the store (`spool`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from redis import RedisError

from page_tracker.background import begun, ended, repeat
from page_tracker.collect.drops import (
    RETRY_AWAY,
    drops_among,
    is_of_unknown_site,
    once_a_site,
    shard_among,
    site_day_at,
    without_unknown_sites,
)
from page_tracker.collect.outcomes import BATCH_HITS, BATCH_SECONDS
from page_tracker.collect.rates import Rates
from page_tracker.collect.replies import Arrived, Reply, reply_of_one, tell_future
from page_tracker.collect.shard_queue import ENOUGH, ShardQueue
from page_tracker.collect.spool import ShardRoute, Spool
from page_tracker.collect.spool_file import SpoolFolder
from page_tracker.errors import NotStoredError, TooManyHitsError
from page_tracker.hits.context import Context
from page_tracker.hits.enrich import UnknownSaltError, enrich
from page_tracker.hits.enrich_each import enrich_each
from page_tracker.hits.hit import Drop, Hit, RawHit, Sender
from page_tracker.lookups.reload import FreshLookups
from page_tracker.sites.site import Directory, Site
from page_tracker.sites.token import Token
from page_tracker.store.format import StoreFormatError
from page_tracker.store.ingest import Batch, BatchId, Bounds, Outcome, submit_async
from page_tracker.store.salts import Salts, SiteDay
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens

# All in seconds.
LOOK_EVERY = 1.0  # at the sites
LOOK_AT_LOOKUPS = 10.0
LOOK_AT_SPOOLS = 5.0
LOOK_AGAIN = 0.1  # if a site is unknown
TRUST_SALTS = 60.0

# The sites, and the tokens by their ids.
Known = tuple[Directory, Mapping[str, Token]]

logger = logging.getLogger(__name__)


class Collector:
    """All queues of a process, and what its hits are judged by."""

    def __init__(
        self,
        store: Any,
        sites: Sites,
        tokens: Tokens,
        lookups: FreshLookups,
        *,
        shards: int = 1,
        bounds: Bounds,
        rates: Rates,
        spool: SpoolFolder,
    ) -> None:
        """`store` is a client of the event loop; has to be made while the loop runs."""
        self._store = store
        self._sites = sites
        self._tokens = tokens
        self._lookups = lookups
        self._rates = rates
        self._context: Context | None = None
        self._salts = Salts()
        self._salts_at_hand: dict[tuple[str, int], bytes] = {}
        # Those that this process had to draw while Redis was away.
        self._drawn: set[SiteDay] = set()
        self._fetching: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrived: list[Arrived] = []
        self._looked = 0.0
        self._look: asyncio.Task[None] | None = None
        self._forget_salts = 0.0
        self._spool = spool
        self._bounds = bounds
        submit = partial(_submit, store)
        self._routes = [
            ShardRoute(submit, partial(self._batch_again, shard))
            for shard in range(shards)
        ]
        self._queues = [
            ShardQueue(
                submit,
                partial(self._batch, shard),
                Spool(spool, shard, route),
                self._judge_arrived,
            )
            for shard, route in enumerate(self._routes)
        ]
        look_at_lookups = partial(asyncio.to_thread, lookups.look)
        watches: list[tuple[str, Callable[[], Awaitable[None]], float]] = [
            ("The watch over the sites", self._look_around, LOOK_EVERY),
            ("The watch over the lookups", look_at_lookups, LOOK_AT_LOOKUPS),
        ]
        for shard in range(shards):
            drain = partial(self._drain_left_behind, shard)
            watches.append(("The watch over a spool", drain, LOOK_AT_SPOOLS))
        self._watches = [asyncio.create_task(repeat(*each)) for each in watches]

    def collect_soon(
        self,
        raws: Sequence[RawHit],
        sender: Sender,
        reply: Reply,
    ) -> None:
        """`collect` without its own task, if nothing has to be fetched first.

        If an address sends too much, it is refused before any other work.
        """
        moment = time.time_ns() // 1000
        if too_many := self._refusal(raws, sender, moment):
            reply(too_many)
            return
        if len(raws) != 1 or self._lacks_token(raws[0]):
            self._collect_in_task(raws, sender, reply)
            return
        self._arrived.append(Arrived(raws[0], sender, moment, reply))
        if len(self._arrived) >= ENOUGH or not all(q.is_busy for q in self._queues):
            self._judge_arrived()

    def _judge_arrived(self) -> None:
        """Judge the hits that have arrived, together.

        They wait for it while a batch is on its way, as they would wait for the next
        batch anyway.
        """
        arrived, self._arrived = self._arrived, []
        for each, found in zip(arrived, self._judged_together(arrived), strict=True):
            if found is None or is_of_unknown_site(found):
                self._collect_in_task([each.raw], each.sender, each.reply)
            else:
                reply = partial(reply_of_one, found, each.reply)
                self._queue_of(found).put(found, reply)

    def _judged_together(
        self, arrived: Sequence[Arrived]
    ) -> Sequence[Hit | Drop | None]:
        """Each hit or drop; None where its own task must fetch something, or fails."""
        if self._context is not None:
            sent = [(each.raw, each.sender, each.moment) for each in arrived]
            with suppress(Exception):  # a bug of ours: the task of its hit reports it
                return enrich_each(sent, self._context)
        return [None] * len(arrived)

    def _lacks_token(self, raw: RawHit) -> bool:
        return self._context is None or self._context.lacks_token(raw)

    def _collect_in_task(
        self, raws: Sequence[RawHit], sender: Sender, reply: Reply
    ) -> None:
        task = begun(self._collect_and_reply(raws, sender, reply), "an answer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _refusal(
        self, raws: Sequence[RawHit], sender: Sender, moment: int
    ) -> TooManyHitsError | None:
        """Why an address may not send; holders of tokens send for many visitors."""
        context = self._context
        if context is None:
            return self._rates.refusal(raws, sender.address, Directory())
        for raw in raws:
            if not context.is_trusted(raw, moment):
                return self._rates.refusal(raws, sender.address, context.directory)
        return None

    async def collect(self, raws: Sequence[RawHit], sender: Sender) -> list[Drop]:
        """Store an event for one or several sites, each of which gets it once.

        Returns what does not count, with its reasons. Raises NotStoredError if hits
        are not stored, or if nobody knows whether they are.
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
            fate: asyncio.Future[Outcome | NotStoredError] = self._loop.create_future()
            self._queue_of(each).put(each, partial(tell_future, fate))
            fates.append(fate)
        settled = []
        for each, outcome in zip(found, await asyncio.gather(*fates), strict=True):
            if isinstance(outcome, NotStoredError):
                raise outcome
            settled.append((each, outcome))
        return drops_among(settled)

    async def _collect_and_reply(
        self,
        raws: Sequence[RawHit],
        sender: Sender,
        reply: Reply,
    ) -> None:
        try:
            fate: Sequence[Drop] | NotStoredError = await self.collect(raws, sender)
        except NotStoredError as error:
            fate = error
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever it is, its sender must not wait forever.
            logger.exception("What was sent could not be judged")
            fate = NotStoredError(f"it cannot be judged ({error})", RETRY_AWAY)
        reply(fate)

    async def close(self) -> None:
        """Store what is still queued, and release the store."""
        self._judge_arrived()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(queue.close() for queue in self._queues))
        await ended(self._watches)
        await self._store.aclose()

    def _queue_of(self, found: Hit | Drop) -> ShardQueue:
        return self._queues[shard_among(found, self._sites.division)]

    def _batch(
        self, shard: int, batch_id: BatchId, hits: list[Hit], drops: list[Drop]
    ) -> Batch:
        return Batch(
            moment=time.time_ns() // 1000,
            hits=hits,
            drops=drops,
            sites=self._context.directory.by_id if self._context else {},
            shard=shard,
            bounds=self._bounds.divided(self._sites.division.parts(shard)),
            id=batch_id,
        )

    def _batch_again(
        self, shard: int, batch_id: BatchId, hits: list[Hit], drops: list[Drop]
    ) -> Batch:
        """A batch from a spool, without the hits of sites that are there no more."""
        if self._context is None:
            raise NotStoredError("the sites cannot be read", RETRY_AWAY)
        directory = self._context.directory
        return self._batch(
            shard, batch_id, *without_unknown_sites(hits, drops, directory)
        )

    async def _drain_left_behind(self, shard: int) -> None:
        """Submit what processes that have ended left in their spools for a shard."""
        look = partial(self._spool.left_behind, shard)
        while (file := await asyncio.to_thread(look)) is not None:
            try:
                await self._routes[shard].drain(file)
                await asyncio.to_thread(file.remove)
            except BaseException:
                file.release()
                raise

    def _judged_at_once(
        self, raw: RawHit, sender: Sender, moment: int
    ) -> Hit | Drop | None:
        """The hit or drop; None if something has to be fetched from the store first."""
        if self._context is None or self._context.lacks_token(raw):
            return None
        try:
            found = enrich(raw, sender, moment, self._context)
        except UnknownSaltError:
            return None
        return None if is_of_unknown_site(found) else found

    async def _judged(self, raw: RawHit, sender: Sender, moment: int) -> Hit | Drop:
        """The hit or drop, after another look at what is known and for the salt."""
        if self._context is not None and self._context.lacks_token(raw):
            await self._after_a_look()
        while True:
            context = self._context or await self._after_a_look()
            try:
                found = enrich(raw, sender, moment, context)
                if is_of_unknown_site(found):
                    found = enrich(raw, sender, moment, await self._after_a_look())
                return found
            except UnknownSaltError as missing:
                await self._salt_at_hand(missing.site, missing.day, moment)

    async def _salt_at_hand(self, site: Site, day: int, moment: int) -> None:
        """Fetch a salt, once for all callers that lack it."""
        fetching = self._fetching.get((site.id, day))
        if fetching is None:
            fetching = asyncio.create_task(self._fetch_salt(site, day, moment))
            self._fetching[site.id, day] = fetching
            fetching.add_done_callback(
                lambda _: self._fetching.pop((site.id, day), None)
            )
        await asyncio.shield(fetching)

    async def _fetch_salt(self, site: Site, day: int, moment: int) -> None:
        site_day = site_day_at(site, day, moment)
        try:
            await self._agree_on_salt(site_day, moment // 1_000_000)
        except RedisError:
            salt = self._salts.without_redis(site_day)
            self._salts_at_hand[site.id, day] = salt
            self._drawn.add(site_day)

    async def _agree_on_salt(self, day: SiteDay, now: int) -> None:
        salt = await self._salts.get_async(self._store, day, now)
        self._salts_at_hand[day.site, day.day] = salt
        self._drawn.discard(day)

    async def _after_a_look(self) -> Context:
        """What is known after a look at the sites that begins now, or very soon."""
        if self._look is None:
            self._look = begun(self._look_soon(), "a look at the sites")
        await asyncio.shield(self._look)
        if self._context is None:
            raise NotStoredError("the sites cannot be read", RETRY_AWAY)
        return self._context

    async def _look_soon(self) -> None:
        """Look once for all who ask meanwhile: nobody can make it look often."""
        await asyncio.sleep(max(0.0, self._looked + LOOK_AGAIN - time.monotonic()))
        self._looked = time.monotonic()
        self._look = None
        await self._refresh(self._look_now)

    async def _look_around(self) -> None:
        """Follow changes of sites, and agree with others on salts, now and then."""
        is_there = all(queue.is_direct for queue in self._queues)
        if is_there and time.monotonic() >= self._forget_salts:
            self._salts_at_hand.clear()
            self._forget_salts = time.monotonic() + TRUST_SALTS
        with suppress(RedisError):
            for day in tuple(self._drawn):
                await self._agree_on_salt(day, int(time.time()))
        await self._refresh(self._known)

    def _known(self) -> Known:
        return self._sites.directory(), self._tokens.known()

    def _look_now(self) -> Known:
        return self._sites.look(), self._tokens.look()

    async def _refresh(self, read: Callable[[], Known]) -> None:
        try:
            directory, tokens = await asyncio.to_thread(read)
        except StoreFormatError as error:
            self._context = None  # a newer Page Tracker's store accepts nothing from us
            logger.warning("%s", error)
            return
        except RedisError as error:
            logger.warning("The sites could not be read (%s)", error)
            return
        lookups, context = self._lookups.now, self._context
        now = Context(directory, self._salts_at_hand, lookups, tokens)
        if context != now:
            self._context = now


async def _submit(store: Any, batch: Batch) -> list[Outcome]:
    began = time.perf_counter()
    try:
        return await submit_async(store, batch)
    finally:
        BATCH_HITS.observe(len(batch.hits))
        BATCH_SECONDS.observe(time.perf_counter() - began)
