"""Sums over closed days, kept in files: worked out once, by whatever process, and there
after a restart.

    <lake>/sums/<files>/of             the files of a table that sums were made of
    <lake>/sums/<files>/<sums>.parquet

Files of a table never change, so what was made of them stays true; and it goes when
they go: whoever deletes files of a table has it alone, and deletes the sums that were
made of them. Whoever keeps sums holds the table beside others meanwhile, and keeps
none whose files are gone. So of a deleted page no name is left here either.

Of a lake in a bucket each machine has sums of its own, beside its copies of the files.
They go with the files' copies: when the table does not have a file any more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from page_tracker.files import replace_file, replacing
from page_tracker.lake.table import Lake
from page_tracker.lake.table_files import TableFiles

# What is beyond this goes, what was not read for the longest time first.
MAX_BYTES = 64_000_000
MADE_OF = "of"


class KeptSums(msgspec.Struct, frozen=True):
    """The sums that are kept of a lake."""

    lake: Lake
    most: int = MAX_BYTES

    def path(self, sums: str, made_of: TableFiles) -> Path | None:
        """Where these sums are kept; None where they are not. `sums` names them."""
        path = self._place(sums, made_of)
        with suppress(OSError):
            os.utime(path)
            return path
        return None

    def keep(
        self, sums: str, made_of: TableFiles, write: Callable[[Path], None]
    ) -> None:
        """Keep what `write` writes to a file, if all that it was made of is there.

        Where that cannot be done, it is worked out again the next time.
        """
        path = self._place(sums, made_of)
        with suppress(OSError, DeltaError):
            with self.lake.using(made_of.table) as table:
                if self._has_all(table, made_of.paths):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    replace_file(
                        path.parent / MADE_OF, "\n".join(made_of.paths).encode()
                    )
                    with replacing(path) as beside:
                        write(beside)
            self._trim()

    def _has_all(self, table: DeltaTable, paths: Iterable[str]) -> bool:
        """Whether files are there, or in a bucket: whether its table has them."""
        if copies := self.lake.copies:
            return set(paths).issubset(map(copies.path, table.file_uris()))
        return all(Path(each).exists() for each in paths)

    def forget(self, path: Path) -> None:
        """Delete a file of sums that cannot be read."""
        path.unlink(missing_ok=True)

    def forget_gone(self) -> None:
        """Delete the sums of files that are gone; needs their table's lock, alone.

        In a folder; who shares a bucket's files by copies does not see which are gone.
        """
        if self.lake.folder:
            self._forget(lambda path: not Path(path).exists())

    def forget_unlisted(self, table: str, listed: Iterable[str]) -> None:
        """Delete the sums of copies of files that a bucket's table does not have."""
        if self.lake.copies:
            of_table = str(self.lake.copies.files / table)
            needed = set(map(self.lake.copies.path, listed))
            self._forget(lambda path: path.startswith(of_table) and path not in needed)

    def _forget(self, is_gone: Callable[[str], bool]) -> None:
        for folder in self._root.iterdir() if self._root.is_dir() else ():
            try:
                paths = (folder / MADE_OF).read_text("utf-8").split("\n")
            except OSError:
                paths = [""]
            if not all(each and not is_gone(each) for each in paths):
                with suppress(FileNotFoundError):  # who has the other table was faster
                    shutil.rmtree(folder)

    def _place(self, sums: str, made_of: TableFiles) -> Path:
        return (
            self._root / _digest("\n".join(made_of.paths)) / f"{_digest(sums)}.parquet"
        )

    @property
    def _root(self) -> Path:
        copies = self.lake.copies
        return (copies.folder if copies else Path(self.lake.uri)) / "sums"

    def _trim(self) -> None:
        found = []
        for path in self._root.glob("*/*.parquet"):
            with suppress(OSError):  # another process has just deleted it
                there = path.stat()
                found.append((there.st_mtime, there.st_size, path))
        size = sum(each for _, each, _ in found)
        for _, each, path in sorted(found):
            if size <= self.most:
                break
            path.unlink(missing_ok=True)
            size -= each


def forget_copies(
    lake: Lake, name: str, listed: Sequence[str], grace: timedelta
) -> None:
    """Delete this machine's copies of what a table in a bucket does not have any more.

    And the sums that were made of them. `listed` are the addresses of what it has.
    Copies that were read within the last `grace` stay for those who still read them.
    """
    if lake.copies:
        lake.copies.forget_unlisted(name, listed, grace.total_seconds())
        KeptSums(lake).forget_unlisted(name, listed)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
