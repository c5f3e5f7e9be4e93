"""What a question may still use: time to work, and time to wait for others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec


def _always() -> bool:
    return True


class TimeBudget(msgspec.Struct):
    """What is left to a question, or to a list of them as a whole.

    `seconds` of work and `patience`, as many of waiting, get less as they are used;
    `is_wanted` says, from any thread, whether anybody still waits for the answer.
    """

    # pylint: disable=no-member # it does not see what is also assigned in a method
    seconds: float
    patience: float
    is_wanted: Callable[[], bool] = _always

    @contextmanager
    def waiting(self) -> Iterator[float]:
        """Wait within the block, for at most the seconds that it is given."""
        began = time.monotonic()
        try:
            yield max(0.0, self.patience)
        finally:
            self.patience -= time.monotonic() - began

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work within the block; waiting in it does not count as work."""
        began, patience = time.monotonic(), self.patience
        try:
            yield
        finally:
            waited = patience - self.patience
            self.seconds -= time.monotonic() - began - waited
