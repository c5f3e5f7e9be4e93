"""A real Redis of a test's own, that it may kill, stop and start again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from page_tracker.processes import embedded
from page_tracker.processes.child import Child
from page_tracker.processes.folder import Lock, locked
from page_tracker.settings import Settings


class OwnRedis:
    """An embedded server at one address, whether it runs or not."""

    def __init__(self, settings: Settings, lock: Lock, url: str) -> None:
        self.url = url
        self._program = embedded.program(settings, lock, url)
        self._child: Child | None = None

    def start(self) -> None:
        self._child = Child(self._program)
        self._child.wait_until_ready()

    def kill(self) -> None:
        """End it by SIGKILL, where it runs."""
        if self._child:
            self._child.kill_group()
            self._child.process.wait()
            self._child = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections but answers nothing."""
        assert self._child
        os.kill(self._child.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._child.pid, signal.SIGCONT)

    def client(self) -> Redis:
        return Redis.from_url(self.url)


@contextmanager
def own_redis(data: Path) -> Iterator[OwnRedis]:
    """A started server that keeps its data in `data`."""
    # pylint: disable=contextmanager-generator-missing-cleanup  # they clean up
    with locked(data) as lock, embedded.socket_url(data) as url:
        server = OwnRedis(Settings(data=data), lock, url)
        server.start()
        try:
            yield server
        finally:
            server.kill()
