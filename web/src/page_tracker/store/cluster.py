"""Clients of a cluster, which do what those of a single server do: they connect with
the first command, raise nothing but redis.RedisError, and never send again what may
have been done. Where a slot has moved, or a replica has taken a server's place, they
find that out with the next command.

Only a pipeline sends what was not answered once more by itself: it is for reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any, cast
from urllib.parse import urlsplit

from redis import RedisCluster, RedisError
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import ConnectionError as NotConnectedError
from redis.exceptions import RedisClusterException
from redis.retry import Retry

# What redis-py's classes inherit, and leave without a body.
# pylint: disable=abstract-method, too-many-ancestors

_Node: Any = ClusterNode  # which redis-py leaves without types


class Cluster(RedisCluster):
    """A cluster for threads, known by some of its nodes: addresses of single servers.

    redis-py's own asks for the cluster's servers when it is made, or fails.
    """

    # pylint: disable-next=super-init-not-called # `connect` does
    def __init__(self, nodes: Sequence[str], **options: Any) -> None:
        self._options = options | {
            "url": nodes[0],
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
                with _only_redis_errors():
                    others = [_Node(*address) for address in self._others]
                    super().__init__(startup_nodes=others, **self._options)
            except BaseException:
                self._is_connected = False
                raise

    def look_again(self) -> None:
        """Ask for the cluster's servers as they are now. Raises RedisError."""
        self.connect()
        with _only_redis_errors():
            self.nodes_manager.initialize(disconnect_startup_nodes_pools=False)

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        self.connect()
        above: Any = super()
        with _only_redis_errors():
            return above.execute_command(*args, **kwargs)

    def pipeline(
        self, transaction: bool | None = None, shard_hint: None = None
    ) -> _Pipeline:
        self.connect()
        above: Any = super()
        return _Pipeline(above.pipeline(transaction, shard_hint))

    def close(self) -> None:
        if self._is_connected:
            super().close()


class _Pipeline:
    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    def execute_command(self, *args: Any, **kwargs: Any) -> None:
        self._pipeline.execute_command(*args, **kwargs)

    def execute(self) -> list[Any]:
        with _only_redis_errors():
            return list(self._pipeline.execute())


class AsyncCluster(AsyncRedisCluster):
    """A cluster for an event loop; `opened` makes one."""

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
        with _only_redis_errors():
            return await super().execute_command(*args, **kwargs)


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
