"""What the writer's process does all the time.

every tick: a round of each shard of its share; another at once while there is more
  → the lake fails: it says no more that it is at work, so the others take its shards
  → a round fails: reported once, tried again every tick, reported once when it works
  → told to stop: what is queued is written, then it ends
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress

from deltalake.exceptions import DeltaError

from page_tracker.errors import LakeError, PageTrackerError
from page_tracker.store.stream import Stream, StreamAwayError
from page_tracker.store.writer_record import HEARD_OF
from page_tracker.writer.share import Share
from page_tracker.writer.writer import Done, Writer

logger = logging.getLogger(__name__)

TICK = 1.0  # seconds
PASS = 60.0  # seconds
STOP_SECONDS = 10.0
AGAIN = 5.0  # seconds

OF_LAKE = (DeltaError, OSError)
AWAY = (StreamAwayError, *OF_LAKE, PageTrackerError)

# How deltalake tells that a file could not be stored, and in which colours.
_OF_AN_UPLOAD = "Failed to parse parquet: External: "
_OF_BUCKET = "Generic S3 error"
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Troubles:
    """What is wrong with each shard; reports changes, and nothing twice."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        # The shards for which Redis is there and the lake is not.
        self._of_lake: set[int] = set()
        # The last state written to each shard's stream, and when.
        self._told: dict[int, tuple[str, float]] = {}

    @property
    def is_lake_away(self) -> bool:
        return bool(self._of_lake)

    def has(self, shard: int, error: Exception) -> None:
        if isinstance(error, StreamAwayError):
            self._of_lake.discard(shard)
        else:
            self._of_lake.add(shard)
        why = one_line(error)
        if self._known.get(shard) != why:
            self._known[shard] = why
            logger.error(
                "shard %d cannot be written to the lake, and is tried again every"
                " %g s; nothing is lost: %s%s",
                shard,
                TICK,
                why,
                remedy(error),
            )

    def is_over(self, shard: int) -> None:
        self._of_lake.discard(shard)
        if self._known.pop(shard, None):
            logger.warning("shard %d is written to the lake again", shard)

    def report(self, stream: Stream, trouble: str) -> None:
        """Report a writer's state to its stream's readers: changes, else now and then.

        Each report is a write to Redis's disk.
        """
        now = time.monotonic()
        before, when = self._told.get(stream.shard, ("", now - HEARD_OF))
        if before != trouble or now - when >= HEARD_OF / 4:
            stream.record.report(time.time_ns() // 1_000_000, trouble)
            self._told[stream.shard] = (trouble, now)


def write(
    writers: Sequence[Writer],
    share: Container[int],
    stop: threading.Event,
    troubles: Troubles,
) -> None:
    """Write the shards of a share, which may change meanwhile, until `stop` is set.

    Then until nothing is queued in them or Redis or the lake is away, or for
    STOP_SECONDS at most.
    """
    deadline = None
    while True:
        if stop.is_set():
            deadline = deadline or time.monotonic() + STOP_SECONDS
        is_more = False
        for writer in writers:
            if writer.stream.shard in share:
                is_more |= _round(writer, troubles)
        if deadline and (not is_more or time.monotonic() > deadline):
            return
        if not is_more:
            stop.wait(TICK)


def renew(share: Share, troubles: Troubles) -> None:
    """Renew a writer's share, unless it cannot reach the lake.

    Then the others soon have its shards; it tries to write them all the same, as they
    may be no better off.
    """
    if not troubles.is_lake_away:
        share.renew()


def wait_for(store: Callable[[], None], stop: threading.Event) -> None:
    """Return once `store` does not raise StreamAwayError, or when `stop` is set."""
    trouble = ""
    while not stop.is_set():
        try:
            store()
            return
        except StreamAwayError as error:
            if isinstance(error, PageTrackerError):
                raise  # a newer version's store: waiting would not help
            if (why := one_line(error)) != trouble:
                trouble = why
                logger.error("Redis does not answer, and is tried again: %s", why)
            stop.wait(TICK)


def keep(
    what: str,
    work: Callable[[], None],
    every: float,
    stop: threading.Event,
    first: float | None = None,
) -> None:
    """Do some work, named `what`, every so many seconds until `stop` is set.

    The first time is after as long, or after `first` seconds. After a failure it is
    tried again in a few seconds.
    """
    trouble, pause = "", every if first is None else first
    while not stop.wait(pause):
        try:
            work()
            trouble, pause = "", every
        except AWAY as error:
            pause = max(every, AGAIN)
            if (why := one_line(error)) != trouble:
                trouble = why
                logger.error("%s has to wait: %s%s", what, why, remedy(error))
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A bug of ours, which would end a thread silently.
            pause = max(every, AGAIN)
            if (why := repr(error)) != trouble:
                trouble = why
                logger.exception("%s failed and is tried again", what)


@contextmanager
def reporting_lake_failures() -> Iterator[None]:
    """Raise LakeError for failures of a lake that is away, full or damaged."""
    try:
        yield
    except (DeltaError, OSError) as error:
        raise LakeError(
            f"the lake failed ({one_line(error)})",
            "check that it is there, whole, may be written and has room; then the same"
            " command once more",
        ) from error


def _round(writer: Writer, troubles: Troubles) -> bool:
    """Whether there is more to write at once."""
    stream, trouble, is_more = writer.stream, "", False
    try:
        is_more = writer.round() is Done.PART
        troubles.is_over(stream.shard)
    except AWAY as error:
        trouble = one_line(error)
        troubles.has(stream.shard, error)
    with suppress(StreamAwayError):  # The round has already reported it.
        troubles.report(stream, trouble)
    return is_more


def one_line(error: Exception) -> str:
    """What an error says, for people: neither in colours, nor that a file could not be
    read which could not be stored."""
    text = " ".join(_COLOUR.sub("", str(error)).split()) or type(error).__name__
    return text.removeprefix(_OF_AN_UPLOAD)


def remedy(error: Exception) -> str:
    """What to do about an error that does not say it: what follows it in its line."""
    if isinstance(error, PageTrackerError) or not isinstance(error, OF_LAKE):
        return ""
    if _OF_BUCKET in str(error):
        return (
            "; look whether the bucket's store runs, lets this key write and has room."
            " If a panic in object_store is told above, it is this failure too"
        )
    return "; look whether the lake is there, may be written and has room"
