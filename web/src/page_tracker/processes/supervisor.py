"""Keeps a list of programs running under one process.

    start in order, each once those before it are ready, or beside the one before it
      → wait for a signal or the end of a child
      → a child that ended is started again, later each time it ends soon; one that is
        there for who asks, once somebody does
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
            if program.asked_at:
                continue
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
                if not child.has_rested():
                    said = f"{name} (pid {child.pid}) {child.ending()}"
                    self._put_off(child.program, now - child.started, said)
        for program in self.programs:
            if self._due.get(program.name, now + 1) <= now:
                del self._due[program.name]
                if program.asked_at:
                    continue
                try:
                    if mended := program.mend():
                        self.log(mended)
                except ProcessError as error:
                    self.log(str(error))
                self._start_again(program)

    def _start_again(self, program: Program) -> None:
        """Start a program; later, if there is no memory for it now."""
        try:
            self.children[program.name] = Child(program)
        except OSError as error:
            why = f"cannot be started ({error.strerror})"
            self._put_off(program, 0.0, f"{program.name} {why}")

    def _put_off(self, program: Program, lived: float, said: str) -> None:
        """Have a program that failed started again, but not at once; say why."""
        delay = next_delay(lived, self._delays[program.name])
        self._delays[program.name] = delay
        self._due[program.name] = time.monotonic() + delay
        again = "starting it again"
        if program.asked_at:
            again = "whoever asks starts it again,"
        self.log(f"{said}; {again} in {delay:g} s")

    def _sleep(self, wakeup: int) -> None:
        """Sleep until a signal comes, a child is due or somebody asks for one, which is
        then started."""
        due = min(self._due.values(), default=None)
        pause = None if due is None else max(0.0, due - time.monotonic())
        awaited = {
            program.asked_at.fileno(): program
            for program in self.programs
            if program.asked_at and program.name not in {*self.children, *self._due}
        }
        ready, _, _ = select.select([wakeup, *awaited], [], [], pause)
        for each in ready:
            if each == wakeup:
                os.read(wakeup, 4096)
            else:
                self._start_again(awaited[each])

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
