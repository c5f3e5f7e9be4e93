"""Files that a bucket has lost: taken out of their tables, once that is certain.

    named by a table's newest version, and not in a listing that came after it
      → the same at each look of the next minutes, and the store has no such file
          → noted for `page-tracker doctor`, and out of the table: by one machine, in a
            commit to the very version that named it

A store may for some time not show what it has, and another machine may be deleting what
a table has just stopped using, so one look says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from deltalake import DeltaTable
from deltalake.transaction import RemoveAction

from page_tracker.lake.bucket import Bucket
from page_tracker.lake.commit_retries import conflicts, repeated
from page_tracker.lake.damage import TOLD, lost_with
from page_tracker.lake.data_files import DataFile, files_of
from page_tracker.lake.followed import FollowedTables
from page_tracker.lake.table import TABLES, Lake

# A file that was missing for so long does not come back by itself.
CERTAIN_AFTER = 300.0  # seconds


class LostFiles:
    """What one process has seen missing in a lake's bucket."""

    def __init__(
        self, lake: Lake, bucket: Bucket, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lake = lake
        self._bucket = bucket
        self._clock = clock
        self._tables = FollowedTables(lake)
        # Since when each missing file was missing at every look, by its address.
        self._missing: dict[str, float] = {}

    def take_out(self) -> Iterator[str]:
        """Look; a line for each file that is out of its table now.

        One machine at a time does it; the others look the next time. Raises DeltaError,
        OSError, LakeBusyError.
        """
        lines: list[str] = []
        with self._lake.turn_if_free("upkeep") as is_free:
            if is_free:
                certain = self._certainly_missing()
                for name in TABLES if certain else ():
                    lines += self._take_out_of(name, certain)
        yield from lines

    def _certainly_missing(self) -> set[str]:
        now = self._clock()
        found = [path for name in TABLES for path in self._missing_of(name)]
        self._missing = {path: self._missing.get(path, now) for path in found}
        return {
            path
            for path, since in self._missing.items()
            if now - since >= CERTAIN_AFTER
        }

    def _missing_of(self, name: str) -> list[str]:
        files = files_of(self._tables.snapshot(name))  # what comes after it is listed
        there = self._bucket.sizes(name)
        paths = [file.path for file in files]
        return [path for path in paths if self._bucket.name_of(path) not in there]

    def _take_out_of(self, name: str, certain: Collection[str]) -> list[str]:
        def step() -> list[str]:
            with self._lake.alone_if_free(name) as table:
                if table is None:
                    return []
                files = [file for file in files_of(table) if file.path in certain]
                lost = [file for file in files if self._has_lost(file)]
                with self._noted(lost) as lines:
                    _remove(table, lost)
                return lines

        return repeated(step)

    def _has_lost(self, file: DataFile) -> bool:
        try:
            self._bucket.stamp(self._bucket.name_of(file.path))
            return False
        except FileNotFoundError:
            return True

    @contextmanager
    def _noted(self, lost: Sequence[DataFile]) -> Iterator[list[str]]:
        """Keep what is said of lost files in the bucket; not if the block fails."""
        lines = {
            f"{TOLD}/{PurePosixPath(file.path).name}.txt": (
                f"{file.path} is missing: it is out of the table, and {lost_with(file)}"
            )
            for file in lost
        }
        for name, line in lines.items():
            self._bucket.put(name, line.encode())
        try:
            yield list(lines.values())
        except BaseException:
            for name in lines:
                self._bucket.delete(name)
            raise


def _remove(table: DeltaTable, lost: Sequence[DataFile]) -> None:
    """Take files out of a table, whose rows of closed days stay in their tables."""
    if not lost:
        return
    root = table.table_uri.rstrip("/")
    moment = time.time_ns() // 1_000_000
    actions = [
        RemoveAction(
            path=file.path.removeprefix(f"{root}/"),
            data_change=True,
            deletion_timestamp=moment,
            size=file.size,
            partition_values={"month": file.month},
        )
        for file in lost
    ]
    with conflicts():
        table.create_write_transaction([*actions], "append", table.schema(), ["month"])
