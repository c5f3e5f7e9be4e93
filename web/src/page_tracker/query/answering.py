"""The process that answers the questions of all others, while there are any.

a connection → a thread: its question → the answer
none for a while, and nobody waits for an answer → the end
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

import msgspec

from page_tracker.errors import PageTrackerError
from page_tracker.query.ask import Asking
from page_tracker.query.messages import QUESTIONS, Question, answered, failed
from page_tracker.query.time_budget import TimeBudget

logger = logging.getLogger(__name__)


def answer_all(
    listener: socket.socket, asking: Callable[[], Asking], rest: float
) -> None:
    """Answer whoever connects, until nobody has for `rest` seconds.

    The socket stays open elsewhere: who connects after that waits for another process.
    """
    answerers: list[threading.Thread] = []
    while True:
        is_asked, _, _ = select.select([listener], [], [], rest)
        answerers = [each for each in answerers if each.is_alive()]
        if is_asked:
            asker = Connection(listener.accept()[0].detach())
            task = threading.Thread(target=_answer, args=(asker, asking), daemon=True)
            task.start()
            answerers.append(task)
        elif not answerers:
            return


def _answer(asker: Connection, asking: Callable[[], Asking]) -> None:
    """Answer a connection's question."""
    with asker:
        try:
            asker.send_bytes(answer_to(asker.recv_bytes(), asking, _waits(asker)))
        except (EOFError, OSError):
            pass  # the asker has gone


def _waits(asker: Connection) -> Callable[[], bool]:
    """Whether an asker still waits: it says nothing more, but may close its end."""
    return lambda: not asker.poll()


def answer_to(
    message: bytes, asking: Callable[[], Asking], is_wanted: Callable[[], bool]
) -> bytes:
    """The answer to a question, as messages. Raises msgspec.ValidationError."""
    question = msgspec.msgpack.decode(message, type=Question)
    budget = TimeBudget(question.seconds, question.patience, is_wanted)
    kind = QUESTIONS[question.name]
    try:
        found = kind.ask(asking(), kind.arguments(question), budget)
    except PageTrackerError as error:
        return failed(error, budget)
    except Exception as error:  # pylint: disable=broad-exception-caught
        logger.exception("A question failed")  # the asker is told so, too
        return failed(error, budget)
    return answered(found, budget)
