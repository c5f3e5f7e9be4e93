"""Tasks of an event loop that nobody waits for: their failures are logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

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


def _say(what: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s failed", what, exc_info=error)
