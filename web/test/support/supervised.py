"""A supervisor over a few shell commands, as a process for tests to kill.

python -m support.supervised GRACE NAME=SCRIPT… prints what is ready and what is logged.
A program is ready at once; its grace is so many seconds. One NAME@SOCKET is started for
who connects there: its script finds the descriptor in $ASKED.
"""

import os
import socket
import sys
from functools import partial

from page_tracker.errors import PageTrackerError
from page_tracker.processes.child import Program, spawned
from page_tracker.processes.supervisor import Supervisor


def say(line: str) -> None:
    print(line, flush=True)


def program(name: str, script: str, grace: float) -> Program:
    name, _, path = name.partition("@")
    environment, descriptors, listener = dict(os.environ), [], None
    if path:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        descriptors.append(listener.fileno())
        environment["ASKED"] = str(listener.fileno())
    return Program(
        name=name,
        start=partial(
            spawned,
            ["/bin/sh", "-c", script],
            environment,
            descriptors=descriptors,
        ),
        is_ready=lambda: True,
        patience=10,
        grace=grace,
        asked_at=listener,
    )


def main(arguments: list[str]) -> int:
    grace, *scripts = arguments
    pairs = [script.partition("=") for script in scripts]
    programs = [program(name, script, float(grace)) for name, _, script in pairs]
    try:
        Supervisor(programs, say).run(lambda: say("all ready"))
    except PageTrackerError as error:
        say(f"error: {error}")
        return error.exit_code
    say("all stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
