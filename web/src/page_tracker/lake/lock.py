"""Who may write to a table just now: many that add to it, or one that cleans it.

A commit is two steps, files and log, and a file that is not in the log yet looks like
one that nobody needs. So those who write share a lock on `<table>.lock`, and whoever
deletes files that the log does not know holds it alone. The kernel frees it when its
holder dies. A lake on object storage has no lock: there such files stay.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable


def folder_of(table: DeltaTable) -> Path | None:
    """The folder that a table lies in, where it lies in one."""
    address = urlsplit(table.table_uri)
    if address.scheme not in ("", "file"):
        return None
    return Path(unquote(address.path))


@contextmanager
def shared(table: DeltaTable) -> Iterator[None]:
    """Write to the table beside others; waits while somebody has it alone."""
    with _locked(table, fcntl.LOCK_SH):
        yield


@contextmanager
def alone(table: DeltaTable) -> Iterator[None]:
    """Have the table alone; waits for those who write."""
    with _locked(table, fcntl.LOCK_EX):
        yield


@contextmanager
def alone_if_free(table: DeltaTable) -> Iterator[bool]:
    """Have the table alone, unless somebody writes just now: then False."""
    try:
        with _locked(table, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield True
    except BlockingIOError:
        yield False


@contextmanager
def _locked(table: DeltaTable, how: int) -> Iterator[None]:
    folder = folder_of(table)
    if folder is None:
        yield
        return
    path = folder.with_name(f"{folder.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
