"""Who may write to a table: several that add to it, or one that cleans it.

A commit is two steps, files and log, and a file that is not in the log yet looks like
one that nobody needs. So everyone who writes, or reads a table's files, shares a lock
on `<table>.lock`, and whoever deletes files or log entries holds it exclusively. The
kernel frees it when its holder dies. In a bucket who writes takes no lock: a file is
deleted there when the table does not have it any more, or if no commit has named it for
a day; and who has a table alone has a lease (`lake/lease.py`). To change a table, take
the lock by `Lake.using` or `Lake.alone`, which open the table once it is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable

from page_tracker.files import exclusive_lock, shared_lock

# How long work that can wait tries to get a table exclusively.
PATIENCE = 1.0  # seconds


def folder_of(table: DeltaTable) -> Path | None:
    """The folder of a table, if it is in a folder."""
    address = urlsplit(table.table_uri)
    if address.scheme not in ("", "file"):
        return None
    return Path(unquote(address.path))


@contextmanager
def shared(folder: Path | None) -> Iterator[None]:
    """Share the table in a folder; waits while somebody has it exclusively."""
    with nullcontext() if folder is None else shared_lock(_lock_of(folder)):
        yield


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Have the table in a folder exclusively; waits for those who write."""
    with nullcontext() if folder is None else exclusive_lock(_lock_of(folder)):
        yield


@contextmanager
def alone_if_free(folder: Path | None) -> Iterator[bool]:
    """Have the table in a folder exclusively; False if others write all the time.

    A process that was stopped in the middle of a commit counts as writing.
    """
    with ExitStack() as stack:
        try:
            if folder is not None:
                stack.enter_context(exclusive_lock(_lock_of(folder), PATIENCE))
            is_alone = True
        except BlockingIOError:
            is_alone = False
        yield is_alone


def _lock_of(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.with_name(f"{folder.name}.lock")
