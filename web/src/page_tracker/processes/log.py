"""The log: a failure that repeats itself is one line, and later a count."""

from __future__ import annotations

import logging
import re
import threading
import time
from math import inf

SECONDS = 60.0
# Messages that are remembered.
MOST_MESSAGES = 1_000

_NUMBER = re.compile(r"\d+")


class Repeats(logging.Filter):
    """Lets a handler write a message once in `seconds`, then how often more it came.

    Messages that differ only in numbers are one.
    """

    def __init__(self, handler: logging.Handler, seconds: float = SECONDS) -> None:
        super().__init__()
        self._handler = handler
        self._seconds = seconds
        self._lock = threading.Lock()
        # When each was written, and how often it came since.
        self._said: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        failure = record.exc_info[0] if record.exc_info else None
        said = f"{record.name} {record.levelno} {failure} {record.getMessage()}"
        key = _NUMBER.sub("#", said)
        now = time.monotonic()
        with self._lock:
            since, times = self._said.get(key, (-inf, 0))
            left = since + self._seconds - now
            if left <= 0 and not times:
                self._remember(key, now)
                return True
            self._said[key] = since, times + 1
        if not times:
            timer = threading.Timer(left, self._tell, (key, record))
            timer.daemon = True
            timer.start()
        return False

    def _remember(self, key: str, now: float) -> None:
        if len(self._said) >= MOST_MESSAGES:
            kept = {each: said for each, said in self._said.items() if said[1]}
            self._said = kept
        self._said[key] = now, 0

    def _tell(self, key: str, record: logging.LogRecord) -> None:
        with self._lock:
            _, times = self._said.pop(key)
        text = f"{record.getMessage()} (and {times} times more)"
        told = {"msg": text, "args": None, "exc_info": None, "exc_text": None}
        self._handler.acquire()
        try:
            self._handler.emit(logging.makeLogRecord({**record.__dict__, **told}))
        finally:
            self._handler.release()


def say_once(handler: logging.Handler) -> None:
    """Have a handler write what repeats itself only once in a while."""
    handler.addFilter(Repeats(handler))
