"""The short way to the collector, on real connections beside uvicorn's own."""

from __future__ import annotations

import asyncio

from support.connecting import HIT, KEEP_ALIVE, OTHER, run, served


def test_what_comes_while_a_hit_waits_is_answered_after_it() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(HIT)
            await server.app.has(1)
            client.send(OTHER + HIT[:20])
            await asyncio.sleep(0.05)
            server.app.answer(b"first")
            assert b"202" in await client.read_to(b"first")
            assert b"200" in await client.read_to(b"/other")
            client.send(HIT[20:])
            # It came in two pieces: uvicorn's own way.
            assert b"200" in await client.read_to(b"/hit")
            client.send(HIT)
            await server.app.has(2)
            server.app.answer(b"last")
            assert b"202" in await client.read_to(b"last")

    run(test)


def test_a_connection_at_rest_is_closed_and_one_that_waits_is_not() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            for number in range(1, 4):
                client.send(HIT)
                await server.app.has(number)
                await asyncio.sleep(1.5 * KEEP_ALIVE)
                server.app.answer()
                assert b"202" in await client.read_to(b"ok")
            assert await client.rest() == b""

    run(test)


def test_a_server_that_stops_answers_before_it_closes() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(HIT)
            await server.app.has(1)
            client.protocol.shutdown()
            await asyncio.sleep(0.05)
            server.app.answer()
            assert b"connection: close" in await client.read_to(b"ok")
            assert await client.rest() == b""

    run(test)


def test_a_kept_connection_is_answered_once_more_when_the_server_stops() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            for _ in range(2):
                client.send(OTHER)
                answer = await client.read_to(b"/other")
                client.protocol.shutdown()
            assert b"200" in answer and b"connection: close" in answer
            assert await client.rest() == b""

    run(test)


def test_a_sender_that_leaves_harms_nobody() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(HIT)
            await server.app.has(1)
            client.writer.close()
            await asyncio.sleep(0.05)
            server.app.answer()
            while not client.protocol.transport.is_closing():
                await asyncio.sleep(0.001)

    run(test)


def test_who_says_that_no_more_comes_is_answered() -> None:
    async def test() -> None:
        async with served() as server:
            client = await server.connect()
            client.send(HIT)
            client.writer.write_eof()
            await server.app.has(1)
            await asyncio.sleep(0.05)
            server.app.answer()
            assert (await client.rest()).endswith(b"ok")

    run(test)
