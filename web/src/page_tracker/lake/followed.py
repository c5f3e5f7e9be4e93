"""A table that is kept open: of its log only what is new is read.

    the log is listed, from the last checkpoint on
      → what was there is there, unchanged, and no newer checkpoint
          → what is new is read, and the table goes on to it
      → else it is opened afresh

A store that crashes may lose the last commits, and others may have written theirs in
these places since; this is seen by the files' tags. A newer checkpoint is read instead
of all commits before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import CHECKPOINT, COMMIT, Log, commit_name, committed

_LAST_CHECKPOINT = "_last_checkpoint"


class FollowedTable(DeltaTable):
    """A table as it was when it was opened or advanced last; for one thread."""

    def __init__(
        self, log: Log, address: str, storage_options: dict[str, str] | None
    ) -> None:
        """Raises what DeltaTable does, OSError."""
        self._log = log
        self._begin = _last_checkpoint(log)
        # The log's files that were read.
        self._seen = self._listed()
        super().__init__(address, storage_options=storage_options)
        # The last transactions of applications up to a version.
        self._numbers: dict[str, int | None] = {}
        self._read_to = self.version()

    def transaction_version(self, app_id: str) -> int | None:
        if self.version() != self._read_to:  # it has committed since
            return super().transaction_version(app_id)
        if app_id not in self._numbers:
            self._numbers[app_id] = super().transaction_version(app_id)
        return self._numbers[app_id]

    def advance(self) -> bool:
        """Go on to the newest version; False if the table has to be opened afresh.

        Raises DeltaError or OSError: then too.
        """
        listed = self._listed()
        new = listed.keys() - self._seen.keys()
        if not self._seen.items() <= listed.items() or any(map(_is_checkpoint, new)):
            return False
        newest = max(map(_version_of, listed), default=-1)
        if newest < self.version():
            return False
        if newest > self.version():
            self.update_incremental()
        unread = range(self._read_to + 1, self.version() + 1)
        try:
            for commit in self._log.read_all(map(commit_name, unread)):
                self._numbers |= committed(commit)
        except ValueError:  # deltalake says what is wrong with it
            return False
        self._seen, self._read_to = listed, self.version()
        return True

    def _listed(self) -> Mapping[str, str]:
        """The commits and checkpoints from its beginning on, with their tags."""
        found = self._log.tags(after=f"{self._begin:020d}")
        return {
            name: tag
            for name, tag in found.items()
            if COMMIT.fullmatch(name) or _is_checkpoint(name)
        }


class FollowedTables:
    """The tables of a lake, for one thread that looks at them again and again."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._open: dict[str, FollowedTable] = {}

    def snapshot(self, name: str) -> DeltaTable:
        """A table as it is now, until the next call; created if there is none.

        Raises as `Lake.snapshot`, OSError.
        """
        table = self._open.pop(name, None)
        if table is None or not table.advance():
            table = self._opened(name)
        self._open[name] = table
        return table

    def _opened(self, name: str) -> FollowedTable:
        log, address = self._lake.log(name), self._lake.address(name)
        try:
            return FollowedTable(log, address, self._lake.options)
        except TableNotFoundError:
            self._lake.snapshot(name)
            return FollowedTable(log, address, self._lake.options)

    @contextmanager
    def forgotten_on_failure(self) -> Iterator[None]:
        """Open all afresh once the block has failed, whatever they may have missed."""
        try:
            yield
        except BaseException:
            self._open.clear()
            raise


def _last_checkpoint(log: Log) -> int:
    """The version of the last checkpoint, or of an earlier one.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#last-checkpoint-file
    """
    with suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        for content in log.read_all([_LAST_CHECKPOINT]):
            return int(json.loads(content)["version"])
    return 0


def _is_checkpoint(name: str) -> bool:
    return CHECKPOINT.fullmatch(name) is not None


def _version_of(name: str) -> int:
    return int(name.partition(".")[0])
