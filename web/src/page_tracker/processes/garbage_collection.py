"""How often Python searches for garbage that only a search can find: cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects created and not yet freed after which it searches; Python's number is 700.
SELDOM = 100_000


def collect_garbage_seldom() -> None:
    """For a process that converts rows by the thousand from one form to the next.

    They form no cycles, and all that is loaded by now stays: searching both again and
    again takes a tenth of such a process's time.
    """
    gc.freeze()
    gc.set_threshold(SELDOM)


@contextmanager
def garbage_collected_seldom() -> Iterator[None]:
    """The same for a stretch of a process's work."""
    before = gc.get_threshold()
    gc.set_threshold(SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
