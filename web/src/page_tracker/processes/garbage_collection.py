"""How often Python looks for garbage that only a search can find: cycles."""

import gc

# Objects, made and not yet gone, after which it looks; Python's own number is 700.
SELDOM = 100_000


def collect_garbage_seldom() -> None:
    """For a process that takes rows by the thousand from one form into the next.

    They form no cycles, and all that is loaded by now stays: to look through both again
    and again takes a tenth of such a process's time.
    """
    gc.freeze()
    gc.set_threshold(SELDOM)
