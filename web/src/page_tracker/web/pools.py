"""The threads that Flask answers in, in pools: no kind of work waits for another.

    probes     what a proxy asks to know whether we live
    questions  what may take half a minute each
    others     the counter, badges, the owner's interface, static files

A request takes a thread when it is there as a whole. Where more wait for one than are
worth it, the next is told to come again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PROBES = frozenset(("/livez", "/readyz"))
QUESTIONS = ("/api/v1/", "/api/v2/")

RETRY_SECONDS = b"1"


class Pool:
    """Answers `most` requests at once, in some threads of its own; refuses others."""

    def __init__(self, flask: Any, threads: int, most: int, many: str) -> None:
        """`many` names what there are too many of, for who is refused."""
        self._flask = WSGIMiddleware(flask, workers=threads)
        self._most = most
        self._many = many
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._inside >= self._most:
            await _refuse(f"too many {self._many} at once; ask again in a moment", send)
            return
        self._inside += 1
        try:
            await self._flask(scope, receive, send)  # type: ignore[arg-type]
        finally:
            self._inside -= 1


class Pools:
    """The application, by the kind of what is asked."""

    def __init__(self, flask: Any) -> None:
        self._probes = Pool(flask, threads=2, most=100, many="probes")
        self._questions = Pool(flask, threads=8, most=16, many="questions")
        self._others = Pool(flask, threads=10, most=200, many="requests")

    def of(self, path: str) -> Pool:
        """The pool that a path's requests are answered in."""
        if path in PROBES:
            return self._probes
        return self._questions if asks(path) else self._others


def asks(path: str) -> bool:
    """Whether a path's requests ask questions: those of sites' pages do, too."""
    first = path[1:].partition("/")[0]
    return path.startswith(QUESTIONS) or "." in first or first == "sites"


async def _refuse(why: str, send: Send) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"retry-after", RETRY_SECONDS),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
