"""Clients of a cluster, which do what those of a single server do: they connect with
the first command, raise nothing but redis.RedisError, and never send again what may
have been done. Where a slot has moved, or a replica has taken a server's place, they
find that out with the next command: one that was not sent goes to the new server. In an
event loop nobody waits while a new server is looked for; else nobody waits for more
than two servers that do not answer, however many there are.

Only a pipeline sends what was not answered once more by itself: it is for reading.
What has to go over one connection goes by `together`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from math import inf
from threading import RLock
from typing import Any, cast
from urllib.parse import urlsplit

from redis import Connection, ConnectionPool, Redis, RedisCluster, RedisError
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.cluster import PipelineCommand
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import ClusterDownError
from redis.exceptions import ConnectionError as NotConnectedError
from redis.exceptions import MovedError, RedisClusterException
from redis.exceptions import TimeoutError as TimedOutError
from redis.retry import Retry

from page_tracker.background import begun, ended

# What redis-py's classes inherit, and leave without a body.
# pylint: disable=abstract-method, too-many-ancestors

# Name and arguments.
Command = tuple[str | int | bytes, ...]

# A slot that moves while it is looked for is found at last.
_MOST_MOVES = 5
# Nobody knows what became of a command. A cluster that is down may have new primaries.
_LOST = (NotConnectedError, TimedOutError, ClusterDownError)

# After so many times the patience with one server no further one is asked.
_ENOUGH = 1.5
# Until when what this thread does may ask another server, by time.monotonic().
_asks_until: ContextVar[float] = ContextVar("_asks_until", default=inf)

_Node: Any = ClusterNode  # which redis-py leaves without types


class _Pool(ConnectionPool):
    """Connections to one server. redis-py asks each in turn which ones there are."""

    def get_connection(self, *args: Any, **options: Any) -> Connection:
        if time.monotonic() > _asks_until.get():
            raise TimedOutError("no server of the cluster has answered in time")
        return super().get_connection(*args, **options)


class Cluster(RedisCluster):
    """A cluster for threads, known by some of its nodes: addresses of single servers.

    redis-py's own asks for the cluster's servers when it is made, or fails.
    """

    # pylint: disable-next=super-init-not-called # `connect` does
    def __init__(self, nodes: Sequence[str], **options: Any) -> None:
        self._options = options | {
            "url": nodes[0],
            "connection_pool_class": _Pool,
            "retry": Retry(NoBackoff(), 0),
        }
        self._others = [_address(node) for node in nodes[1:]]
        self._is_connected = False
        self._connecting = RLock()

    def connect(self) -> None:
        """Ask for the cluster's servers, unless that is done. Raises RedisError."""
        with self._connecting:
            if self._is_connected:
                return
            self._is_connected = True  # redis-py asks for commands while it connects
            try:
                with self._in_time():
                    others = [_Node(*address) for address in self._others]
                    super().__init__(startup_nodes=others, **self._options)
            except BaseException:
                self._is_connected = False
                raise

    def __getattr__(self, name: str) -> Any:
        """What `connect` makes, where some of redis-py's methods need it before."""
        if self.__dict__.get("_is_connected", True):
            raise AttributeError(f"a cluster has no {name}")
        self.connect()
        return getattr(self, name)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Raise nothing but RedisError, and that once it has been waited enough."""
        enough = time.monotonic() + _ENOUGH * self._options.get("socket_timeout", inf)
        token = _asks_until.set(min(enough, _asks_until.get()))
        try:
            with _only_redis_errors():
                yield
        finally:
            _asks_until.reset(token)

    def look_again(self) -> None:
        """Ask for the cluster's servers as they are now. Raises RedisError."""
        self.connect()
        with self._in_time():
            self.nodes_manager.initialize(disconnect_startup_nodes_pools=False)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        self.connect()
        above: Any = super()
        with self._in_time():
            try:
                return above.execute_command(*args, **kwargs)
            except (NotConnectedError, TimedOutError) as error:
                if not self._was_replaced(error):
                    raise
            return above.execute_command(*args, **kwargs)

    def _was_replaced(self, error: RedisError) -> bool:
        """Whether nothing was sent, and another server has taken this one's place.

        redis-py names the server with an error where it got no connection to it.
        """
        known: Any = self
        server = getattr(error, "connection", None)
        return isinstance(server, ClusterNode) and server not in known.get_primaries()

    def together(self, key: str, *commands: Command) -> list[Any]:
        """The answers to commands about a key, sent over one connection.

        Errors that Redis answers are among them. Raises RedisError where not all are
        answered, or the cluster is down.
        """
        self.connect()
        above: Any = super()
        with self._in_time():
            for _ in range(_MOST_MOVES):
                node = above.get_node_from_key(key)
                try:
                    answers = _asked(self.get_redis_connection(node), commands)
                except _LOST:
                    with suppress(RedisError, RedisClusterException):
                        self.nodes_manager.initialize(last_failed_node_name=node.name)
                    raise
                if not isinstance(moved := answers[0], MovedError):
                    break
                self.nodes_manager.move_slot(moved)
        return answers

    def pipeline(
        self, transaction: bool | None = None, shard_hint: None = None
    ) -> _Pipeline:
        self.connect()
        above: Any = super()
        return _Pipeline(above.pipeline(transaction, shard_hint), self._in_time)

    def close(self) -> None:
        if self._is_connected:
            super().close()


class _Pipeline:
    def __init__(
        self, pipeline: Any, in_time: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._pipeline = pipeline
        self._in_time = in_time

    def execute_command(self, *args: Any, **kwargs: Any) -> None:
        self._pipeline.execute_command(*args, **kwargs)

    def execute(self) -> list[Any]:
        with self._in_time():
            return list(self._pipeline.execute())


class AsyncCluster(AsyncRedisCluster):
    """A cluster for an event loop; `opened` makes one."""

    _look: asyncio.Task[None] | None = None

    @classmethod
    def opened(cls, nodes: Sequence[str], **options: Any) -> AsyncCluster:
        others = [AsyncClusterNode(*_address(node)) for node in nodes[1:]]
        client = cls.from_url(
            nodes[0],
            startup_nodes=others,
            retry=AsyncRetry(NoBackoff(), 0),
            **options,
        )
        return cast(AsyncCluster, client)

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """The answer to a command that has one key, or keys of one slot.

        redis-py's own closes every connection, those in use too, where one server of
        the cluster is down.
        """
        key = args[3] if args[0] in ("EVAL", "EVALSHA") else args[1]
        (answer,) = await self._together(key, [PipelineCommand(0, *args, **kwargs)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def together(self, key: str, *commands: Command) -> list[Any]:
        """As that of `Cluster`."""
        return await self._together(
            key, [PipelineCommand(0, *each) for each in commands]
        )

    async def _together(self, key: str, asked: list[PipelineCommand]) -> list[Any]:
        with _only_redis_errors():
            await self.initialize()
            for _ in range(_MOST_MOVES):
                node = cast(AsyncClusterNode, self.get_node_from_key(key))
                await self._ask(node, asked)
                answers: list[Any] = [each.result for each in asked]
                if not isinstance(moved := answers[0], MovedError):
                    break
                await self.nodes_manager.move_slot(moved)
        return answers

    async def _ask(self, node: AsyncClusterNode, asked: list[PipelineCommand]) -> None:
        """Have every command answered, or raise what kept one from being answered."""
        try:
            await node.execute_pipeline(asked)
            for each in asked:
                if isinstance(each.result, _LOST):
                    raise each.result
        except _LOST:
            if self._look is None or self._look.done():
                self._look = begun(self._look_again(node), "a look at the cluster")
            raise

    async def _look_again(self, lost: AsyncClusterNode) -> None:
        """Ask for the cluster's servers as they are now, the lost one last.

        Nobody waits for it: where all are cut off, each one's patience has to pass.
        """
        with suppress(RedisError, RedisClusterException):
            await self.nodes_manager.initialize(last_failed_node_name=lost.name)

    async def aclose(self) -> None:
        if self._look is not None:
            await ended([self._look])
        await super().aclose()


def _asked(server: Redis, commands: Sequence[Command]) -> list[Any]:
    pipeline: Any = server.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, _LOST):
            raise answer
    return answers


def _address(node: str) -> tuple[str, int]:
    """Host and port of an address that is known to have a host."""
    url = urlsplit(node)
    return url.hostname or "", url.port or 6379


@contextmanager
def _only_redis_errors() -> Iterator[None]:
    """Turn what redis-py raises of a cluster into what it raises of a server."""
    try:
        yield
    except RedisClusterException as error:
        cause = error.__cause__
        if isinstance(cause, RedisError):
            raise cause from None
        raise NotConnectedError(str(error)) from error
