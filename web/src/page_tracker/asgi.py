"""The front door: hits go to the collector on the event loop, all else to Flask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

from a2wsgi import WSGIMiddleware

from page_tracker.app import app as flask_app
from page_tracker.collect.collector import Collector
from page_tracker.collect.hit import NOBODY, Drop
from page_tracker.collect.intake import HttpRequest, not_stored, received
from page_tracker.collect.protocols import PROTOCOLS
from page_tracker.collect.protocols.protocol import (
    BODY_LIMIT,
    Answer,
    Answered,
    Protocol,
)
from page_tracker.errors import NotStored
from page_tracker.services.collecting import open_collector, open_lookups
from page_tracker.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Threads that Flask answers in.
FLASK_THREADS = 10

logger = logging.getLogger(__name__)


class FrontDoor:
    """An ASGI application; its collector lives from the server's start to its end."""

    def __init__(self, settings: Settings, flask: Any) -> None:
        self._settings = settings
        self._proxies = settings.trusted_proxies
        self._flask = WSGIMiddleware(flask, workers=FLASK_THREADS)
        self._collector: Collector | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            protocol = PROTOCOLS.get(scope["path"])
            if protocol is None:
                await self._flask(scope, receive, send)  # type: ignore[arg-type]
            else:
                request = await _request(scope, receive)
                answered = asyncio.get_running_loop().create_future()
                tell = partial(_tell_future, answered)
                self.answer_soon(request, scope["client"], tell)
                await _send(await answered, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        else:
            raise ValueError(f"nobody here speaks {kind}")

    def takes(self, path: str) -> bool:
        """Whether a request is for the collector, and `answer_soon` may be called."""
        return path in PROTOCOLS

    def answer_soon(
        self,
        request: HttpRequest,
        client: tuple[str, int] | None,
        tell: Callable[[Answer], None],
    ) -> None:
        """Collect what a request brings, and tell its answer once it is stored.

        `client` is the other end of its connection; None where that has no address.
        """
        if self._collector is None:
            raise RuntimeError("the server must support lifespan events")
        protocol = PROTOCOLS[request.path]
        peer = client[0] if client else ""
        try:
            raws, sender = received(protocol, request, peer, self._proxies)
            self._collector.collect_soon(raws, sender, partial(_tell, protocol, tell))
        except Answered as answered:
            tell(answered.answer)
            if answered.refused:
                self._collector.collect_soon(answered.refused, NOBODY, _tell_nobody)
        except Exception:  # pylint: disable=broad-exception-caught
            # A fault of ours: its sender gets an answer all the same.
            logger.exception("A request to %s could not be read", request.path)
            tell(protocol.refuse(500, "this is a fault of the server; report it", ()))

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open the collector when the server starts; store what waits when it stops."""
        await receive()
        try:
            await asyncio.to_thread(open_lookups, self._settings)  # reads large files
            self._collector = open_collector(self._settings)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._collector.close()
        await send({"type": "lifespan.shutdown.complete"})


def headers_of(sent: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; several of one name are one list (RFC 9110, 5.3)."""
    headers = dict(sent)
    if len(headers) != len(sent):
        headers.clear()
        for name, value in sent:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _tell(
    protocol: Protocol,
    tell: Callable[[Answer], None],
    fate: Sequence[Drop] | NotStored,
) -> None:
    if isinstance(fate, NotStored):
        tell(not_stored(protocol, fate))
    else:
        tell(protocol.accept(fate))


def _tell_nobody(_fate: Sequence[Drop] | NotStored) -> None:
    """What was refused is told its owner; its sender has the answer already."""


def _tell_future(answered: asyncio.Future[Answer], answer: Answer) -> None:
    if not answered.done():  # else its sender has gone
        answered.set_result(answer)


async def _request(scope: Scope, receive: Receive) -> HttpRequest:
    """A request with its body: a little more than BODY_LIMIT where that is too long."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= BODY_LIMIT:
        message = await receive()
        body += message.get("body", b"")
    return HttpRequest(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers_of(scope["headers"]),
        body,
    )


async def _send(answer: Answer, send: Send) -> None:
    headers = list(answer.headers)
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": answer.body})


app = FrontDoor(Settings.from_environment(), flask_app)
