"""The event loop's client of one server: each command has its own answer, or none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TimedOutError

from page_tracker.store.clients import open_async_client
from support.pace import ANSWER_SECONDS

Together = Callable[..., Awaitable[list[Any]]]

A, B = (("ECHO", text) for text in "ab")
NEVER = ("BLPOP", "nothing-is-ever-here", 0)


def asked(
    url: str, ask: Callable[[Together], Awaitable[Any]], patience: float = 5
) -> Any:
    async def with_client() -> Any:
        server: Any = open_async_client(url, patience)
        async with server as client:
            return await ask(client.together)

    return asyncio.run(with_client())


def test_commands_are_answered_in_order_and_errors_are_among_the_answers(
    redis_url: str,
) -> None:
    async def ask(together: Together) -> Any:
        return await together("", A, ("NO-SUCH-COMMAND",), B), await together("", B)

    (first, refused, last), again = asked(redis_url, ask)
    assert (first, last, again) == (b"a", b"b", [b"b"])
    assert isinstance(refused, ResponseError)


def test_two_who_ask_at_once_do_not_wait_for_each_other(redis_url: str) -> None:
    async def ask(together: Together) -> Any:
        waits = asyncio.ensure_future(together("", NEVER))
        answer = await together("", A)
        waits.cancel()
        return answer, await asyncio.gather(waits, return_exceptions=True)

    answer, (cancelled,) = asked(redis_url, ask)
    assert answer == [b"a"]
    assert isinstance(cancelled, asyncio.CancelledError)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(
    redis_url: str,
) -> None:
    async def ask(together: Together) -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(together("", A, NEVER), 0.05)
        return await together("", B, A)

    assert asked(redis_url, ask) == [b"b", b"a"]


def test_what_is_not_answered_in_time_is_an_error_of_redis(redis_url: str) -> None:
    with pytest.raises(TimedOutError):
        asked(redis_url, lambda together: together("", NEVER), patience=0.05)


def test_a_server_that_takes_connections_and_never_answers_is_an_error_of_redis() -> (
    None
):
    async def ask(together: Together) -> Any:
        async with asyncio.timeout(ANSWER_SECONDS):  # else it waits without end
            return await together("", A)

    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"redis://127.0.0.1:{hanging.getsockname()[1]}"
        for _ in range(2):
            with pytest.raises(TimedOutError):
                asked(url, ask, patience=0.05)
