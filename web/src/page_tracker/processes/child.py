"""One process of the server: how it is started, and what becomes of it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from shutil import disk_usage
from typing import Protocol

import msgspec

from page_tracker.errors import ProcessError
from page_tracker.processes.die_with_parent import tied

POLL_SECONDS = 0.02
DISK_FULL = 1 << 20  # bytes: with less left, nothing works


class Process(Protocol):
    """A running process, as `subprocess` gives it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that killed it; None while it runs."""

    def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Program(msgspec.Struct, frozen=True):
    """What to run, by `start`; times are seconds. `log` is where its output goes.

    With `starts_beside` it does not wait for the program before it to be ready. With
    `asked_at` it is started by whoever connects there, and may end by itself. `mend` is
    called when the program has ended by itself. It returns what it has repaired, so
    that the program is started again, or nothing; may raise ProcessError.
    """

    name: str
    start: Callable[[], Process]
    is_ready: Callable[[], bool]
    patience: float
    grace: float
    log: Path | None = None
    starts_beside: bool = False
    mend: Callable[[], str] = lambda: ""
    asked_at: socket.socket | None = None


class Child:
    """A process that runs a program, in a group of its own, tied to this process."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started = time.monotonic()
        self.process = program.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def has_rested(self) -> bool:
        """Whether it has ended because nobody asked any more."""
        return self.program.asked_at is not None and self.process.poll() == 0

    def ending(self) -> str:
        """How the process ended, for a log line, and why if that is known."""
        status = self.process.wait()
        if status < 0:
            return f"was killed by {signal_name(-status)}"
        said = f"ended with status {status}"
        log = self.program.log
        if status and log and disk_usage(log.parent).free < DISK_FULL:
            return f"{said}, as the disk that {log.parent} is on is full"
        return said

    def wait_until_ready(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Return once the program is ready, or no longer wanted.

        Raises ProcessError if it ends first or takes too long.
        """
        deadline = time.monotonic() + self.program.patience
        while is_wanted() and not self.program.is_ready():
            if self.has_ended():
                raise self._failure(self.ending())
            if time.monotonic() > deadline:
                raise self._failure(f"is not ready after {self.program.patience:g} s")
            time.sleep(POLL_SECONDS)

    def stop(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """End the process: SIGTERM, then SIGKILL after its grace period or in a hurry.

        Whatever is left of its group is killed.
        """
        deadline = time.monotonic() + self.program.grace
        with suppress(ProcessLookupError):
            self.process.terminate()
        while not self.has_ended():
            if is_hurried() or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                break
            time.sleep(POLL_SECONDS)
        self.kill_group()

    def kill_group(self) -> None:
        """Kill what the process has left behind in its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _failure(self, what: str) -> ProcessError:
        remedy = "see its output above"
        if self.program.log:
            remedy = f"see {self.program.log}: {_last_line(self.program.log)}"
        return ProcessError(f"{self.program.name} {what}", remedy)


def spawned(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path | None = None,
    descriptors: Sequence[int] = (),
) -> Process:
    """Run a command, `command[0]` being a path, in a group of its own, tied to us.

    It has these descriptors of ours; `log` gets its output.
    """
    with log.open("ab") if log else nullcontext() as output:
        return subprocess.Popen(
            tied(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=descriptors,
            start_new_session=True,
        )


def signal_name(number: int) -> str:
    """A signal's name for people; not all of them have one.

    >>> signal_name(9), signal_name(45)
    ('SIGKILL', 'signal 45')
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "(empty)")
