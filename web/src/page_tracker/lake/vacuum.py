"""Cleaning: files and log entries go that a table's newest version does not need.

    the lock, alone → the table as it is now → vacuum → checkpoint → clean-up of the log

Nothing here takes a table that somebody has opened: what was opened before the lock was
had does not know of the files that came meanwhile, and would have them deleted.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import timedelta

from deltalake import DeltaTable

from page_tracker.lake.commit_retries import repeated
from page_tracker.lake.kept_sums import KeptSums, forget_copies
from page_tracker.lake.lock import folder_of
from page_tracker.lake.replaced import forget_gone
from page_tracker.lake.strays import strays
from page_tracker.lake.table import Lake, touching

# In a bucket: longer than any process takes from writing a file to committing it.
UNNAMED_FOR = timedelta(days=1)


def clean_up(lake: Lake, name: str, summed_up: int | None = None) -> int | None:
    """Delete what no snapshot of the last minutes uses; sum up the log, and cut it.

    Also files that no commit has ever named, of processes that were killed. The version
    that is summed up now, where `summed_up` was before; the same where others write all
    the time, which leaves it to the next pass. Raises LakeBusyError, DeltaError, and
    OlderLogError if that would take hits which no commit names any more.
    """

    def step() -> int | None:
        with lake.alone_if_free(name) as table:
            if table is None:
                return summed_up
            is_folder = folder_of(table) is not None
            if going := table.vacuum(dry_run=True, full=is_folder):
                if is_folder and name == "hits":
                    _require_no_strays(lake, table, going)
                said = touching(table, [])
                table.vacuum(dry_run=False, full=is_folder, commit_properties=said)
                forget_gone(lake, name, table)
            if lake.copies and table.version() != summed_up:
                _remove_unnamed(table)
            KeptSums(lake).forget_gone()
            forget_copies(lake, name, table.file_uris(), lake.grace)
            _remove_unfinished(table)
            if table.version() != summed_up:
                table.create_checkpoint()
            table.cleanup_metadata()
            return table.version()

    return repeated(step)


def _require_no_strays(lake: Lake, table: DeltaTable, going: Collection[str]) -> None:
    if found := strays(lake, table, going, _had(table)):
        raise found.error()


def has_strays(lake: Lake) -> bool:
    """Whether the log of the hits of a lake in a folder is older than the files.

    Raises as `Lake.alone` and `strays`.
    """
    with lake.alone("hits") as table:
        folder = folder_of(table)
        assert folder is not None  # nosec: as the caller knows
        names = [str(path.relative_to(folder)) for path in lake.files_in_folder("hits")]
        return strays(lake, table, names, _had(table)) is not None


def _had(table: DeltaTable) -> list[str]:
    """The files that a table had, and that may be there yet."""
    return table.vacuum(0, dry_run=True, enforce_retention_duration=False)


def clean_at_once(lake: Lake, name: str) -> None:
    """Delete every file that a table does not have any more, whoever reads it.

    A reader that is in the middle of them has to ask again. Raises LakeBusyError,
    DeltaError.
    """

    def step() -> None:
        with lake.alone(name) as table:
            is_folder = folder_of(table) is not None
            if is_folder:
                os.sync()  # What replaces them has to be on disk before they go.
            table.vacuum(
                retention_hours=0,
                enforce_retention_duration=False,
                dry_run=False,
                full=is_folder,
                commit_properties=touching(table, []),
            )
            forget_gone(lake, name, table)
            KeptSums(lake).forget_gone()
            forget_copies(lake, name, table.file_uris(), timedelta(0))
            _remove_unfinished(table)
            table.create_checkpoint()
            table.cleanup_metadata()

    repeated(step)


def _remove_unnamed(table: DeltaTable) -> None:
    """Delete what no commit has named a day after it was written.

    Nobody can still be about to name it: it is of a process that was killed.
    """
    since = round(UNNAMED_FOR / timedelta(hours=1))
    if table.vacuum(since, dry_run=True, enforce_retention_duration=False, full=True):
        table.vacuum(
            since,
            dry_run=False,
            enforce_retention_duration=False,
            commit_properties=touching(table, []),
            full=True,
        )


def _remove_unfinished(table: DeltaTable) -> None:
    """Delete what killed processes have half written; needs the exclusive lock."""
    if folder := folder_of(table):
        for path in folder.rglob("*#*"):
            path.unlink(missing_ok=True)
