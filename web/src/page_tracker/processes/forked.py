"""A module that runs in a process of its own, forked from one that has loaded much.

The two share the memory of what was loaded until either changes it, and the new one
starts at once. Only a process with a single thread may be forked.
"""

import gc
import logging
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn, TextIO

from page_tracker.errors import OutputError
from page_tracker.processes.die_with_parent import name_process, tie_to_parent

STDIN, STDOUT, STDERR = 0, 1, 2
_TO_LEAVE = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class Forked:
    """A forked process, which the one that forked it may wait for and signal."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that killed it; None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        while (status := self._look(0)) is None:
            pass
        return status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _look(self, options: int) -> int | None:
        if self._status is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:  # else its number may be another process's by now
            os.kill(self.pid, number)


def load(modules: Sequence[str]) -> None:
    """Load what forked processes share, so that looking for garbage touches none."""
    gc.disable()  # all of it stays
    try:
        for module in modules:
            import_module(module)
        gc.freeze()
    finally:
        gc.enable()


def said_by(name: str, command: Sequence[str]) -> tuple[int, bytes]:
    """The exit status of such a process, once it has ended, and all that it has said,
    as output and as errors."""
    reading, writing = os.pipe()
    with open(reading, "rb") as output:
        try:
            process = forked(name, command, [], output=writing)
        finally:
            os.close(writing)
        said = output.read()
        return process.wait(), said


def forked(
    name: str,
    command: Sequence[str],
    descriptors: Sequence[int],
    output: int | None = None,
) -> Forked:
    """Run `python -m COMMAND…` as the process `name`, in a group of its own.

    It is tied to this process; of its descriptors it has these alone. What it says goes
    to `output`, else to where ours goes.
    """
    parent = os.getpid()
    _flush()
    # A signal that came before the new process has left our handlers would be lost.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *_TO_LEAVE))
    pid = os.fork()
    if not pid:
        _become(parent, name, command, descriptors, output, held)
    signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return Forked(pid)


def _become(
    parent: int,
    name: str,
    command: Sequence[str],
    descriptors: Sequence[int],
    output: int | None,
    held: Iterable[int],
) -> NoReturn:
    status = 1
    try:
        tie_to_parent(parent)
        name_process(name)
        _leave(descriptors, output)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        module, *arguments = command
        sys.argv = [module, *arguments]
        # The script that has started us loads it as a module, too: it is run anew.
        sys.modules.pop(f"{module}.__main__", None)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:  # pylint: disable=broad-exception-caught # as Python does
        traceback.print_exc()
    finally:
        _flush()
        os._exit(status)


def _leave(descriptors: Sequence[int], output: int | None) -> None:
    """Give up what is the parent's: its group, signals, log, streams and open files."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in _TO_LEAVE:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    logging.getLogger().handlers.clear()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, STDIN)
    if output is not None:
        sys.stdout, sys.stderr = _told_to(output, STDOUT), _told_to(output, STDERR)
    for each in map(int, os.listdir("/dev/fd")):
        if each > STDERR and each not in descriptors:
            with suppress(OSError):  # the one that listed them is closed
                os.close(each)


def _told_to(output: int, number: int) -> TextIO:
    """A stream anew: the one that was there knows of what it was opened on, as that a
    file can seek."""
    os.dup2(output, number)
    return os.fdopen(number, "w", buffering=1, encoding="utf-8", closefd=False)


def _flush() -> None:
    """Write out what is buffered, which else both processes would write."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, OutputError):
            stream.flush()


def _status(code: object) -> int:
    """The exit status that Python gives a code of `sys.exit`."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1
