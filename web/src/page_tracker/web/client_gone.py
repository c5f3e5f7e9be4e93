"""Tells a request's thread that its client has gone, so that nobody needs its
answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from page_tracker.web.pools import Receive

# How long to go on for a client that has closed its end of the connection.
LINGER_SECONDS = 2.0

# For the request that is being answered: set once its client has gone.
_GONE: ContextVar[threading.Event] = ContextVar("gone")


def is_wanted() -> Callable[[], bool]:
    """Tells, in any thread, whether the client of this request still waits."""
    gone = _GONE.get(None)
    return lambda: gone is None or not gone.is_set()


async def watched(answering: Awaitable[None], receive: Receive) -> None:
    """Await what answers a request, in whose threads `is_wanted` knows of its client.

    Its body has been received: all that can follow is that the client leaves, or closes
    its end of the connection.
    """
    gone = threading.Event()
    _GONE.set(gone)
    watching = asyncio.create_task(_wait(receive, gone))
    try:
        await answering
    finally:
        watching.cancel()


async def _wait(receive: Receive, gone: threading.Event) -> None:
    if (await receive())["type"] != "http.disconnect":
        # It has closed its end: most such clients have gone, a few still wait.
        await asyncio.sleep(LINGER_SECONDS)
    gone.set()
