"""Works that take turns, one step at a time, in an order that a test chooses.

Each work is a thread, and one of them runs at a time. It stops before whatever it does
with a Delta table, and where another holds a lock that it wants; it goes on when it is
chosen. So any order of their steps can be had, and had again.
"""

from __future__ import annotations

import fcntl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from queue import SimpleQueue
from typing import Any

import pytest
from deltalake import DeltaTable
from deltalake.table import TableOptimizer

from support.pace import PACE

Work = Callable[[], object]

# Before each of these a work stops.
_STEPS: dict[type, tuple[str, ...]] = {
    DeltaTable: (
        *("__init__", "vacuum", "delete", "repair", "create_checkpoint"),
        *("cleanup_metadata", "create_write_transaction", "file_uris"),
    ),
    TableOptimizer: ("compact",),
}
# On no machine does a step take so long: the work is stuck.
_LONGEST_STEP = 120.0 * PACE  # seconds
# Who has found a lock taken so often, one time after the other, waits for it.
_WAITS = 3

_present = threading.local()


class Turn:
    """A work that takes turns; `waits` is how often it has found a lock taken now."""

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.waits = 0
        self.is_done = False
        self.failure: BaseException | None = None
        self._go: SimpleQueue[None] = SimpleQueue()
        self._back: SimpleQueue[None] = SimpleQueue()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Work) -> None:
        _present.turn = self
        self._go.get()
        try:
            work()
        except BaseException as error:  # pylint: disable=broad-exception-caught
            self.failure = error  # raised again by `step`
        self.is_done = True
        self._back.put(None)

    def stop(self, waits: int = 0) -> None:
        """Let others go on until this one is chosen again."""
        self.waits = waits
        self._back.put(None)
        self._go.get()

    def step(self) -> None:
        """Go on to the next stop; raises what the work raises, Empty where it hangs."""
        self._go.put(None)
        self._back.get(timeout=_LONGEST_STEP)
        if self.failure is not None:
            raise self.failure


Choose = Callable[[list[Turn]], Turn]


def take_turns(works: Mapping[str, Work], choose: Choose, watch: Work) -> None:
    """Do all works to their ends, and `watch` after each step.

    Raises what a work raises, and AssertionError where all wait for each other.
    """
    with _stopping():
        turns = [Turn(name, work) for name, work in works.items()]
        while unfinished := [turn for turn in turns if not turn.is_done]:
            choose(unfinished).step()
            watch()
            assert any(
                turn.is_done or turn.waits < _WAITS for turn in unfinished
            ), f"a deadlock of {', '.join(turn.name for turn in unfinished)}"


def _stop(waits: int = 0) -> bool:
    """Stop where this thread is a work that takes turns; whether it is."""
    turn: Turn | None = getattr(_present, "turn", None)
    if turn is not None:
        turn.stop(waits)
    return turn is not None


def _stopping_before(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def stopping(*arguments: Any, **more: Any) -> Any:
        _stop()
        return call(*arguments, **more)

    return stopping


@contextmanager
def _stopping() -> Iterator[None]:
    """Have works stop at their steps."""
    flock = fcntl.flock

    def stopping_flock(descriptor: int, how: int) -> None:
        waits = 0
        while _stop(waits) and not how & fcntl.LOCK_NB:
            try:
                flock(descriptor, how | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                waits += 1
        flock(descriptor, how)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fcntl, "flock", stopping_flock)
        for kind, names in _STEPS.items():
            for name in names:
                patched.setattr(kind, name, _stopping_before(getattr(kind, name)))
        for name, module in list(sys.modules.items()):
            if name.startswith("page_tracker.") and hasattr(module, "write_deltalake"):
                write = _stopping_before(module.write_deltalake)
                patched.setattr(module, "write_deltalake", write)
        yield
