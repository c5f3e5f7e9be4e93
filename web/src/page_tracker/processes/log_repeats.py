"""The log: a repeated failure is one line, and later a count."""

from __future__ import annotations

import logging
import re
import threading
import time
from math import inf

SECONDS = 60.0
# How many messages are remembered.
MOST_MESSAGES = 1_000

_NUMBER = re.compile(r"\d+")


class Repeats(logging.Filter):
    """Lets a handler write a message once in `seconds`, then how often it was repeated.

    Messages that differ only in numbers count as the same.
    """

    def __init__(self, handler: logging.Handler, seconds: float = SECONDS) -> None:
        super().__init__()
        self._handler = handler
        self._seconds = seconds
        self._lock = threading.Lock()
        # When each was written, and how often it was repeated since.
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        failure = record.exc_info[0] if record.exc_info else None
        text = f"{record.name} {record.levelno} {failure} {record.getMessage()}"
        key = _NUMBER.sub("#", text)
        now = time.monotonic()
        with self._lock:
            since, times = self._seen.get(key, (-inf, 0))
            left = since + self._seconds - now
            if left <= 0 and not times:
                self._remember(key, now)
                return True
            self._seen[key] = since, times + 1
        if not times:
            timer = threading.Timer(left, self._write_count, (key, record))
            timer.daemon = True
            timer.start()
        return False

    def _remember(self, key: str, now: float) -> None:
        if len(self._seen) >= MOST_MESSAGES:
            kept = {each: seen for each, seen in self._seen.items() if seen[1]}
            self._seen = kept
        self._seen[key] = now, 0

    def _write_count(self, key: str, record: logging.LogRecord) -> None:
        with self._lock:
            _, times = self._seen.pop(key)
        text = f"{record.getMessage()} (and {times} times more)"
        changes = {"msg": text, "args": None, "exc_info": None, "exc_text": None}
        self._handler.acquire()
        try:
            self._handler.emit(logging.makeLogRecord({**record.__dict__, **changes}))
        finally:
            self._handler.release()


def say_once(handler: logging.Handler) -> None:
    """Have a handler write repeated messages only once in a while."""
    handler.addFilter(Repeats(handler))
