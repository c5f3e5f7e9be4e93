"""From hits to the store: one atomic call of a script for each batch of a shard.

    Batch → prepare → Call → EVALSHA → reply → read → one Outcome for each hit

`prepare` and `read` are pure; `submit` and `submit_async` are the same thin caller for
the two kinds of clients.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from hashlib import blake2b, sha1
from math import ceil
from typing import Any, NamedTuple

import msgspec
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import AskError, NoScriptError, RedisError, ResponseError

from page_tracker.days import DAY_SECONDS, MICROSECONDS
from page_tracker.errors import PageTrackerError
from page_tracker.hits.hit import SILENCE, Drop, Hit, Kind, Reason
from page_tracker.hits.visitor import GROUPS
from page_tracker.origins import new_origin
from page_tracker.sites.site import Site
from page_tracker.store import keys
from page_tracker.store.clients import together, together_async
from page_tracker.store.cluster import Command
from page_tracker.store.counters import CURRENT_MINUTES, SUMS
from page_tracker.store.entry import FORMAT, NUMBERS
from page_tracker.store.replicas import Copies
from page_tracker.store.scripts import script

# A batch blocks the store for about a hundredth of a second at most.
MAX_HITS = 1000

# A date is over everywhere on Earth twelve hours after it is over in UTC.
_WESTMOST = 12 * 60 * 60
# Visitors of a day that is over are kept for this long after their last hit.
_SLACK = 2 * 60 * 60

# For a batch that has only drops.
_NO_COLUMNS = [()] * 10

_encode = msgspec.msgpack.Encoder().encode


class StreamFullError(PageTrackerError):
    """Too many rows wait for the writer; nothing of the batch was written."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"{waiting} hits wait for the lake's writer",
            "check that `page-tracker writer` runs, and send again later",
        )


class StoreAwayError(PageTrackerError):
    """Redis did not answer: it may be stored or not; submit the same batch again."""

    def __init__(self, why: Exception) -> None:
        super().__init__(f"Redis cannot store hits ({why})", "submit the batch again")


class BatchRefusedError(PageTrackerError):
    """Redis rejects this batch and always would; nothing of it was written."""

    def __init__(self, why: Exception) -> None:
        super().__init__(f"Redis refuses a batch ({why})", "this is a fault; report it")


class PartlyStoredError(PageTrackerError):
    """Some of the batches that were joined are stored: those up to `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"the batches up to {number} are stored already", "submit the others"
        )
        self.number = number


class Outcome(Enum):
    """What became of a hit."""

    STORED = "0"
    DUPLICATE = "1"
    NO_VISIT = "2"


SCRIPT: Any = script(
    *("layout", "entries", "ingest_reads", "ingest_visits", "ingest_writes"),
    constants={
        "FORMAT": int(FORMAT),
        "NUMBERS": NUMBERS,
        "SUMS": SUMS,
        "SILENCE": SILENCE,
        "CURRENT_MINUTES": CURRENT_MINUTES,
        "GROUPS": GROUPS,
        "NO_VISIT_REASON": Reason.NO_VISIT.value,
        **{kind.name: kind.value for kind in Kind},
        **{outcome.name: outcome.value for outcome in Outcome},
    },
)
SCRIPT_HASH = sha1(SCRIPT, usedforsecurity=False).hexdigest()


class Bounds(NamedTuple):
    """What one shard holds at most, if it has all visitors: see the settings of the
    same names. And on how many replicas it has a batch at least."""

    # Rows that may wait in the shard's stream; more are refused.
    waiting: int = 1_000_000
    # Visitors of a site's day that count separately, and those of one address.
    visitors: int = 5_000_000
    of_address: int = 5_000
    copies: Copies = Copies()

    def divided(self, parts: int) -> Bounds:
        """Those of one of so many parts, among which visitors are spread."""
        return Bounds(
            self.waiting,
            ceil(self.visitors / parts),
            ceil(self.of_address / parts),
            self.copies,
        )


class BatchId(NamedTuple):
    """Which batch of which queue; by default the only one of a queue of its own.

    A queue numbers its batches from 1, upwards, and submits one only when the one
    before has been answered or given up. So the shard need only know the last number
    of each queue to recognise whatever is submitted again.
    """

    queue: str
    number: int = 1
    # How long the shard knows it, in seconds; each of a queue's batches renews that.
    remembered: int = 3 * 60 * 60
    # Number of the first of several batches that were joined into this one.
    first: int = 0

    @classmethod
    def alone(cls) -> BatchId:
        return cls(new_queue())

    def next(self) -> BatchId:
        return BatchId(self.queue, self.number + 1, self.remembered)

    @property
    def begins(self) -> int:
        """The lowest number that it stands for."""
        return self.first or self.number

    def __str__(self) -> str:
        return f"{self.queue}-{self.number}"


def new_queue() -> str:
    """A random name for a queue."""
    return secrets.token_hex(8)


class Batch(msgspec.Struct, frozen=True):
    """Hits of one shard that are stored together, or not at all.

    At most `MAX_HITS` of them; what is left out of one counts among the drops.
    `moment` is the reading of the clock in microseconds; `sites` are those that are
    known, by id. A batch whose answer was lost is submitted again as it is: its id
    makes it the same one.
    """

    moment: int
    hits: Sequence[Hit]
    drops: Sequence[Drop] = ()
    sites: Mapping[str, Site] = msgspec.field(default_factory=dict)
    shard: int = 0
    bounds: Bounds = Bounds()
    id: BatchId = msgspec.field(default_factory=BatchId.alone)


class Call(msgspec.Struct, frozen=True):
    """A call of the script: its keys, in one slot, and its arguments."""

    keys: tuple[str, ...]
    arguments: tuple[str | int | bytes, ...]


def prepare(batch: Batch) -> Call:
    """Lay a batch out for the script. Pure, except for a random number.

    Raises ValueError for too many hits, and for text that is not valid Unicode.
    """
    if len(batch.hits) > MAX_HITS:
        raise ValueError(f"a batch has {len(batch.hits)} hits, more than {MAX_HITS}")
    days: dict[tuple[int, str], int] = {}
    rows: list[tuple[int | str, ...]] = []
    strings: list[bytes] = []
    records = []
    for hit in batch.hits:
        record, visitor = hit.record, hit.visitor
        day = (record.day, record.site)
        opening = _encode((record.path, record.hostname, record.touch))
        event = _event_key(record.site, hit.event_id) if hit.event_id else b""
        row = (
            days.get(day) or days.setdefault(day, len(days) + 1),
            len(visitor),
            len(event),
            record.time // 1000,
            hit.kind,
            record.path,
            record.hostname,
            record.touch.source,
            len(opening),
            hit.group,
        )
        rows.append(row)
        strings += (visitor, event, opening)
        records.append(record)
    return Call(
        (keys.stream(batch.shard), keys.absent(batch.shard)),
        (
            batch.id.queue,
            batch.moment // 1000,
            new_origin(),
            batch.bounds.waiting,
            _encode(_days(batch, days)),
            _encode(list(zip(*rows, strict=True)) or _NO_COLUMNS),
            b"".join(strings),
            _encode(records),
            _encode(_drops(batch)),
            batch.bounds.visitors,
            batch.bounds.of_address,
            batch.id.number,
            batch.id.remembered,
            batch.id.begins,
        ),
    )


def read(reply: bytes | str | int | list[int]) -> list[Outcome]:
    """What became of each hit, in the batch's order.

    Raises StreamFullError, PartlyStoredError.
    """
    if isinstance(reply, int):
        raise StreamFullError(reply)
    if isinstance(reply, list):
        raise PartlyStoredError(reply[0])
    text = reply.decode("ascii") if isinstance(reply, bytes) else reply
    return [_OUTCOMES[character] for character in text]


def submit(redis: Redis, batch: Batch) -> list[Outcome]:
    """Store a batch; the client must neither retry by itself nor decode replies.

    Raises StreamFullError and BatchRefusedError where nothing is stored,
    PartlyStoredError if nothing more is, and StoreAwayError if that is unknown: then
    submit the same batch again.
    """
    call, copies = prepare(batch), batch.bounds.copies
    try:
        try:
            answers = together(redis, call.keys[0], *_commands(call, copies))
        except NoScriptError:
            answers = together(redis, call.keys[0], *_commands(call, copies, _TOLD))
        _require(copies, answers)
    except RedisError as error:
        raise _failure(error) from error
    return read(answers[0])


async def submit_async(redis: AsyncRedis, batch: Batch) -> list[Outcome]:
    """`submit` for an asynchronous client."""
    call, copies = prepare(batch), batch.bounds.copies
    try:
        try:
            answers = await together_async(
                redis, call.keys[0], *_commands(call, copies)
            )
        except NoScriptError:
            answers = await together_async(
                redis, call.keys[0], *_commands(call, copies, _TOLD)
            )
        _require(copies, answers)
    except RedisError as error:
        raise _failure(error) from error
    return read(answers[0])


_KNOWN = ("EVALSHA", SCRIPT_HASH)
_TOLD = ("EVAL", SCRIPT)


def _commands(
    call: Call, copies: Copies, script_: tuple[str, str | bytes] = _KNOWN
) -> list[Command]:
    """The script's call, and what waits for its copies: that knows of what came over
    its own connection only."""
    asked: list[Command] = [(*script_, len(call.keys), *call.keys, *call.arguments)]
    if copies.replicas:
        asked.append(copies.command)
    return asked


def _require(copies: Copies, answers: Sequence[Any]) -> None:
    """Raise RedisError where too few replicas have what the script has written."""
    if copies.replicas:
        copies.require(answers[1])


_OUTCOMES = {outcome.value: outcome for outcome in Outcome}

# The answers of a store that cannot write at the moment: out of memory, its disk
# failing, not the primary, busy with a script, a cluster that moves slots or misses
# some, moved to another one.
_FOR_NOW = frozenset(
    "OOM MISCONF READONLY BUSY NOREPLICAS MASTERDOWN CLUSTERDOWN TRYAGAIN"
    " MOVEDAWAY".split()
)


def _failure(error: Exception) -> PageTrackerError:
    if isinstance(error, AskError):
        return StoreAwayError(error)  # its slot is on its way to another server
    code = getattr(error, "status_code", None) or str(error).partition(" ")[0]
    if isinstance(error, ResponseError) and code not in _FOR_NOW:
        return BatchRefusedError(error)
    return StoreAwayError(error)


def _days(
    batch: Batch, days: Mapping[tuple[int, str], int]
) -> list[tuple[int, str, int, int, bool]]:
    """For each site's day: day, site, page limit, seconds to keep its visitors, and
    whether it is over everywhere."""
    unknown = Site(id="")
    found = []
    for day, site in days:
        end = (day + 1) * DAY_SECONDS + _WESTMOST
        left = end - batch.moment // MICROSECONDS
        limit = batch.sites.get(site, unknown).max_pages
        kept = max(left, DAY_SECONDS) + _SLACK
        found.append((day, site, limit, kept, left <= 0))
    return found


def _event_key(site: str, event_id: str) -> bytes:
    """What is kept of an event id: 12 bytes, enough to distinguish 10^12 of them."""
    return blake2b(f"{site} {event_id}".encode(), digest_size=12).digest()


def _drops(batch: Batch) -> list[tuple[int, str, bool, str, str, int]]:
    """Equal drops together: day, site, whether it is known, reason, name, number."""
    drops = Counter(batch.drops)
    drops.update(hit.less for hit in batch.hits if hit.less is not None)
    return [
        (day, site, site in batch.sites, reason, name, number)
        for (day, site, reason, name), number in drops.items()
    ]
