"""What the connections of a process may use together: descriptors and memory.

When either runs out, the client that has kept us waiting longest is closed first. So a
crowd of silent connections, or of requests that never end, makes room for requests that
arrive whole.
"""

from __future__ import annotations

import logging
import resource
from collections import OrderedDict
from math import inf
from typing import Protocol

# The most connections of a process; or three quarters of its descriptors, if that is
# less: the store, the lake's files and the logs need some too.
MAX_CONNECTIONS = 10_000
OF_DESCRIPTORS = 0.75

# Bytes of requests not answered yet; a process uses up to three times as much.
MAX_HELD = 32_000_000

logger = logging.getLogger(__name__)


class Guest(Protocol):
    """A connection; `held` is the number of bytes of its unanswered requests."""

    held: int

    def give_way(self) -> None:
        """Close, to make room for others."""


class Capacity:
    """The connections that wait for their clients, longest first."""

    def __init__(self, most: int = MAX_CONNECTIONS, most_held: int = MAX_HELD) -> None:
        self._most = most
        self._most_held = most_held
        self._held = 0
        self._waiting: OrderedDict[Guest, None] = OrderedDict()

    def admit(self, number: int) -> None:
        """Make room after a connection was opened; `number` are open now."""
        most = min(self._most, OF_DESCRIPTORS * open_files())
        if number > most and self._waiting:
            logger.warning(
                "connections have run out (%d are open): the oldest idle one is closed",
                most,
            )
            next(iter(self._waiting)).give_way()

    def wait(self, guest: Guest) -> None:
        """Note that a connection waits for its client from now on."""
        self._waiting[guest] = None

    def leave(self, guest: Guest) -> None:
        """Note that a connection no longer waits for its client, or is closed."""
        self._waiting.pop(guest, None)

    def hold(self, guest: Guest, number: int) -> None:
        """Note how many bytes a connection holds, and make room if it is too much."""
        more = number - guest.held
        self._held += more
        guest.held = number
        if more <= 0:
            return
        if self._held > self._most_held:
            logger.warning(
                "unfinished requests hold %d bytes: the oldest of them are refused",
                self._most_held,
            )
        while self._held > self._most_held:
            oldest = next((each for each in self._waiting if each.held), None)
            if oldest is None:
                return
            oldest.give_way()


def open_files() -> float:
    """How many files and connections this process may have open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return inf if files == resource.RLIM_INFINITY else files
