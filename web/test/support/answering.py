"""The process that answers questions, as a thread of the tests' own process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from page_tracker.query.answering import answer_all
from page_tracker.query.ask import Asking
from support.pace import PACE

PATIENCE = 30.0 * PACE
FOR_EVER = 3600.0


@contextmanager
def answering(listener: socket.socket, asking: Asking) -> Iterator[None]:
    """Have a thread answer who connects."""

    def answer() -> None:
        with suppress(OSError):  # the socket is closed to end it
            answer_all(listener, lambda: asking, FOR_EVER)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def dying(listener: socket.socket) -> Iterator[None]:
    """Have whoever connects be taken and left, as by a process that is killed."""

    def take_and_leave() -> None:
        connection, _ = listener.accept()
        connection.recv(1)
        connection.close()

    thread = threading.Thread(target=take_and_leave)
    thread.start()
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive()
