"""Sessions that Redis has lately confirmed, in a process's own memory.

While Redis is away, people with such a session can still read. No session can be ended
then, so one that was valid a moment ago still is; how long, and how many, is limited.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from page_tracker.people.session import Session

MOST = 1_000
KEPT = 60 * 60  # seconds since Redis last confirmed it


class RecentSessions:
    """The sessions by their ids, which are the hashes of what browsers have."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._confirmed: OrderedDict[str, tuple[Session, float]] = OrderedDict()

    def note(self, session_id: str, session: Session | None) -> None:
        """Note Redis's latest answer: the session, or that there is none."""
        with self._lock:
            self._confirmed.pop(session_id, None)
            if session is not None:
                self._confirmed[session_id] = (session, self._clock())
            if len(self._confirmed) > MOST:
                self._confirmed.popitem(last=False)

    def find(self, session_id: str) -> Session | None:
        """The session, if it was confirmed within KEPT."""
        with self._lock:
            session, at = self._confirmed.get(session_id, (None, 0.0))
        return session if session and self._clock() - at < KEPT else None
