"""Hits under load, each of which is known again: what was acknowledged, what is stored.

Each hit has a path of its own. Every second one has an event id and is sent again until
it is acknowledged, as our script does; the others are sent once, whatever comes back.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from urllib.parse import urlsplit

import requests

from support.pace import PACE

SITE = "load.example"
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
CONNECTION_SECONDS = 10.0 * PACE
PAUSE_SECONDS = 0.02


@dataclass
class Sent:
    """What became of the hits, by their paths; and every status that was answered.

    An acknowledged hit has the moment of its sender's clock before it was sent, since
    the answer may be noted long after it came.
    """

    acknowledged: dict[str, float] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(
        self, path: str, began: float, status: int, retry_after: str | None
    ) -> None:
        """Note an answer, or 0 where none came, to what was sent at `began`."""
        with self._lock:
            self.statuses[status] += 1
            if status == 202:
                self.acknowledged[path] = began
            elif status == 0 or status >= 500:
                self.unknown.add(path)
            if status == 503 and retry_after is None:
                self.without_retry_after += 1

    def must_be_stored_once(self, stored: list[str]) -> None:
        """Hold the invariant: acknowledged = stored, but for what nobody was told."""
        twice = [path for path, number in Counter(stored).items() if number > 1]
        assert not twice, f"{len(twice)} are stored twice, like {twice[:3]}"
        lost = self.acknowledged.keys() - set(stored)
        assert not lost, f"{len(lost)} of {len(self.acknowledged)} are lost"
        others = set(stored) - self.acknowledged.keys() - self.unknown
        assert not others, f"{len(others)} were refused and are stored"


class Sender:
    """One keep-alive connection that sends page views."""

    def __init__(self, url: str) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=CONNECTION_SECONDS)

    def send(
        self, path: str, event_id: str = "", **headers: str
    ) -> tuple[int, str | None]:
        """The status and Retry-After; raises OSError, HTTPException."""
        event = {"n": "pageview", "u": f"https://{SITE}{path}", "d": SITE}
        if event_id:
            event["id"] = event_id
        try:
            self._http.request(
                "POST",
                "/api/event",
                json.dumps(event),
                {"User-Agent": BROWSER, "Content-Type": "text/plain", **headers},
            )
            response = self._http.getresponse()
            response.read()
        except (OSError, HTTPException):
            self._http.close()
            raise
        return response.status, response.headers["Retry-After"]

    def close(self) -> None:
        self._http.close()


@contextmanager
def hitting(
    url: str,
    connections: int,
    *,
    brief: int = 0,
    each_second: float = 0,
    mark: str = "",
) -> Iterator[Sent]:
    """Hits while the body runs, and until what is sent again is taken.

    So many senders keep their connection, and as many as `brief` open one for each hit.
    All together send `each_second`, or without pause. Their addresses differ, so the
    server must trust the loopback as a proxy. Paths and ids begin with the mark.
    """
    sent, stopped, numbers = Sent(), threading.Event(), count()
    between = (connections + brief) / each_second if each_second else 0.0

    def hit(sender: Sender) -> None:
        number = next(numbers)
        path = f"/{mark}/{number}" if mark else f"/{number}"
        event_id = f"hit-{mark}-{number}" if number % 2 else ""
        address = f"198.51.{number // 256 % 256}.{number % 256}"
        while True:
            began = time.monotonic()
            try:
                status, retry_after = sender.send(
                    path, event_id, **{"X-Forwarded-For": address}
                )
            except (OSError, HTTPException):
                status, retry_after = 0, None
            sent.note(path, began, status, retry_after)
            if status == 202 or not event_id:
                break
            sender.close()  # another process may take it
            time.sleep(PAUSE_SECONDS)

    def work(keeps: bool) -> None:
        sender, due = Sender(url), time.monotonic()
        while not stopped.wait(due - time.monotonic() if between else 0):
            hit(sender)
            due += between
            if not keeps:
                sender.close()
        sender.close()

    threads = [
        threading.Thread(target=work, args=(number < connections,))
        for number in range(connections + brief)
    ]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


@contextmanager
def asking(url: str) -> Iterator[Counter[int]]:
    """The statuses of a GET by a new connection each, without pause; 0 is none."""
    statuses: Counter[int] = Counter()
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            try:
                statuses[requests.get(url, timeout=CONNECTION_SECONDS).status_code] += 1
            except requests.RequestException:
                statuses[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield statuses
    finally:
        stopped.set()
        thread.join()
