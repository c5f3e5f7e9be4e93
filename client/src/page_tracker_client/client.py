"""The client: events of a Python program, sent in the background."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from weakref import WeakSet

from page_tracker_client.delivery import Worker
from page_tracker_client.event import (
    PAGE_VIEW,
    Event,
    Props,
    Revenue,
    Visitor,
    event_of,
)
from page_tracker_client.target import target_of


class Client:
    """Sends a site's page views and events to a Page Tracker.

    Every call returns at once and never fails: `losses` counts what did not reach the
    server. It may be used from all threads, and on both sides of a fork, where each
    process has its own thread.
    """

    def __init__(
        self,
        server: str,
        site: str,
        *,
        capacity: int = 10_000,
        timeout: float = 5.0,
        exit_seconds: float = 2.0,
    ) -> None:
        """`server` is the server's address; if it is empty, nothing is counted.

        `capacity` is how many events may wait, `timeout` how many seconds an answer may
        take, and `exit_seconds` how long the program's end waits for the rest.
        Raises ValueError for an invalid address, or a site without a name.
        """
        self.site = site
        self._exit_seconds = exit_seconds
        self._worker: Worker | None = None
        if not server:
            return
        target = target_of(server)
        if not site.strip():
            raise ValueError("site: must be the domain of the site, like example.org")
        if capacity < 1 or timeout <= 0 or exit_seconds < 0:
            raise ValueError("capacity, timeout and exit_seconds: must not be below 0")

        def new_worker() -> Worker:
            return Worker(target, site, capacity, timeout)

        self._new_worker: Callable[[], Worker] = new_worker
        self._worker = new_worker()
        self._hooks = threading.Lock()
        self._has_hooks = False
        _clients.add(self)

    @property
    def losses(self) -> int:
        """How many events of this process did not reach the server, as far as known."""
        return self._worker.losses.total if self._worker else 0

    def view(
        self, url: str, visitor: Visitor, *, referrer: str = "", title: str = ""
    ) -> None:
        """Count a view of a page, by its full address."""
        self.send(event_of(PAGE_VIEW, url, visitor, referrer=referrer, title=title))

    def track(
        self,
        name: str,
        url: str,
        visitor: Visitor,
        *,
        props: Props | None = None,
        revenue: Revenue | None = None,
        interactive: bool = True,
    ) -> None:
        """Count an event on a page; it ends a bounce only if it is `interactive`."""
        self.send(
            event_of(
                name,
                url,
                visitor,
                props=props,
                revenue=revenue,
                interactive=interactive,
            )
        )

    def send(self, event: Event) -> None:
        """Let the server count an event."""
        if self._worker:
            if not self._has_hooks:
                self._set_hooks()
            self._worker.put(event)

    def flush(self, seconds: float = 2.0) -> bool:
        """Wait until nothing is left to send, at most this long; returns whether so."""
        return self._worker.flush(seconds) if self._worker else True

    def close(self) -> None:
        """Send what waits, for `exit_seconds` at most, and accept nothing more."""
        if self._worker:
            self._worker.close(self._exit_seconds)
            atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _set_hooks(self) -> None:
        """Have it closed when the process ends, however it was started.

        A process of `multiprocessing` ends without what `atexit` has registered.
        """
        with self._hooks:
            if self._has_hooks:
                return
            self._has_hooks = True
            atexit.register(self.close)
            if util := sys.modules.get("multiprocessing.util"):
                util.Finalize(None, self.close, exitpriority=0)

    def _begin_after_fork(self) -> None:
        """What waited is sent by the parent, whose locks and sockets are left alone."""
        if self._worker:
            self._worker = self._new_worker()
            self._hooks = threading.Lock()
            self._has_hooks = False


_clients: WeakSet[Client] = WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._begin_after_fork()  # pylint: disable=protected-access # its own module


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
