"""Ties a process to the one that started it, so that it never outlives it.

Run as a program, `python die_with_parent.py PID COMMAND…` becomes COMMAND, killed at
the instant that process PID, its parent, is gone. Linux does that itself (prctl(2),
PR_SET_PDEATHSIG); elsewhere this program stays and looks for its parent ten times a
second. It needs nothing but the standard library, so that it starts in a few
milliseconds.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NAME = 15
LOOK_SECONDS = 0.1


def tied(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` tied to this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def tie_to_parent(parent: int) -> None:
    """Have this process killed when `parent`, which started it, ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        end_with(parent)  # it may have ended before we were tied to it
    else:
        threading.Thread(target=look_for, args=(parent,), daemon=True).start()


def look_for(parent: int) -> None:
    """Look for it again and again, and kill this process once it is gone."""
    while True:
        end_with(parent)
        time.sleep(LOOK_SECONDS)


def end_with(parent: int) -> None:
    """Kill this process if its parent is another one by now."""
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def name_process(name: str) -> None:
    """Name this process, in at most 15 letters, for `ps` and `top`; Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def watch(parent: int, command: Sequence[str]) -> int:
    """Run `command` until it or `parent` ends; return its exit status.

    Passes on SIGTERM and SIGINT; `parent`'s end kills it.
    """
    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: received.append(number))
    with subprocess.Popen(command, close_fds=False) as process:
        while process.poll() is None:
            while received:
                process.send_signal(received.pop())
            if os.getppid() != parent:
                process.kill()
            time.sleep(LOOK_SECONDS)
    return process.returncode


def main(arguments: Sequence[str]) -> int:
    parent, command = int(arguments[0]), list(arguments[1:])
    if sys.platform != "linux":
        return watch(parent, command)
    tie_to_parent(parent)
    return os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
