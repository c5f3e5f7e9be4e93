"""Files that outlive a crash or a power loss, and locks between processes.

A file is replaced as a whole: written beside it, synced to disk, renamed, and the
folder that has the names is synced. So every reader, whatever happens meanwhile, finds
the old content or the new. A file that grows is synced at each append. Locks are
flock(2): the kernel releases them when the last process that holds the descriptor ends,
however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from tempfile import mkstemp

PRIVATE = 0o600
READABLE = 0o644
# What a killed process left beside a file is deleted once nobody can be writing it.
LEFTOVER_SECONDS = 3600
LOCK_POLL_SECONDS = 0.02


@contextmanager
def replacing(path: Path, mode: int = PRIVATE) -> Iterator[Path]:
    """Yield an empty file to write to, which then takes the place of `path`.

    If the block raises, `path` stays as it was. Any number of processes may do so at
    once: the last one wins. Raises OSError.
    """
    _delete_leftovers(path)
    descriptor, name = mkstemp(".new", f".{path.name}.", path.parent)
    beside = Path(name)
    try:
        os.fchmod(descriptor, mode)
        os.close(descriptor)
        yield beside
        sync(beside)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def replace_file(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file as a whole. Raises OSError."""
    with replacing(path, mode) as beside:
        beside.write_bytes(content)


def sync(path: Path) -> None:
    """Sync the content of a file, or the names in a folder, to disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def new_held_file(path: Path) -> int:
    """Create an empty file and hold its lock; returns its descriptor.

    Whoever closes that releases the lock. Raises OSError, also if the file exists.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync(path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def held_if_free(path: Path) -> int | None:
    """Hold the lock of a file as `new_held_file` does.

    None if another process holds it, or if the file is gone. Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def append_synced(descriptor: int, end: int, content: bytes) -> int:
    """Write at the end of a file, and sync it; returns the new end.

    Raises OSError: then the file ends where it did before.
    """
    try:
        written = 0
        while written < len(content):
            written += os.pwrite(descriptor, content[written:], end + written)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    return end + len(content)


def unused(path: Path) -> Path:
    """The path, or the first numbered one beside it that does not exist yet.

    `a.parquet`, then `a.1.parquet`, then `a.2.parquet`.
    """
    free, number = path, 0
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


@contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Hold a lock file with others; waits for an exclusive holder. Raises OSError."""
    with _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def exclusive_lock(path: Path, patience: float = inf) -> Iterator[int]:
    """Hold a lock file alone; yields its descriptor: who inherits that holds it too.

    Raises BlockingIOError if others still hold it after `patience` seconds, OSError.
    """
    with _opened(path) as descriptor:
        _lock(descriptor, patience)
        yield descriptor


def _lock(descriptor: int, patience: float) -> None:
    if patience == inf:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(LOCK_POLL_SECONDS)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _delete_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f".{path.name}.*.new"):
        try:
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()
        except FileNotFoundError:  # renamed or deleted meanwhile
            continue
