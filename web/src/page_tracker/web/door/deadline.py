"""A time limit that every request moves, so moving it must cost next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Deadline:
    """Calls `overdue` when its time is over; there is no limit until one is set.

    The loop's timer may fire too early: then it is set again, rather than whenever the
    deadline is moved.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, overdue: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._overdue = overdue
        self._due = self._fires = inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Be due this many seconds from now."""
        self._due = self._loop.time() + seconds
        if self._due < self._fires:
            self._stop()
            self._fires = self._due
            self._timer = self._loop.call_at(self._due, self._fire)

    def set_sooner(self, seconds: float) -> None:
        """Be due this many seconds from now, if that is sooner."""
        self.set(min(seconds, self._due - self._loop.time()))

    def lift(self) -> None:
        """Remove the limit."""
        self._due = inf

    def end(self) -> None:
        """Never call again, and drop the reference to what it would call."""
        self._due = inf
        self._stop()
        self._overdue = _nothing

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._fires = inf
        if self._due <= self._loop.time():
            self._due = inf
            self._overdue()
        elif self._due < inf:
            self.set(self._due - self._loop.time())


def _nothing() -> None:
    """It was over before its time was."""
