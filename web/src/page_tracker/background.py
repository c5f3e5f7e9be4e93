"""Tasks of an event loop that nobody waits for: their failures are logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

AGAIN = 0.1  # seconds

logger = logging.getLogger(__name__)


def begun(work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
    """Begin a task, and log its failure as that of `what`, whoever else sees it."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(partial(_say, what))
    return task


async def repeat(what: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
    """Repeat the work, with this many seconds in between; never returns.

    After a failure it pauses as usual; failures are logged once until one succeeds.
    """
    failure = ""
    while True:
        try:
            await work()
            failure = ""
        except Exception as error:  # pylint: disable=broad-exception-caught
            if repr(error) != failure:
                failure = repr(error)
                logger.exception("%s failed and is tried again", what)
        await asyncio.sleep(pause)


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks, and return once they have ended.

    Again and again: `asyncio.wait_for`, by which Redis's client sends, takes no notice
    of being cancelled at the moment at which it is done (before Python 3.12).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN)


def _say(what: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s failed", what, exc_info=error)
