"""Who may write to a table just now: many that add to it, or one that cleans it.

A commit is two steps, files and log, and a file that is not in the log yet looks like
one that nobody needs. So those who write, or read a table's files, share a lock on
`<table>.lock`, and whoever deletes files or log entries holds it alone. The kernel
frees it when its holder dies. A lake on object storage has no lock: there such files
stay. Whoever changes a table takes the lock by `Lake.using` and `Lake.alone`, which
open the table once it is held.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable

# Who has something that can wait tries so long to have a table alone, so often.
PATIENCE = 1.0  # seconds
PAUSE = 0.02  # seconds


def folder_of(table: DeltaTable) -> Path | None:
    """The folder that a table lies in, where it lies in one."""
    address = urlsplit(table.table_uri)
    if address.scheme not in ("", "file"):
        return None
    return Path(unquote(address.path))


@contextmanager
def shared(folder: Path | None) -> Iterator[None]:
    """Write to the table in a folder beside others; waits while one has it alone."""
    with _lock_of(folder) as lock:
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Have the table in a folder alone; waits for those who write."""
    with _lock_of(folder) as lock:
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_if_free(folder: Path | None) -> Iterator[bool]:
    """Have the table in a folder alone, unless others write all the time: then False.

    Who was stopped in the middle of a commit writes all the time.
    """
    with _lock_of(folder) as lock:
        yield lock is None or _is_had_alone(lock)


def _is_had_alone(lock: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
        time.sleep(PAUSE)


@contextmanager
def _lock_of(folder: Path | None) -> Iterator[int | None]:
    if folder is None:
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f"{folder.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
