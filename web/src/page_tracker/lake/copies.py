"""Copies, on this machine, of the files of a lake that lies in a bucket.

    files that are about to be read → those without a copy, fetched at the same time
      → each written beside its place and renamed

Files of a lake never change and none comes back under the name of another, so a copy is
right as long as there is one. It goes when the table has not had the file for as long
as a bucket keeps it, or when others need the room: then what was not read for the
longest time goes first. Any number of processes share a folder of copies.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from page_tracker.errors import LakeError
from page_tracker.lake.bucket import AT_ONCE, Bucket

# Somebody may be reading what was asked for in the last minutes, so it stays.
IN_USE = 120  # seconds


class CacheFullError(LakeError):
    """The disk of the copies has no room for another one; the lake is as it was."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"the disk of the cache {folder} is full",
            "make room there, or name a folder on another disk by PAGE_TRACKER_CACHE",
        )


class Copies(msgspec.Struct, frozen=True):
    """The copies of a bucket's files in a folder, of `most` bytes in all."""

    bucket: Bucket
    folder: Path
    most: int

    @property
    def files(self) -> Path:
        """The folder of the copies themselves; beside it lie sums made of them."""
        return self.folder / "files"

    def path(self, address: str) -> str:
        """Where the copy of a file is, or would be."""
        return str(self.files / self.bucket.name_of(address))

    def named_in(self, sql: str) -> list[str]:
        """The paths of copies that some SQL has as strings."""
        # In a string of SQL a quote is doubled.
        place = re.escape(str(self.files).replace("'", "''"))
        found = re.findall(f"'({place}/(?:[^']|'')+)'", sql)
        return [path.replace("''", "'") for path in dict.fromkeys(found)]

    def fetch(self, paths: Sequence[str]) -> None:
        """Have copies at these paths. Raises CacheFullError, or OSError."""
        missing = [path for path in map(Path, paths) if not _is_used(path)]
        if not missing:
            return
        with self._telling_that_it_is_full():
            for folder in {path.parent for path in missing}:
                folder.mkdir(parents=True, exist_ok=True)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self._copy, missing))
        self._trim()

    def forget_unlisted(self, table: str, listed: Iterable[str], grace: float) -> None:
        """Delete copies of files that a table does not have any more.

        Not those that were read in the last `grace` seconds: somebody may be asking an
        older state. `listed` are the addresses of what the table has.
        """
        needed = set(map(self.path, listed))
        for path, used, _ in _files(self.files / table):
            if str(path) not in needed and time.time() - used >= grace:
                path.unlink(missing_ok=True)

    @contextmanager
    def _telling_that_it_is_full(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CacheFullError(self.folder) from error
            raise

    def _copy(self, path: Path) -> None:
        self.bucket.copy_to(str(path.relative_to(self.files)), path)

    def _trim(self) -> None:
        found = sorted(_files(self.files), key=lambda each: each[1])
        size = sum(each for _, _, each in found)
        for path, used, each in found:
            if size <= self.most or time.time() - used < IN_USE:
                break
            path.unlink(missing_ok=True)
            size -= each


def _is_used(path: Path) -> bool:
    """Whether a copy is there; notes that it is used."""
    with suppress(FileNotFoundError):
        os.utime(path)
        return True
    return False


def _files(folder: Path) -> list[tuple[Path, float, int]]:
    """The copies below a folder: when each was last used, and its size in bytes."""
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # another process has just deleted it
            if path.is_file():
                there = path.stat()
                found.append((path, there.st_mtime, there.st_size))
    return found
