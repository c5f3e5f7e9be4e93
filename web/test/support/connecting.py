"""Real connections to the server's protocol, and an application to look into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from uvicorn.config import Config
from uvicorn.server import ServerState

from page_tracker.protocols.request import Answer, Request
from page_tracker.web.door.capacity import Capacity
from page_tracker.web.door.connection import Connection
from support.pace import PACE

HIT = b"POST /hit HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
OTHER = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
LONGEST_BODY = 100
KEEP_ALIVE = 0.2  # seconds
PATIENCE = 20.0 * PACE


class App:
    """Keeps hits waiting until a test answers them; answers all else at once."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Answer], None]] = []
        self.hits = 0
        self.scopes: list[Any] = []
        self.bodies: list[bytes] = []
        self.inside = self.most_inside = 0
        self.text = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        await asyncio.sleep(0)
        self.inside -= 1
        body = self.text or scope["path"].encode()
        headers = [(b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def takes(self, path: str) -> bool:
        return path == "/hit"

    def longest_body(self, _path: str) -> int:
        return LONGEST_BODY

    def answer_soon(
        self, _request: Request, _client: Any, tell: Callable[[Answer], None]
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
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        protocol: Connection,
    ) -> None:
        self.writer = writer
        self.protocol = protocol
        self._reader = reader

    def send(self, sent: bytes) -> None:
        self.writer.write(sent)

    async def read_to(self, end: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self._reader.readuntil(end)

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()


class Server:
    """A server with its application, which keeps idle connections for KEEP_ALIVE."""

    def __init__(self, app: Any, address: Any, protocols: list[Connection]) -> None:
        self.app = app
        self._address = address
        self._protocols = protocols
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Client:
        number = len(self._protocols)
        reader, writer = await asyncio.open_connection(*self._address)
        async with asyncio.timeout(PATIENCE):
            while len(self._protocols) == number:
                await asyncio.sleep(0.001)
        self._writers.append(writer)
        return Client(reader, writer, self._protocols[-1])

    async def leave(self) -> None:
        """Close what the clients have not, and see that the server does as well."""
        for writer in self._writers:
            writer.transport.abort()
        for protocol in self._protocols:
            protocol.transport.abort()
        async with asyncio.timeout(PATIENCE):
            while any(each in each.connections for each in self._protocols):
                await asyncio.sleep(0.001)
        await asyncio.sleep(0)


@asynccontextmanager
async def served(
    room: Capacity | None = None, app: Any = None
) -> AsyncIterator[Server]:
    app = app or App()
    config = Config(
        app, http=Connection, ws="none", interface="asgi3", access_log=False
    )
    config.timeout_keep_alive = KEEP_ALIVE  # type: ignore[assignment] # quicker
    config.load()
    config.loaded_app = app  # without its wrappers
    state, protocols = ServerState(), []
    shared = room or Capacity()

    def protocol() -> Connection:
        made = Connection(config, state, {})
        made.room = shared  # not the process's own
        protocols.append(made)
        return made

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    async with server:
        found = Server(app, server.sockets[0].getsockname(), protocols)
        try:
            yield found
        finally:
            await found.leave()
            # A thread that has answered still has to tell the loop that this was all.
            if state.tasks:
                await asyncio.wait(state.tasks, timeout=1)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on the loop that workers run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())
