"""What a question may still take: time to work, time to wait for others, its asker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


def _always() -> bool:
    return True


@dataclass(slots=True)
class TimeBudget:
    """What is left to a question, or to a list of them as a whole.

    `seconds` of work and `patience`, as many of waiting, get less as they are used;
    `is_wanted` says, from any thread, whether anybody still waits for the answer.
    """

    seconds: float
    patience: float
    is_wanted: Callable[[], bool] = _always

    @contextmanager
    def waiting(self) -> Iterator[float]:
        """Wait within the block, for so many seconds at most."""
        began = time.monotonic()
        try:
            yield max(0.0, self.patience)
        finally:
            self.patience -= time.monotonic() - began

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work within the block; what is waited there is not work."""
        began, patience = time.monotonic(), self.patience
        try:
            yield
        finally:
            waited = patience - self.patience
            self.seconds -= time.monotonic() - began - waited
