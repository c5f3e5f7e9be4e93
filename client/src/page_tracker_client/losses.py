"""What did not reach the server: counted by reason, and reported now and then."""

from __future__ import annotations

import logging
import time
from collections import Counter

TELL_EVERY = 60.0  # seconds
MAX_REASONS = 20  # that are distinguished

logger = logging.getLogger("page_tracker_client")


class Losses:
    """Counts of one process; its methods are called under its owner's lock."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._untold: Counter[str] = Counter()
        self._told = -TELL_EVERY
        self.total = 0

    def add(self, why: str, number: int = 1) -> None:
        is_known = why in self._untold or len(self._untold) < MAX_REASONS
        self._untold[why if is_known else "for other reasons"] += number
        self.total += number

    def report(self, at_once: bool = False) -> str | None:
        """A report of the losses not yet reported; None if none, or too early."""
        now = time.monotonic()
        if not self._untold or not (at_once or now - self._told >= TELL_EVERY):
            return None
        self._told = now
        reasons = "; ".join(f"{number} {why}" for why, number in self._untold.items())
        number = self._untold.total()
        self._untold.clear()
        return (
            f"{number} page views or events were not counted by {self._server}:"
            f" {reasons}"
        )
