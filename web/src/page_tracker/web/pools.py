"""The threads that Flask answers in, in pools: no kind of work delays another.

    probes     what a proxy asks to know whether we live
    questions  what may take half a minute each
    others     the counter, badges, the owner's interface, static files

A request takes a thread once all of it has arrived. If too many wait already, the next
one is told to try again. One asker's questions get half of the threads at most; further
ones wait without taking a place.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from a2wsgi import WSGIMiddleware

from page_tracker.tally import TALLY

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBES = frozenset(("/livez", "/readyz"))
QUESTIONS = ("/api/v0/", "/api/v1/", "/api/v2/")

KINDS = ("probe", "question", "page", "other")
REQUESTS = TALLY.counter(
    "page_tracker_requests",
    "Requests other than hits, by kind and answer; `none` if the client went away.",
    kind=KINDS,
    status=("2xx", "3xx", "4xx", "5xx", "none"),
)
REQUEST_SECONDS = TALLY.histogram(
    "page_tracker_request_seconds",
    "How long these took to answer, waits for a thread included, in seconds.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    kind=KINDS,
)

RETRY_SECONDS = b"1"
WAITING = 12  # questions of one asker, for those of theirs that are answered
_TOO_MANY = json.dumps({"error": "too much is asked at once; ask again in a moment"})


class Refusal(NamedTuple):
    """The answer to a request for which there is no place; `headers` by name."""

    headers: Sequence[tuple[str, str]]
    body: bytes


PROGRAMS = Refusal(
    (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(_TOO_MANY))),
        ("Cache-Control", "no-store"),
    ),
    _TOO_MANY.encode(),
)


class Refusals(msgspec.Struct, frozen=True):
    """For programs as JSON, for browsers as a page, which is made when it is needed."""

    page: Callable[[], Refusal]

    async def send(self, path: str, send: Send) -> None:
        refusal = PROGRAMS if path.startswith("/api/") else self.page()
        headers = [
            *((name.lower().encode(), text.encode()) for name, text in refusal.headers),
            (b"retry-after", RETRY_SECONDS),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": refusal.body})


class Pool:
    """Answers `most` requests at once, in some threads of its own; refuses others."""

    def __init__(self, flask: Any, threads: int, most: int, refusals: Refusals) -> None:
        self._flask = WSGIMiddleware(flask, workers=threads)
        self._most = most
        self._refusals = refusals
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._inside >= self._most:
            await self._refusals.send(scope["path"], send)
            return
        self._inside += 1
        try:
            await self._flask(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._inside -= 1


class Share:
    """One asker's requests at the moment; `asked` includes those that wait."""

    def __init__(self, most: int) -> None:
        self.asked = 0
        self.turns = asyncio.Semaphore(most)


class SharedPool:
    """A pool in which each asker has a share: `most` at once, and WAITING that wait."""

    def __init__(self, pool: Pool, most: int, refusals: Refusals) -> None:
        self._pool = pool
        self._most = most
        self._refusals = refusals
        self._shares: dict[str, Share] = {}

    async def __call__(
        self, asker: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        share = self._shares.setdefault(asker, Share(self._most))
        if share.asked >= self._most + WAITING:
            await self._refusals.send(scope["path"], send)
            return
        share.asked += 1
        try:
            async with share.turns:
                await self._pool(scope, receive, send)
        finally:
            share.asked -= 1
            if not share.asked:
                del self._shares[asker]


class Pools:
    """The application, by the kind of what is asked; `page` makes a refusal's."""

    def __init__(self, flask: Any, page: Callable[[], Refusal]) -> None:
        refusals = Refusals(page)
        self._probes = Pool(flask, 2, 100, refusals)
        questions = Pool(flask, 8, 16, refusals)
        self._questions = SharedPool(questions, 4, refusals)
        self._others = Pool(flask, 10, 200, refusals)

    def of(self, path: str, asker: Callable[[], str]) -> Application:
        """The pool that answers a path's requests; `asker` is who sent them."""
        kind, pool = self._kind_of(path, asker)
        return _Counted(kind, pool)

    def _kind_of(self, path: str, asker: Callable[[], str]) -> tuple[str, Application]:
        if path in PROBES:
            return "probe", self._probes
        if not asks(path):
            return "other", self._others
        kind = "question" if path.startswith(QUESTIONS) else "page"
        return kind, partial(self._questions, asker())


class _Counted(msgspec.Struct, frozen=True):
    """Answers requests of a kind, and counts them."""

    kind: str
    answering: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), "none"

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = f"{message['status'] // 100}xx"
            await send(message)

        try:
            await self.answering(scope, receive, send_on)
        finally:
            REQUESTS.add(self.kind, status)
            REQUEST_SECONDS.observe(time.perf_counter() - began, self.kind)


def asks(path: str) -> bool:
    """Whether a path's requests ask questions, as those for sites' pages do."""
    first = path[1:].partition("/")[0]
    return path.startswith(QUESTIONS) or "." in first or first == "sites"
