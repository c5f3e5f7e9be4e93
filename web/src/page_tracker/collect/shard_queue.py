"""The way to one shard of the store: many hits, one batch, one sync of the disk.

    put → waits → batch → store, or spool → report to each what became of it

A queue sends one batch at a time; what arrives meanwhile becomes the next one. Once the
store has not answered, all go to the spool until that has given them to the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from page_tracker.background import begun
from page_tracker.collect.drops import RETRY_AWAY, refusal
from page_tracker.collect.spool import REMEMBERED, Spool
from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Drop, Hit
from page_tracker.store.ingest import (
    MAX_HITS,
    Batch,
    BatchId,
    BatchRefusedError,
    Outcome,
    StoreAwayError,
    StreamFullError,
    new_queue,
)

GATHER = 0.008  # seconds from one batch to the next, if not ENOUGH hits wait before
# And since the last one was stored: who has been answered soon sends again.
GATHER_AGAIN = 0.002

# How many hits are worth a sync of the disk.
ENOUGH = 48

# The most hits of a queue that wait for a batch; more are refused.
MAX_WAITING = 20_000

logger = logging.getLogger(__name__)


class Waiting(msgspec.Struct, frozen=True):
    """One hit, or one drop to count, and whom to notify of its outcome."""

    found: Hit | Drop
    reply: Callable[[Outcome | NotStoredError], None]


class ShardQueue:
    """The way to one shard: accepts hits at any time, submits one batch at a time."""

    def __init__(
        self,
        submit: Callable[[Batch], Awaitable[list[Outcome]]],
        batch_of: Callable[[BatchId, list[Hit], list[Drop]], Batch],
        spool: Spool,
        fill: Callable[[], None],
    ) -> None:
        """`fill` puts what else is there by now; called before a batch is taken."""
        self._submit = submit
        self._batch_of = batch_of
        self._spool = spool
        self._fill = fill
        self._id = BatchId(new_queue(), 0, REMEMBERED)
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._next = 0.0
        self._gathering: asyncio.Future[None] | None = None

    def put(
        self, found: Hit | Drop, reply: Callable[[Outcome | NotStoredError], None]
    ) -> None:
        """Accept a hit, or a drop to count, and report its outcome, once."""
        if len(self._waiting) >= MAX_WAITING:
            reply(
                NotStoredError(
                    f"{MAX_WAITING} hits wait to be stored already", RETRY_AWAY
                )
            )
            return
        self._waiting.append(Waiting(found, reply))
        if self._task is None:
            self._task = begun(self._run(), "a queue to the store")
        elif self._gathering is not None and len(self._waiting) >= ENOUGH:
            _end(self._gathering)

    @property
    def is_busy(self) -> bool:
        """Whether a batch is on its way or due: what is put now goes with the next."""
        return self._task is not None

    @property
    def is_direct(self) -> bool:
        """Whether hits go to the store, and not to the spool."""
        return not self._spool.is_used

    async def close(self) -> None:
        """Return once nothing waits any more but in the spool, and leave that."""
        while self._task is not None:
            await asyncio.wait([self._task])
        await self._spool.close()

    async def _run(self) -> None:
        try:
            while self._has_some():
                await self._gather()
                self._fill()
                self._next = self._loop.time() + GATHER
                taken = self._waiting[:MAX_HITS]
                del self._waiting[:MAX_HITS]
                await self._settle(taken)
                self._next = max(self._next, self._loop.time() + GATHER_AGAIN)
        finally:
            self._task = None

    def _has_some(self) -> bool:
        self._fill()
        return bool(self._waiting)

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
        """Store a batch and notify all who wait for it."""
        hits = [each.found for each in taken if isinstance(each.found, Hit)]
        drops = [each.found for each in taken if isinstance(each.found, Drop)]
        self._id = self._id.next()
        try:
            batch = self._batch_of(self._id, hits, drops)
            outcomes = iter(await self._stored(batch))
        except NotStoredError as error:
            _refuse(taken, error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever it is, nobody must wait forever.
            logger.exception("A batch of %d hits could not be stored", len(hits))
            _refuse(taken, NotStoredError(f"a batch was refused ({error})", RETRY_AWAY))
        else:
            for each in taken:
                is_hit = isinstance(each.found, Hit)
                _reply(each, next(outcomes) if is_hit else Outcome.STORED)

    async def _stored(self, batch: Batch) -> list[Outcome]:
        """Give a batch to the store, or else to the spool."""
        if await self._spool.is_empty():
            try:
                return await self._submit(batch)
            except (StreamFullError, BatchRefusedError) as error:
                logger.error("%s", error)
                raise refusal(error) from error
            except StoreAwayError as error:
                logger.error("%s", error.problem)
        try:
            await self._spool.keep(batch)
        except NotStoredError as error:
            logger.error("%s", error.problem)
            _refuse(self._waiting, error)  # or they would wait in vain
            self._waiting.clear()
            raise
        return [Outcome.STORED] * len(batch.hits)


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _refuse(waiting: Sequence[Waiting], error: NotStoredError) -> None:
    for each in waiting:
        _reply(each, error)


def _reply(each: Waiting, outcome: Outcome | NotStoredError) -> None:
    """Notify one; whatever fails there, all others are notified too."""
    try:
        each.reply(outcome)
    except Exception:  # pylint: disable=broad-exception-caught
        logger.exception("A sender could not be told what became of a hit")
