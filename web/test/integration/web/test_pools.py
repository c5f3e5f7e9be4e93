"""The front door on real connections: no kind of work waits for another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from page_tracker import app as app_module
from page_tracker.asgi import FrontDoor
from page_tracker.hits.client_address import Proxies
from page_tracker.people.one_time import hash_of
from page_tracker.people.session import Session
from page_tracker.settings import Settings
from support.connecting import Client, Server, run, served
from support.pace import PACE

SLOW = "/api/v2/query"
PATIENCE = 20.0 * PACE


class Web:
    """A web application; what is asked of SLOW waits until a test lets it go on."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.inside = 0
        self.bodies: list[bytes] = []
        self.environ: dict[str, Any] = {}

    def __call__(
        self, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.environ = environ
        length = int(environ.get("CONTENT_LENGTH", 0))
        self.bodies.append(environ["wsgi.input"].read(length))
        if environ["PATH_INFO"] == SLOW:
            self.inside += 1
            self.may_go_on.wait(PATIENCE)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]


def token(text: str) -> str:
    return f"Authorization: Bearer {text}"


def asked(path: str, *headers: str, body: str = "") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: x", *headers, "", body)
    return "\r\n".join(lines).encode()


async def answer_of(server: Server, request: bytes) -> bytes:
    client = await server.connect()
    client.send(request.replace(b"Host:", b"Connection: close\r\nHost:", 1))
    return await client.rest()


async def open_(server: Server, request: bytes, number: int) -> list[Client]:
    clients = [await server.connect() for _ in range(number)]
    for client in clients:
        client.send(request)
    return clients


def test_costly_questions_keep_nobody_else_waiting() -> None:
    web = Web()

    async def test() -> None:
        async with served(app=FrontDoor(Settings(), web)) as server:
            clients = [
                client
                for asker in "abcd"
                for client in await open_(server, asked(SLOW, token(asker)), 4)
            ]
            while web.inside < 8:
                await asyncio.sleep(0.01)
            for path in ("/readyz", "/livez", "/counter/TOTAL.json", "/api/sites"):
                assert b" 200 " in await answer_of(server, asked(path))
            refused = await answer_of(server, asked(SLOW))
            assert b" 503 " in refused and b"retry-after: 1" in refused
            assert b"application/json" in refused
            page = await answer_of(server, asked("/a.example"))
            assert b" 503 " in page and b"retry-after: 1" in page
            assert b"text/html" in page and b"Load it again in a moment" in page
            assert b"content-security-policy: default-src 'none'" in page
            web.may_go_on.set()
            for client in clients:
                assert b" 200 " in await client.read_to(b"ok")
            assert b" 200 " in await answer_of(server, asked(SLOW))

    run(test)


@pytest.mark.parametrize(
    ("headers", "others"),
    [
        ([token("a")], token("b")),
        (["X-Forwarded-For: 192.0.2.1"], "X-Forwarded-For: 192.0.2.2"),
        # Two sessions of one account, whose cookies others have beside theirs.
        (["Cookie: x=y; page-tracker=one", "Cookie: page-tracker=two"], "Cookie: x=y"),
        (
            [
                "Cookie: __Host-page-tracker=one; page-tracker=a",
                "Cookie: page-tracker=one",
            ],
            "Cookie: page-tracker=made-up",
        ),
    ],
)
def test_however_much_one_asks_the_others_are_answered(
    headers: list[str], others: str
) -> None:
    """Half the threads are theirs; few of theirs wait, further ones are refused."""
    web = Web()
    settings = Settings(trusted_proxies=Proxies.parse("127.0.0.1"))
    for secret in ("one", "two"):
        seen = Session(account="ada", stamp="s")
        app_module.recent_sessions.note(hash_of(secret), seen)

    async def test() -> None:
        async with served(app=FrontDoor(settings, web)) as server:
            clients = []
            for header in headers * (2 // len(headers)):
                clients += await open_(server, asked(SLOW, header), 8)
            while web.inside < 4:
                await asyncio.sleep(0.01)
            for header in headers:
                assert b" 503 " in await answer_of(server, asked(SLOW, header))
            assert web.inside == 4
            assert b" 200 " in await answer_of(server, asked("/api/v1/x", others))
            web.may_go_on.set()
            for client in clients:
                assert b" 200 " in await client.read_to(b"ok")

    run(test)


def test_bodies_that_do_not_end_take_no_thread() -> None:
    web = Web()
    web.may_go_on.set()

    async def test() -> None:
        async with served(app=FrontDoor(Settings(), web)) as server:
            for path in (SLOW, "/api/sites", "/"):
                begun = asked(path, "Content-Length: 9", body="[")
                await open_(server, begun, 50)
            for path in (SLOW, "/api/sites", "/"):
                assert b" 200 " in await answer_of(server, asked(path))
            assert len(web.bodies) == 3

    run(test)


def test_a_body_in_chunks_is_a_body() -> None:
    web = Web()
    web.may_go_on.set()
    chunked = "Transfer-Encoding: chunked"

    async def test() -> None:
        async with served(app=FrontDoor(Settings(), web)) as server:
            body = '5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n'
            for path in (SLOW, "/api/sites"):
                answer = await answer_of(server, asked(path, chunked, body=body))
                assert b" 200 " in answer
            assert web.bodies == [b'{"a":1}'] * 2
            assert "HTTP_TRANSFER_ENCODING" not in web.environ

    run(test)


def test_no_header_with_an_underscore_reaches_a_program() -> None:
    web = Web()
    names = (
        *("X_Forwarded_For", "X_Forwarded-For", "Accept_Language", "User_Agent"),
        *("If_None_Match", "Content_Type", "_Authorization", "Forwarded_"),
        *("Remote_User", "X_WebAuth_User", "Remote_User-"),
    )

    async def test() -> None:
        async with served(app=FrontDoor(Settings(), web)) as server:
            sent = asked("/api/address", *(f"{name}: evil" for name in names))
            assert b" 200 " in await answer_of(server, sent)
            assert "evil" not in web.environ.values()

    run(test)
