"""Middleware for ASGI applications: FastAPI, Starlette, Litestar, Quart and others.

app.add_middleware(
    PageTrackerMiddleware, server="https://stats.example.com", site="example.org"
)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Unpack

from page_tracker_client.counting import Counting, Options, end
from page_tracker_client.request import AsgiRequest

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class PageTrackerMiddleware:
    """Counts the page views of an application, and passes all requests on to it."""

    def __init__(self, app: Application, **options: Unpack[Options]) -> None:
        """Raises TypeError or ValueError for invalid options."""
        self._app = app
        self._counting = Counting.of(**options)
        self.client = self._counting.client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, self._closing(send))
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        counting, request = self._counting, AsgiRequest(scope)

        async def counted(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                content_type = _content_type(message)
                counting.answered(request, message["status"], content_type)

        begun = counting.begin(request)
        try:
            await self._app(scope, receive, counted)
        finally:
            end(begun)

    def _closing(self, send: Send) -> Send:
        """Flushes when the server stops, which may end the process by a signal."""

        async def flushed(message: Message) -> None:
            if str(message["type"]).startswith("lifespan.shutdown"):
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(None, self.client.flush)
            await send(message)

        return flushed


def _content_type(message: Message) -> str:
    for name, value in message.get("headers", ()):
        if name.lower() == b"content-type":
            return str(value, "latin-1")
    return ""
