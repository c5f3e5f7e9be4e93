"""Clients of Redis by its address, and the servers that one stands for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from page_tracker.settings_parsing import cluster_nodes
from page_tracker.store.cluster import AsyncCluster, Cluster, Command
from page_tracker.store.server import AsyncServer

# To find a key for each primary: a third of the tries hit one of three.
_MOST_TRIES = 100_000


def open_client(url: str, seconds: float) -> Redis:
    """A client that waits so long for a connection, and for an answer, at most.

    It connects with the first command, and again with the first one after a failure.
    It sends nothing twice: a repeated INCR whose first answer was lost would count a
    view twice.
    """
    if nodes := cluster_nodes(url):
        return cast(Redis, Cluster(nodes, **_patience(seconds)))
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_patience(seconds))


def open_async_client(url: str, seconds: float) -> AsyncRedis:
    """`open_client` for the event loop that runs."""
    if nodes := cluster_nodes(url):
        return cast(AsyncRedis, AsyncCluster.opened(nodes, **_patience(seconds)))
    return AsyncServer.from_url(
        url, retry=AsyncRetry(NoBackoff(), 0), **_patience(seconds)
    )


def _patience(seconds: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        # Notified connections are not checked for being alive before they are used.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        # It would look its own version up on the disk for each connection, to tell it.
        "driver_info": None,
    }


def together(client: Any, key: str, *commands: Command) -> list[Any]:
    """The answers to commands about a key, sent over one connection.

    Raises redis.RedisError where one of them fails.
    """
    if isinstance(client, Cluster):
        return _without_errors(client.together(key, *commands))
    if len(commands) == 1:
        return [client.execute_command(*commands[0])]
    pipeline: Any = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return _without_errors(pipeline.execute(raise_on_error=False))


async def together_async(client: Any, key: str, *commands: Command) -> list[Any]:
    """`together` for a client of the event loop."""
    return _without_errors(await client.together(key, *commands))


def _without_errors(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class Server(NamedTuple):
    """One server and what people call it."""

    name: str
    client: Redis

    def skew(self) -> float:
        """How far its clock is ahead of ours, in seconds. Raises RedisError."""
        before = time.time()
        seconds, micros = self.client.time()
        return seconds + micros / 1e6 - (before + time.time()) / 2


def primaries(client: Redis) -> list[Server]:
    """The servers that take writes: the only one, or each primary of a cluster as it
    is now. Raises RedisError."""
    if not isinstance(client, Cluster):
        return [Server("Redis", client)]
    client.look_again()
    return [
        Server(f"Redis at {node.name}", client.get_redis_connection(node))
        for node in sorted(client.get_primaries(), key=lambda node: node.name)
    ]


def replicas(client: Redis) -> Iterator[Server]:
    """The replicas of a cluster, also those that nobody would read from (yet).

    Raises RedisError.
    """
    if not isinstance(client, Cluster):
        return
    known: Any = client
    manager = known.nodes_manager
    for address, node in known.cluster_nodes().items():
        if "slave" in node["flags"]:
            host, _, port = address.rpartition(":")
            replica = manager.create_redis_node(
                host, int(port), **manager.connection_kwargs
            )
            with replica:
                yield Server(f"Redis at {address}", replica)


def key_on_each_primary(client: Redis, key: str) -> list[str]:
    """Names of a key, one on each server that takes writes. Raises RedisError."""
    if not isinstance(client, Cluster):
        return [key]
    client.look_again()
    found: dict[str, str] = {}
    servers = len(client.get_primaries())
    for number in range(_MOST_TRIES):
        if len(found) == servers:
            break
        name = f"{key}:{{{number}}}"
        found.setdefault(client.get_node_from_key(name).name, name)
    return list(found.values())
