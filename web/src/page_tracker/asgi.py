"""The front door: hits go to the collector on the event loop, all else to Flask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from a2wsgi import WSGIMiddleware

from page_tracker.app import app as flask_app
from page_tracker.collect.collector import Collector
from page_tracker.collect.intake import not_stored, received, too_large
from page_tracker.collect.protocols import PROTOCOLS
from page_tracker.collect.protocols.protocol import (
    BODY_LIMIT,
    Answer,
    Answered,
    Protocol,
)
from page_tracker.errors import NotStored
from page_tracker.services import open_collector, open_lookups
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
                start, body = _messages(await self._answer(protocol, scope, receive))
                await send(start)
                await send(body)
        elif kind == "lifespan":
            await self._live(receive, send)
        else:
            raise ValueError(f"nobody here speaks {kind}")

    async def _answer(
        self, protocol: Protocol, scope: Scope, receive: Receive
    ) -> Answer:
        assert self._collector is not None, "the server must support lifespan events"
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body") and len(body) <= BODY_LIMIT:
            message = await receive()
            body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            return too_large(protocol)
        client = scope["client"]
        try:
            raws, sender = received(
                protocol,
                scope["method"],
                scope["query_string"].decode("latin-1"),
                _headers(scope["headers"]),
                body,
                peer=client[0] if client else "",
                proxies=self._proxies,
            )
            return protocol.accept(await self._collector.collect(raws, sender))
        except Answered as answered:
            return answered.answer
        except NotStored as error:
            return not_stored(protocol, error)

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


def _headers(sent: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Headers by name; several of one name are one list (RFC 9110, 5.3)."""
    headers = dict(sent)
    if len(headers) != len(sent):  # type: ignore[arg-type]
        headers.clear()
        for name, value in sent:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


@lru_cache(4096)
def _messages(answer: Answer) -> tuple[Message, Message]:
    return (
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": list(answer.headers),
        },
        {"type": "http.response.body", "body": answer.body},
    )


app = FrontDoor(Settings.from_environment(), flask_app)
