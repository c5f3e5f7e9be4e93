"""The whole machine, for tests that run very much on it: beside each other, what they
run would be too slow to be taken for well."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def whole_machine(factory: pytest.TempPathFactory) -> Iterator[None]:
    """One at a time of those in any process of a run of the tests."""
    shared = factory.getbasetemp().parent
    with (shared / "machine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
