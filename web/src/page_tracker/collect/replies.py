"""Whom to tell what became of a hit, and in which form."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from page_tracker.collect.drops import drops_among
from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import Drop, Hit, RawHit, Sender
from page_tracker.store.ingest import Outcome

# Called with what does not count of something that was sent, or with why it is not
# stored.
Reply = Callable[[Sequence[Drop] | NotStoredError], None]


class Arrived(NamedTuple):
    """One hit that is not judged yet; `moment` in microseconds since 1970."""

    raw: RawHit
    sender: Sender
    moment: int
    reply: Reply


def reply_of_one(
    found: Hit | Drop, reply: Reply, outcome: Outcome | NotStoredError
) -> None:
    """Reply to a request that brought one hit."""
    if outcome is Outcome.STORED and isinstance(found, Hit) and found.less is None:
        reply(())
    elif isinstance(outcome, NotStoredError):
        reply(outcome)
    else:
        reply(drops_among([(found, outcome)]))


def tell_future(
    fate: asyncio.Future[Outcome | NotStoredError], outcome: Outcome | NotStoredError
) -> None:
    """Tell who waits for one of several hits."""
    if not fate.done():  # else nobody waits any more
        fate.set_result(outcome)
