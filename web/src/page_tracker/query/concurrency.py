"""Limits concurrency: a few questions at once, and one piece of large work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from page_tracker.query.problem import BusyError
from page_tracker.query.time_budget import TimeBudget

# How many questions are answered at once; others wait as long as one may take.
AT_ONCE = 4

# While its block runs, time does not count against the question.
Paused = Callable[[], AbstractContextManager[None]]


class Turns:
    """Has questions wait for each other; safe to use from many threads."""

    def __init__(self) -> None:
        # pylint: disable-next=consider-using-with  # it lives as long as the engine
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._large = threading.Lock()

    @contextmanager
    def one_of_some(self, budget: TimeBudget) -> Iterator[None]:
        """Take one of the places for questions that are answered at once.

        Raises BusyError if none of the others ended within the patience that is left.
        """
        with budget.waiting() as patience:
            if not self._free.acquire(timeout=patience):
                raise _busy()
        try:
            yield
        finally:
            self._free.release()

    @contextmanager
    def alone(self, budget: TimeBudget, paused: Paused) -> Iterator[None]:
        """Do large work while nobody else does.

        While a question waits for this it gives up its place among `one_of_some`, and
        the time is not charged to it.

        Raises BusyError as `one_of_some`.
        """
        with paused(), budget.waiting() as patience:
            self._free.release()
            try:
                # pylint: disable-next=consider-using-with  # it is released below
                is_alone = self._large.acquire(timeout=patience)
            finally:
                # pylint: disable-next=consider-using-with  # `one_of_some` releases it
                self._free.acquire()
        if not is_alone:
            raise _busy()
        try:
            yield
        finally:
            self._large.release()


def _busy() -> BusyError:
    return BusyError("other questions are being answered", "ask again in a moment")
