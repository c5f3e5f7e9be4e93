"""A queue's batches on disk while its shard is away, and how they get to the store.

    the store does not answer → keep: the batch is on disk, its hits are acknowledged
                              → every further one too, so that they stay in order
    meanwhile, again and again: the oldest → the store → the next … → none is left
                              → the queue goes to the store itself again

A batch is submitted under its own id until the store answers, by this process or by the
one that takes its file over. So it is stored once, whatever happened to the first try.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator

from page_tracker.background import begun, ended
from page_tracker.collect.drops import RETRY_FULL
from page_tracker.collect.spool_file import (
    SpooledBatch,
    SpoolFile,
    SpoolFolder,
    SpoolFullError,
)
from page_tracker.errors import NotStoredError, PageTrackerError
from page_tracker.hits.hit import Drop, Hit
from page_tracker.store.ingest import (
    MAX_HITS,
    Batch,
    BatchId,
    PartlyStoredError,
    StoreAwayError,
    StreamFullError,
)

# All in seconds.
FIRST_PAUSE = 0.02
MAX_PAUSE = 0.5
# While a batch is being appended.
MOMENT = 0.001
# How long a batch waits, at most, for those before it to be stored.
ENDING = 0.2
# The shard knows for longer than this which batches it has.
LONGEST = 7 * 24 * 60 * 60
REMEMBERED = 8 * 24 * 60 * 60
# How long a process that ends waits for the store to take what is spooled.
CLOSING = 2.0

logger = logging.getLogger(__name__)


class TooOldError(PageTrackerError):
    """Redis may not know any more whether it has a batch."""

    def __init__(self, age: float) -> None:
        super().__init__(
            f"the batch has waited {age / 86_400:.0f} days, longer than Redis can"
            f" recognise it ({LONGEST // 86_400})",
            "see what is in its file",
        )


class ShardRoute:
    """How spooled batches of a shard are submitted: joined, as many as one may have."""

    def __init__(
        self,
        submit: Callable[[Batch], Awaitable[object]],
        batch_of: Callable[[BatchId, list[Hit], list[Drop]], Batch],
    ) -> None:
        """`submit` raises as `store.ingest.submit`; `batch_of` NotStoredError."""
        self._submit = submit
        self._batch_of = batch_of

    async def drain(self, file: SpoolFile) -> None:
        """Submit all that a file has, in order, however long that takes."""
        while not file.is_settled:
            for batches, end in _joined(await asyncio.to_thread(file.read)):
                await self._store(file, batches)
                file.settled(end)

    async def _store(self, file: SpoolFile, batches: list[SpooledBatch]) -> None:
        """Have batches of one queue stored, or set aside."""
        left, pause = batches, FIRST_PAUSE
        while left:
            try:
                await self._submit(self._batch(left))
                return
            except PartlyStoredError as known:
                left = [each for each in left if each.number > known.number]
            except (StoreAwayError, StreamFullError, NotStoredError):
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE)
            except Exception as error:  # pylint: disable=broad-exception-caught
                # Refused, or a bug of ours: those behind must not wait forever.
                if len(left) > 1:
                    for each in left:
                        await self._store(file, [each])
                else:
                    # A fault's message may quote what somebody sent.
                    is_told = isinstance(error, PageTrackerError)
                    why = str(error) if is_told else type(error).__name__
                    await _set_aside(file, left[0], why)
                return

    def _batch(self, batches: list[SpooledBatch]) -> Batch:
        first, last = batches[0], batches[-1]
        age = time.time() - min(each.moment for each in batches) / 1_000_000
        if age > LONGEST:
            raise TooOldError(age)
        return self._batch_of(
            BatchId(last.queue, last.number, REMEMBERED, first.number),
            [hit for each in batches for hit in each.hits],
            [drop for each in batches for drop in each.drops],
        )


def _joined(
    found: Iterable[tuple[SpooledBatch, int]],
) -> Iterator[tuple[list[SpooledBatch], int]]:
    """Batches that may be submitted as one, each time with where the last one ends."""
    joined: list[SpooledBatch] = []
    size = end = 0
    for batch, its_end in found:
        more = len(batch.hits) + len(batch.drops)
        if joined and (size + more > MAX_HITS or batch.queue != joined[0].queue):
            yield joined, end
            joined, size = [], 0
        joined.append(batch)
        size, end = size + more, its_end
    if joined:
        yield joined, end


class Spool:
    """What one queue keeps on disk; nothing as long as its shard answers."""

    def __init__(self, folder: SpoolFolder, shard: int, route: ShardRoute) -> None:
        self._folder = folder
        self._shard = shard
        self._route = route
        self._file: SpoolFile | None = None
        self._draining: asyncio.Task[None] | None = None
        self._is_appending = False
        self._is_ending = False

    async def is_empty(self) -> bool:
        """Whether the next batch may go to the store itself.

        If all but the last batches are stored, it waits for these: or, where many hits
        come, there would always be one that has just been appended.
        """
        if self._is_ending and self._draining is not None:
            await asyncio.wait([self._draining], timeout=ENDING)
            self._is_ending = False
        return self._file is None

    @property
    def is_used(self) -> bool:
        return self._file is not None

    async def keep(self, batch: Batch) -> None:
        """Have a batch on disk; one at a time. Raises NotStoredError if it is not."""
        self._is_appending = True
        try:
            if self._file is None:
                self._file = await asyncio.to_thread(self._folder.new_file, self._shard)
            is_first = self._file.is_empty
            await asyncio.to_thread(self._file.append, batch, self._folder)
            if is_first:
                logger.warning(
                    "Redis does not take hits: those of shard %d wait in %s",
                    self._shard,
                    self._file.path,
                )
        except SpoolFullError as error:
            raise NotStoredError(error.problem, RETRY_FULL) from error
        except OSError as error:
            raise NotStoredError(
                f"the spool {self._folder.path} cannot be written ({error.strerror})",
                RETRY_FULL,
            ) from error
        finally:
            self._is_appending = False
            if self._file is not None and self._draining is None:
                self._draining = begun(self._drain(self._file), "a spool")

    async def close(self) -> None:
        """Leave what the store does not take soon to the next process."""
        if (draining := self._draining) is not None:
            await asyncio.wait([draining], timeout=CLOSING)
            await ended([draining])
        if self._file is not None:
            self._file.release()

    async def _drain(self, file: SpoolFile) -> None:
        while self._is_appending or not file.is_settled:
            try:
                await self._route.drain(file)
                self._is_ending = True
                await asyncio.sleep(MOMENT)
            except OSError as error:
                logger.error(
                    "%s cannot be read, and is tried again: %s", file.path, error
                )
                await asyncio.sleep(MAX_PAUSE)
        # Nothing may wait between this look and the end: or a batch would be forgotten.
        self._file = self._draining = None
        self._is_ending = False
        await asyncio.to_thread(file.remove)
        if not file.is_empty:
            logger.warning("the hits that waited in %s are now stored", file.path)


async def _set_aside(file: SpoolFile, spooled: SpooledBatch, why: str) -> None:
    path = await asyncio.to_thread(file.set_aside, spooled)
    logger.error(
        "%d hits are set aside in %s and not stored: %s", len(spooled.hits), path, why
    )
