"""Events on their way to the server: a bounded queue and one thread per process.

    put → queue ⇢ the thread: a wave at a time, each event on its own connection
                  accepted · lost, counted · tried again, at once or after a pause

The server stores what arrives together at once, every few milliseconds; so a wave takes
about as long as a single event. An event may be sent again because it has an id: the
server counts it once.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from page_tracker_client.connection import Connection
from page_tracker_client.event import Event, body_of
from page_tracker_client.losses import Losses
from page_tracker_client.target import Target, request_of
from page_tracker_client.trust import distrust
from page_tracker_client.verdict import Fate, Verdict, verdict_of

WAVE = 16  # events, and connections at most
LINGER = 0.02  # seconds that the first event waits for others
MAX_AGE = 600.0  # seconds; a view that arrived later would be counted at another time
MAX_REFUSALS = 3  # of one event, because its visitor sends too many
MAX_REFUSED = 1_000  # events that wait because of that
LONGEST_PAUSE = 30.0  # seconds between two tries of a server that is away

logger = logging.getLogger("page_tracker_client")


@dataclass(order=True, slots=True)
class Try:
    """An event, and when it is due to be sent; times are of time.monotonic()."""

    due: float
    made: float
    event: Event = field(compare=False)
    refusals: int = field(default=0, compare=False)


class Worker:
    """The queue and the thread of one process; a new one is made after a fork."""

    def __init__(
        self, target: Target, site: str, capacity: int, timeout: float
    ) -> None:
        """`timeout` is in seconds, for the answers to a wave."""
        self._target, self._site = target, site
        self._capacity, self._timeout = capacity, timeout
        self._changed = threading.Condition()
        self._new: deque[Try] = deque()
        self._again: list[Try] = []
        self._in_hand = 0
        self._paused_until, self._failures = 0.0, 0
        self._is_closing = self._is_over = False
        self._is_believed: bool | None = None
        self._connections = [Connection(target) for _ in range(WAVE)]
        self._thread: threading.Thread | None = None
        self.losses = Losses(target.url)

    def put(self, event: Event) -> None:
        """Accept an event, or count it as lost; never waits for the server."""
        with self._changed:
            if self._is_closing:
                self.losses.add("came after the end")
            elif self._waiting() >= self._capacity:
                self.losses.add(f"as {self._capacity} others were waiting")
            else:
                self._take(event)

    def flush(self, seconds: float) -> bool:
        """Wait until every event is done with; returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting(), seconds)

    def close(self, seconds: float) -> None:
        """Send what waits, each once more, and count what is left after that time."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        with self._changed:
            self._is_over = True
            if left := self._waiting():
                self.losses.add("were still waiting at the end", left)
            self._new.clear()
            self._again.clear()
        self._report(at_once=True)

    def _take(self, event: Event) -> None:
        if self._thread is None:
            thread = threading.Thread(
                target=self._run, name="page-tracker", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # no more threads, or the interpreter ends
                self.losses.add(str(error))
                return
            self._thread = thread
        now = time.monotonic()
        self._new.append(Try(now, now, event))
        if len(self._new) in (1, WAVE):
            self._changed.notify_all()

    def _waiting(self) -> int:
        return len(self._new) + len(self._again) + self._in_hand

    def _run(self) -> None:
        while wave := self._next_wave():
            try:
                self._deliver(wave)
            except Exception:  # pylint: disable=broad-exception-caught # goes on
                logger.exception("the page tracker's thread failed, and goes on")
                self._close_connections()
            with self._changed:
                if self._in_hand and not self._is_over:
                    self.losses.add(
                        "were in hand when the thread failed", self._in_hand
                    )
                self._in_hand = 0
                self._changed.notify_all()
            self._report()
        self._close_connections()

    def _close_connections(self) -> None:
        for connection in self._connections:
            connection.close()

    def _next_wave(self) -> list[Try]:
        """What is to be sent now, once there is something; empty at the end."""
        with self._changed:
            while not (wave := self._due()):
                if self._is_closing and not self._waiting():
                    break
                self._changed.wait(self._idle_seconds())
            self._in_hand = len(wave)
            return wave

    def _due(self) -> list[Try]:
        """Take out the events that are due, oldest first; drop what is too old."""
        now = time.monotonic()
        if not self._is_closing:
            if now < self._paused_until:
                return []
            if self._new and len(self._new) < WAVE and now - self._new[0].due < LINGER:
                return []
        wave: list[Try] = []
        while len(wave) < WAVE:
            if self._again and (self._is_closing or self._again[0].due <= now):
                each = heapq.heappop(self._again)
            elif self._new:
                each = self._new.popleft()
            else:
                break
            if now - each.made > MAX_AGE:
                self.losses.add(f"waited for more than {MAX_AGE:.0f} s")
            else:
                wave.append(each)
        return wave

    def _idle_seconds(self) -> float | None:
        """Seconds without work unless something arrives; None: no end."""
        now = time.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        dues = [self._again[0].due] if self._again else []
        if self._new:
            dues.append(self._new[0].due + LINGER)
        return max(min(dues) - now, 0.0) if dues else None

    def _deliver(self, wave: list[Try]) -> None:
        deadline = time.monotonic() + self._timeout
        sent: list[tuple[Try, Connection]] = []
        problem: Verdict | None = None
        for each, connection in zip(wave, self._connections):
            if problem is None:
                problem = self._send(each, connection, deadline)
                if problem is None:
                    sent.append((each, connection))
                    continue
            self._judge(each, problem)
            if problem.fate is Fate.LOST or not problem.wait:
                problem = None  # it concerns only this one
        for each, connection in sent:
            try:
                verdict = verdict_of(connection.answer(deadline))
            except OSError as error:
                verdict = _away(error, connection)
            self._judge(each, verdict)
        self._ask_whether_believed(deadline)

    def _send(
        self, each: Try, connection: Connection, deadline: float
    ) -> Verdict | None:
        """Send an event; returns a verdict if that is not possible."""
        try:
            body = body_of(each.event, self._site)
            request = request_of(self._target, each.event.headers, body)
            connection.send(request, deadline)
        except OSError as error:
            return _away(error, connection)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A property may be any object, and fail in its own way to become text.
            return Verdict(Fate.LOST, f"cannot be written: {error!r}")
        return None

    def _judge(self, each: Try, verdict: Verdict) -> None:
        """Be done with an event, or queue it for its next try."""
        with self._changed:
            if self._is_over:
                return
            self._in_hand -= 1
            if verdict.fate is Fate.TAKEN:
                self._failures = 0
                return
            if verdict.fate is Fate.THIS_LATER:
                each.refusals += 1
                is_lost = each.refusals == MAX_REFUSALS
                is_lost = is_lost or len(self._again) >= MAX_REFUSED
            else:
                is_lost = verdict.fate is Fate.LOST
            if is_lost or (self._is_closing and verdict.wait):
                self.losses.add(verdict.why)
                return
            each.due = time.monotonic() + verdict.wait
            heapq.heappush(self._again, each)
            if verdict.fate is Fate.ALL_LATER and verdict.wait:
                self._pause(verdict.wait)

    def _pause(self, wait: float) -> None:
        """Send nothing for a while, longer each time; a wave counts as one time."""
        now = time.monotonic()
        if now >= self._paused_until:
            wait = max(wait, min(wait * 2**self._failures, LONGEST_PAUSE))
            self._failures += 1
            self._paused_until = now + wait

    def _ask_whether_believed(self, deadline: float) -> None:
        """Once, after an event was accepted: warn if the server does not trust the
        addresses that this application passes on."""
        if self._is_believed is None and not self._failures and not self._is_closing:
            try:
                problem = distrust(self._target, self._connections[0], deadline)
            except OSError:
                return
            self._is_believed = problem is None
            if problem:
                logger.warning(problem)

    def _report(self, at_once: bool = False) -> None:
        with self._changed:
            said = self.losses.report(at_once)
        if said:
            logger.warning(said)


def _away(error: OSError, connection: Connection) -> Verdict:
    """A persistent connection may have been closed: then a new one is tried at once."""
    wait = 0.0 if connection.was_kept else 1.0
    return Verdict(Fate.ALL_LATER, str(error) or type(error).__name__, wait)
