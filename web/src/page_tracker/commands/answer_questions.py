"""`page-tracker answer-questions`: the process that answers for all of a server's.

Only for the program itself, which starts it with the first question.
"""

from __future__ import annotations

import socket
import threading
from functools import cache, partial

import click

from page_tracker.processes.limits import be_the_first_to_go
from page_tracker.processes.log_lines import begin_log
from page_tracker.query.answering import answer_all
from page_tracker.query.ask import Asking
from page_tracker.settings import Settings
from page_tracker.tally import TALLY
from page_tracker.wiring.lake_asking import open_lake_asking

REST = 60.0  # seconds


@click.command(name="answer-questions")
@click.argument("descriptor", type=int)
@click.argument("threads", type=int)
def answer_questions(descriptor: int, threads: int) -> None:
    """Answer who connects to the socket DESCRIPTOR, until nobody has for a minute."""
    be_the_first_to_go()
    settings = Settings.from_environment()
    begin_log(settings, "answers", "answers: %(message)s")
    TALLY.count_apart()
    opened, lock = cache(partial(open_lake_asking, settings, threads)), threading.Lock()

    def asking() -> Asking:
        with lock:
            return opened()

    with socket.socket(fileno=descriptor) as listener:
        answer_all(listener, asking, REST)
