"""The event loop's client of one server: quick where commands go by `together`.

redis-py's own `execute_command` takes 0.2 ms of processor time for what is around a
command (a pool with a lock, retries, observation, a task to send with a time limit).
Each batch of hits is one such command.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from hiredis import pack_command
from redis.asyncio import Connection
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as TimedOutError

from page_tracker.store.cluster import Command

_pack: Any = pack_command  # whose type is that of commands without arguments

# What redis-py's classes inherit, and leave without a body.
# pylint: disable=abstract-method, too-many-ancestors


class AsyncServer(AsyncRedis):
    """A client that keeps connections for `together`, one for each who asks at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._idle: list[Connection] = []

    async def together(self, _key: str, *commands: Command) -> list[Any]:
        """The answers to commands, sent over one connection.

        Errors that Redis answers are among them. Raises RedisError where not all are
        answered in time. As with all commands, connecting has as much time by itself.
        """
        connection = self._idle.pop() if self._idle else self._new_connection()
        seconds = self.connection_pool.connection_kwargs.get("socket_timeout")
        try:
            # Signing in is part of connecting: a server that hangs takes connections.
            async with asyncio.timeout(seconds):
                await self.connection_pool.ensure_connection(connection)
            async with asyncio.timeout(seconds):
                sent = b"".join(map(_pack, commands))
                await connection.send_packed_command(sent, check_health=False)
                return [await _answer(connection) for _ in commands]
        except TimeoutError as error:
            raise TimedOutError(f"no answer within {seconds} s") from error
        finally:
            self._idle.append(connection)  # closed, where anything is left unread

    def _new_connection(self) -> Connection:
        pool: Any = self.connection_pool
        connection: Connection = pool.make_connection()
        connection.socket_timeout = None  # one for sending and reading is enough
        return connection

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        for connection in self._idle:
            await connection.disconnect()
        await super().aclose(close_connection_pool)


async def _answer(connection: Connection) -> Any:
    """The next answer; the connection is closed where there is none."""
    try:
        return await connection.read_response(timeout=inf)
    except ResponseError as error:
        return error
