"""Calls functions after some time: this is what stops questions."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

logger = logging.getLogger(__name__)

# Seconds after which a question that goes on nevertheless is stopped again: between two
# of its statements there is nothing to stop.
AGAIN = 0.1


class Timers:
    """Calls functions after some time, and again, until their block ends.

    One thread for all: a thread for each would cost more than a small question.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def limiting(
        self, call: Callable[[], None], seconds: float
    ) -> Iterator[Callable[[], AbstractContextManager[None]]]:
        """Call after that many seconds, unless the block has ended.

        Yields a context manager within which the time does not count.
        """
        number = next(self._numbers)
        self._put(number, time.monotonic() + seconds, call)

        @contextmanager
        def paused() -> Iterator[None]:
            with self._changed:
                due, _ = self._due.pop(number)
            left = due - time.monotonic()
            try:
                yield
            finally:
                self._put(number, time.monotonic() + left, call)

        try:
            yield paused
        finally:
            with self._changed:
                del self._due[number]

    def _put(self, number: int, due: float, call: Callable[[], None]) -> None:
        with self._changed:
            self._due[number] = (due, call)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while True:
                self._changed.wait(self._call())

    def _call(self) -> float | None:
        """Call what is due; in how many seconds the next is."""
        now = time.monotonic()
        for number, (due, call) in list(self._due.items()):
            if due <= now:
                self._due[number] = (now + AGAIN, call)
                try:
                    call()
                except Exception:  # pylint: disable=broad-exception-caught
                    # It is called again; and all others have their limits too.
                    logger.exception("A question could not be stopped")
        return min((due - now for due, _ in self._due.values()), default=None)
