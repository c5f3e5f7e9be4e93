"""Keeps a list of programs running under one process.

    start in order, each once those before it are ready, or beside the one before it
      → wait for a signal or the end of a child
      → a child that ended is started again, later each time it ends soon
      → SIGTERM, SIGINT, SIGHUP: stop in reverse order; a second one: at once

A child lives in a process group of its own, so that Ctrl-C reaches this process alone,
and is tied to this process, so that SIGKILL leaves none behind.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from page_tracker.errors import ProcessError
from page_tracker.processes.child import Child, Program

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
LIVED_LONG = 5.0


def next_delay(lived: float, last_delay: float) -> float:
    """Seconds until a child that lived this long is started again."""
    if lived >= LIVED_LONG:
        return FIRST_DELAY
    return min(max(2 * last_delay, FIRST_DELAY), LONGEST_DELAY)


class Supervisor:
    """Runs programs until a signal stops it; must be used on the main thread."""

    def __init__(self, programs: Sequence[Program], log: Callable[[str], None]) -> None:
        self.programs = programs
        self.log = log
        self.children: dict[str, Child] = {}
        self.stops_asked = 0
        self._delays = {program.name: 0.0 for program in programs}
        self._due: dict[str, float] = {}

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start all, call `when_ready`, keep them running, and stop them in the end.

        Raises ProcessError if a program does not start.
        """
        with self._signals() as wakeup:
            try:
                self._start_all()
                if self._is_wanted():
                    when_ready()
                while self._is_wanted():
                    self._tend()
                    self._sleep(wakeup)
            finally:
                self._stop_all()

    def _is_wanted(self) -> bool:
        return not self.stops_asked

    def _start_all(self) -> None:
        starting: list[Program] = []
        for program in self.programs:
            if not program.starts_beside:
                self._await(starting)
                starting = []
            if self._is_wanted():
                self.children[program.name] = Child(program)
                starting.append(program)
        self._await(starting)

    def _await(self, starting: Sequence[Program]) -> None:
        for program in starting:
            self._await_one(program)

    def _await_one(self, program: Program) -> None:
        child = self.children[program.name]
        try:
            child.wait_until_ready(self._is_wanted)
        except ProcessError:
            if not child.has_ended() or not (mended := program.mend()):
                raise
            self.log(mended)
            child = self.children[program.name] = Child(program)
            child.wait_until_ready(self._is_wanted)

    def _stop_all(self) -> None:
        for program in reversed(self.programs):
            if child := self.children.pop(program.name, None):
                child.stop(is_hurried=lambda: self.stops_asked > 1)

    def _tend(self) -> None:
        """Note what has ended, and start again what is due."""
        now = time.monotonic()
        for name, child in list(self.children.items()):
            if child.has_ended():
                del self.children[name]
                child.kill_group()
                delay = next_delay(now - child.started, self._delays[name])
                self._delays[name] = delay
                self._due[name] = now + delay
                self.log(
                    f"{name} (pid {child.pid}) {child.ending()}; "
                    f"starting it again in {delay:g} s"
                )
        for program in self.programs:
            if self._due.get(program.name, now + 1) <= now:
                del self._due[program.name]
                try:
                    if mended := program.mend():
                        self.log(mended)
                except ProcessError as error:
                    self.log(str(error))
                self.children[program.name] = Child(program)

    def _sleep(self, wakeup: int) -> None:
        """Sleep until a signal comes or a child is due."""
        due = min(self._due.values(), default=None)
        pause = None if due is None else max(0.0, due - time.monotonic())
        if select.select([wakeup], [], [], pause)[0]:
            os.read(wakeup, 4096)

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Count the stop signals; yields the descriptor that every signal writes to."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stops_asked += 1

        def wake(_number: int, _frame: FrameType | None) -> None:
            """Only a handler in Python makes SIGCHLD write to the descriptor."""

        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        handlers = {number: stop for number in STOP_SIGNALS} | {signal.SIGCHLD: wake}
        before = {number: signal.signal(number, h) for number, h in handlers.items()}
        wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)
