"""Ctrl-C in an import, at any second: the state it leaves, and what to do."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from page_tracker.errors import ImportInterruptedError
from page_tracker.history.register import Register


@contextmanager
def interruptible(register: Register) -> Iterator[None]:
    """Raise ImportInterruptedError if a person ends this work by Ctrl-C."""
    asked = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        # Once is enough: what is open is being closed.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    there = {each.id for each in register.present()}
    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    except BaseException as error:
        # An interrupted engine raises errors of its own.
        if not asked:
            raise
        raise _told(register, there) from error
    finally:
        signal.signal(signal.SIGINT, before)


def _told(register: Register, there: set[str]) -> ImportInterruptedError:
    present = register.present()
    for entry in present:
        if entry.state == "writing":
            return ImportInterruptedError(
                f"interrupted: import {entry.id} of {entry.site} had begun to count",
                "run the same command again: it goes on where it was",
            )
        if entry.state == "undoing":
            return ImportInterruptedError(
                f"interrupted: import {entry.id} of {entry.site} is half undone",
                "run the same command again: it goes on where it was",
            )
    if brought := [each.id for each in present if each.id not in there]:
        return ImportInterruptedError(
            f"interrupted when import {brought[-1]} was done: all of it counts",
            "page-tracker import --list shows it",
        )
    return ImportInterruptedError(
        "interrupted: nothing was counted, and nothing changed",
        "run the same command to begin again",
    )
