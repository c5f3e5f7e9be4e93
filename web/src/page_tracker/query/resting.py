"""Something that is opened when it is needed, and closed when it has rested a while."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Resting(Generic[T]):
    """Opens and closes it; safe to use from many threads.

    It is closed once nobody has used it for `seconds`, or twice as long at most.
    """

    def __init__(
        self, open_it: Callable[[], T], close_it: Callable[[T], None], seconds: float
    ) -> None:
        self._open_it = open_it
        self._close_it = close_it
        self._seconds = seconds
        self._lock = threading.Lock()
        self._opened: list[T] = []  # at most one
        self._users = 0
        self._left = 0.0

    @contextmanager
    def used(self) -> Iterator[T]:
        """It, opened, until the block ends. Raises what opening raises."""
        with self._lock:
            if not self._opened:
                self._opened.append(self._open_it())
                look = (weakref.ref(self), self._seconds)
                threading.Thread(target=_look, args=look, daemon=True).start()
            opened = self._opened[0]
            self._users += 1
        try:
            yield opened
        finally:
            with self._lock:
                self._users -= 1
                self._left = time.monotonic()

    def close_if_rested(self) -> bool:
        """Whether it is closed: now, unless it was used a moment ago."""
        with self._lock:
            rested = time.monotonic() - self._left
            if self._opened and not self._users and rested >= self._seconds:
                self._close_it(self._opened.pop())
            return not self._opened


def _look(found: weakref.ref[Resting[T]], seconds: float) -> None:
    """Look again and again, as long as there is any; it is not kept for that."""
    is_over = False
    while not is_over:
        time.sleep(seconds)
        resting = found()
        is_over = resting is None or resting.close_if_rested()
        del resting
