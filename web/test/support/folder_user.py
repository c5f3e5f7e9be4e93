"""Another process that uses a data folder's Redis, as a command does."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis

from page_tracker.processes import embedded
from page_tracker.settings import Settings


@dataclass(frozen=True)
class FolderUser:
    """Its process, that of the Redis it uses, and how to end it."""

    pid: int
    redis_pid: int
    pipe: Connection

    def end(self) -> None:
        """Tell it to end; it may still have to wait for others."""
        self.pipe.send(None)


def server_pid(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


@contextmanager
def folder_user(data: Path) -> Iterator[FolderUser]:
    """A started user of the folder; killed in the end where it has not ended."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_use, args=(data, theirs))
    process.start()
    theirs.close()
    try:
        yield FolderUser(process.pid or 0, ours.recv(), ours)
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _use(data: Path, pipe: Connection) -> None:
    with embedded.redis_of(Settings(data=data)) as url:
        pipe.send(server_pid(url))
        pipe.recv()
