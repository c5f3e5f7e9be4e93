"""What a client may take of time and memory: past a bound it is refused or closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import pytest

from page_tracker.web.door import connection as protocol
from page_tracker.web.door.capacity import Capacity
from page_tracker.web.door.reader import MAX_HEAD
from support.connecting import HIT, LONGEST_BODY, OTHER, Client, Server, run, served

BODY = b"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKS = b"POST /other HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SOON = 0.2  # seconds


def head_of(size: int) -> bytes:
    """A request whose head has so many bytes, its empty line not counted."""
    begun = OTHER.removesuffix(b"\r\n\r\n") + b"\r\nX-Long: "
    return begun + b"x" * (size - len(begun)) + b"\r\n\r\n"


async def sent(client: Client, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        if client.writer.is_closing():
            return
        client.send(piece)
        await asyncio.sleep(0)


def in_pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


async def answer_to(server: Server, *pieces: bytes) -> bytes:
    """All that comes back, until the server closes."""
    client = await server.connect()
    await sent(client, pieces)
    return await client.rest()


def test_a_head_is_read_up_to_its_bound_and_refused_beyond_it() -> None:
    async def test() -> None:
        async with served() as server:
            assert b"200 OK" in await answer_to(server, head_of(MAX_HEAD))
            for size in (MAX_HEAD + 1, 33 * 1024, 200 * 1024):
                answer = await answer_to(server, head_of(size))
                assert answer.startswith(b"HTTP/1.1 431 ")
                assert b"connection: close" in answer

    run(test)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /",
        b"GET /other?",
        b"GET /other HTTP/1.1\r\nX: ",
        b"GET /other HTTP/1.1\r\nX",
        b"GET /other HTTP/1.1" + b"\r\na: b" * 1000,
    ],
)
def test_a_head_that_does_not_end_is_refused_at_its_bound(begun: bytes) -> None:
    async def test() -> None:
        async with served() as server:
            endless = begun + b"a" * (33 * 1024)
            answer = await answer_to(server, *in_pieces(endless, 999))
            assert answer.startswith(b"HTTP/1.1 431 ")
            assert not server.app.scopes

    run(test)


def test_a_request_that_comes_byte_by_byte_is_read() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            for byte in in_pieces(b"\r\n" + BODY + b"12345" + OTHER, 1):
                client.send(byte)
                await client.writer.drain()
                await asyncio.sleep(0.0005)
            assert b"200 OK" in await client.read_to(b"/other")
            assert b"200 OK" in await client.read_to(b"/other")
            assert server.app.bodies == [b"12345", b""]

    run(test)


@pytest.mark.parametrize(
    ("limit", "begun", "status"),
    [
        ("FIRST_SECONDS", b"", b""),
        ("FIRST_SECONDS", b"\r\n\r\n\r\n", b""),
        ("HEAD_SECONDS", b"G", b"408"),
        ("HEAD_SECONDS", HIT[:30], b"408"),
        ("BODY_SECONDS", HIT[:-1], b"408"),
        ("BODY_SECONDS", CHUNKS + b"5\r\n123", b"408"),
        ("BODY_SECONDS", CHUNKS + b"5;", b"408"),
        ("BODY_SECONDS", CHUNKS + b"0\r\nTrailer: ", b"408"),
    ],
)
def test_what_does_not_come_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, limit: str, begun: bytes, status: bytes
) -> None:
    monkeypatch.setattr(protocol, limit, SOON)

    async def test() -> None:
        async with served() as server:
            answer = await answer_to(server, *filter(None, [begun]))
            assert answer.startswith(b"HTTP/1.1 " + status if status else b"")
            assert bool(answer) == bool(status)
            assert not server.app.scopes and not server.app.hits

    run(test)


def test_bytes_that_trickle_in_do_not_lengthen_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SOON)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", SOON)

    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            for byte in in_pieces(head_of(1000), 1):
                if client.protocol.transport.is_closing():
                    break
                client.send(byte)
                await asyncio.sleep(SOON / 20)
            assert (await client.rest()).startswith(b"HTTP/1.1 408 ")

    run(test)


def test_an_answer_that_is_not_taken_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "TAKE_SECONDS", SOON)
    monkeypatch.setattr(protocol, "SLOWEST", 1e9)

    async def test() -> None:
        async with served() as server:
            server.app.text = b"x" * 20_000_000
            for request in (OTHER, OTHER.replace(b"1.1", b"1.0")):
                client = await server.connect()
                client.writer.transport.pause_reading()  # type: ignore[attr-defined]
                client.send(request)
                while client.protocol in client.protocol.connections:
                    await asyncio.sleep(0.01)
                client.writer.close()

    run(test)


def test_what_surrounds_a_body_is_bounded() -> None:
    long = b"x" * (33 * 1024)
    bodies = (
        b"5;" + long,
        b"5;name=" + long + b"\r\n",
        b"5\r\n12345\r\n0\r\nTrailer: " + long,
        b"5\r\n12345\r\n0\r\n" + b"A: b\r\n" * 6_000,
        b"1" + b"\r\n1\r\n1" * 10_000,
    )

    async def test() -> None:
        async with served() as server:
            for body in bodies:
                answer = await answer_to(server, CHUNKS, *in_pieces(body, 3_000))
                assert answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ")), body[:9]
            assert not server.app.scopes

    run(test)


def test_trailers_are_no_headers() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            body = b"5;a=b\r\n12345\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
            client.send(CHUNKS + body)
            assert b"200 OK" in await client.read_to(b"/other")
            names = [name for name, _ in server.app.scopes[0]["headers"]]
            assert names == [b"host", b"transfer-encoding"]
            assert server.app.bodies == [b"12345"]

    run(test)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_of_a_body_that_is_too_long_a_byte_more_is_kept(is_chunked: bool) -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            if is_chunked:
                client.send(CHUNKS + b"186a0\r\n" + b"x" * 100_000 + b"\r\n0\r\n\r\n")
            else:
                client.send(BODY.replace(b" 5", b" 100000") + b"x" * 100_000)
            assert b"200 OK" in await client.read_to(b"/other")
            client.send(OTHER)
            assert b"200 OK" in await client.read_to(b"/other")
            assert [len(body) for body in server.app.bodies] == [LONGEST_BODY + 1, 0]

    run(test)


def test_requests_sent_ahead_are_answered_one_by_one() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(b"".join([OTHER, BODY + b"12345"] * 300))
            for _ in range(600):
                assert b"200 OK" in await client.read_to(b"/other")
            assert server.app.bodies == [b"", b"12345"] * 300
            assert server.app.most_inside == 1

    run(test)


def test_what_comes_in_one_piece_behind_chunks_is_to_be_sent_again() -> None:
    async def test() -> None:
        async with served() as server:
            answer = await answer_to(server, CHUNKS + b"2\r\n{}\r\n0\r\n\r\n" + OTHER)
            assert answer.count(b"200 OK") == 1
            assert b"connection: close" in answer
            assert server.app.bodies == [b"{}"]

    run(test)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /other HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /other HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /hit HTTP/1.1\r\nAccept: a\r\n\r\n", b"400"),
        (b"GET /hit HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", b"400"),
        (b"GET /other HTTP/1.0\r\n\r\n", b"200"),
    ],
)
def test_a_request_names_one_host(request_: bytes, status: bytes) -> None:
    async def test() -> None:
        async with served() as server:
            answer = await answer_to(server, request_)
            assert answer.startswith(b"HTTP/1.1 " + status)
            assert not server.app.hits

    run(test)


@pytest.mark.parametrize("begun", [HIT[:-1], BODY + b"1", CHUNKS + b"5\r\n12345\r\n0"])
def test_a_request_that_is_cut_in_its_body_is_nobodys(begun: bytes) -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(begun)
            await asyncio.sleep(0.05)
            client.writer.write_eof()
            assert await client.rest() == b""
            assert not server.app.scopes and not server.app.hits

    run(test)


def test_who_asks_before_sending_a_body_is_told_to_go_on() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(BODY.replace(b"Host", b"Expect: 100-continue\r\nHost"))
            assert b" 100 " in await client.read_to(b"\r\n\r\n")
            client.send(b"12345")
            assert b"200 OK" in await client.read_to(b"/other")
            assert server.app.bodies == [b"12345"]

    run(test)


def test_an_offer_to_speak_otherwise_is_not_taken() -> None:
    offer = b"Connection: upgrade, keep-alive\r\nupGRADE: h2c\r\nHost"

    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            for _ in range(2):
                client.send(BODY.replace(b"Host", offer) + b"12345")
                assert b"200 OK" in await client.read_to(b"/other")
            assert server.app.bodies == [b"12345"] * 2

    run(test)


def test_a_client_that_goes_while_it_is_answered_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(OTHER + OTHER)
            while not server.app.scopes:
                await asyncio.sleep(0)
            client.protocol.transport.close()
            await asyncio.sleep(0.05)

    run(test)
    assert not caplog.messages


def test_the_oldest_idle_connection_goes_where_they_run_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with served(Capacity(most=3)) as server:
            clients = [await server.connect() for _ in range(3)]
            clients[0].send(HIT)  # it waits for us, and does not go
            await server.app.has(1)
            clients.append(await server.connect())
            assert await clients[1].rest() == b""
            server.app.answer()
            assert b"202" in await clients[0].read_to(b"ok")
            for client in clients[2:]:
                client.send(OTHER)
                assert b"200 OK" in await client.read_to(b"/other")

    with caplog.at_level(logging.WARNING):
        run(test)
    assert [each for each in caplog.messages if "connections have run out" in each]


def test_the_oldest_unfinished_request_goes_where_they_hold_too_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with served(Capacity(most_held=1_000)) as server:
            silent = await server.connect()
            clients = [await server.connect() for _ in range(3)]
            for client in clients:
                client.send(head_of(400)[:400])
                await asyncio.sleep(0.02)
            answer = await clients[0].rest()
            assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after" in answer
            silent.send(OTHER)
            assert b"200 OK" in await silent.read_to(b"/other")
            clients[2].send(b"\r\n\r\n")
            assert b"200 OK" in await clients[2].read_to(b"/other")

    with caplog.at_level(logging.WARNING):
        run(test)
    assert [each for each in caplog.messages if "unfinished requests" in each]
