"""The short way to the collector, on real connections beside uvicorn's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from page_tracker.collect.intake import HttpRequest
from page_tracker.collect.protocols.protocol import Answer
from page_tracker.server.protocol import ShortWay

HIT = b"POST /hit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
OTHER = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
KEEP_ALIVE = 0.2  # seconds
PATIENCE = 10.0


class App:
    """Keeps hits waiting until a test answers them; answers all else at once."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Answer], None]] = []
        self.hits = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        body = scope["path"].encode()
        headers = [(b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def takes(self, path: str) -> bool:
        return path == "/hit"

    def answer_soon(
        self, _request: HttpRequest, _client: Any, tell: Callable[[Answer], None]
    ) -> None:
        self.hits += 1
        self.waiting.append(tell)

    async def has(self, hits: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.hits < hits:
                await asyncio.sleep(0.001)

    def answer(self, body: bytes = b"ok") -> None:
        headers = ((b"content-length", b"%d" % len(body)),)
        self.waiting.pop(0)(Answer(202, headers, body))


class Client:
    """One connection to the server, and the protocol at its other end."""

    def __init__(
        self,
        app: App,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        protocol: ShortWay,
    ) -> None:
        self.app = app
        self.writer = writer
        self.protocol = protocol
        self._reader = reader

    async def read_to(self, end: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readuntil(end)

    async def is_closed(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read() == b""


@asynccontextmanager
async def connected() -> AsyncIterator[Client]:
    app = App()
    config = Config(app, http=ShortWay, ws="none", interface="asgi3")
    config.timeout_keep_alive = KEEP_ALIVE  # type: ignore[assignment] # quicker
    config.load()
    config.loaded_app = app  # without its wrappers
    protocols: list[ShortWay] = []

    def protocol() -> ShortWay:
        protocols.append(ShortWay(config, ServerState(), {}))
        return protocols[-1]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        while not protocols:
            await asyncio.sleep(0.001)
        yield Client(app, reader, writer, protocols[0])
        writer.close()


def test_what_comes_while_a_hit_waits_is_answered_after_it() -> None:
    async def run() -> None:
        async with connected() as client:
            client.writer.write(HIT)
            await client.app.has(1)
            client.writer.write(OTHER + HIT[:20])
            await asyncio.sleep(0.05)
            client.app.answer(b"first")
            assert b"202" in await client.read_to(b"first")
            assert b"200" in await client.read_to(b"/other")
            client.writer.write(HIT[20:])
            # It came in two pieces: uvicorn's own way.
            assert b"200" in await client.read_to(b"/hit")
            client.writer.write(HIT)
            await client.app.has(2)
            client.app.answer(b"last")
            assert b"202" in await client.read_to(b"last")

    asyncio.run(run())


def test_a_connection_at_rest_is_closed_and_one_that_waits_is_not() -> None:
    async def run() -> None:
        async with connected() as client:
            for number in range(1, 4):
                client.writer.write(HIT)
                await client.app.has(number)
                await asyncio.sleep(1.5 * KEEP_ALIVE)
                client.app.answer()
                assert b"202" in await client.read_to(b"ok")
            assert await client.is_closed()

    asyncio.run(run())


def test_a_server_that_stops_answers_before_it_closes() -> None:
    async def run() -> None:
        async with connected() as client:
            client.writer.write(HIT)
            await client.app.has(1)
            client.protocol.shutdown()
            await asyncio.sleep(0.05)
            client.app.answer()
            assert b"connection: close" in await client.read_to(b"ok")
            assert await client.is_closed()

    asyncio.run(run())


def test_a_sender_that_leaves_harms_nobody() -> None:
    async def run() -> None:
        async with connected() as client:
            client.writer.write(HIT)
            await client.app.has(1)
            client.writer.close()
            while not client.protocol.transport.is_closing():
                await asyncio.sleep(0.001)
            client.app.answer()

    asyncio.run(run())
