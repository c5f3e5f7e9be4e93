"""A lake in a bucket whose log is lost: rebuilt in a copy on this machine.

all files of the lost tables → copied, with the moments at which they were written
  → recovered there, as a lake in a folder is (`log_recovery`)
  → what is new goes to the bucket, a table's log last
  → what does not count goes to `damaged/` in the bucket; nothing is deleted
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from page_tracker.lake.bucket import Bucket
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.damage import DAMAGED
from page_tracker.lake.moving import keep_for_long_enough
from page_tracker.lake.place import FolderPlace
from page_tracker.lake.replaced import REPLACED
from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import LOG


def copied(bucket: Bucket, folder: Path, tables: Iterable[str]) -> Lake:
    """The tables as they are in a bucket, and what is noted of their files, copied into
    a folder. Raises OSError."""
    for name in (*tables, REPLACED):
        for file, size in bucket.sizes(name).items():
            path = folder / file
            if not path.exists() or path.stat().st_size != size:
                path.parent.mkdir(parents=True, exist_ok=True)
                bucket.copy_to(file, path)
            written = bucket.stamp(file).written
            os.utime(path, (written, written))  # newer files are preferred
    return Lake(str(folder))


def put_back(lake: Lake, bucket: Bucket, recovered: Lake, name: str) -> None:
    """Make a table in the bucket as the one that was recovered. Raises OSError.

    If it is killed before the log is there, the table is as lost as it was.
    """
    here = FolderPlace(Path(recovered.uri))
    there, counting = bucket.sizes(name), here.sizes(name)
    for file in sorted(there):
        if _is_of_log(file):
            set_aside(bucket, file)
    # Data files first.
    for file in sorted(counting, key=_is_of_log):
        if _is_of_log(file) or file not in there:
            bucket.put(file, here.read(file))
    for file in there:
        if not _is_of_log(file) and file not in counting:
            set_aside(bucket, file)
    keep_for_long_enough(lake, name)


def forget_closed_days(bucket: Bucket) -> None:
    """Have the next upkeep rebuild the tables of closed days. Raises OSError."""
    for name in OF_CLOSED_DAYS:
        # Its log first: what has none is not read.
        for file in sorted(bucket.sizes(name), key=_is_of_log, reverse=True):
            set_aside(bucket, file)


def set_aside(bucket: Bucket, file: str) -> None:
    """Move a file to `damaged/` in its bucket."""
    bucket.put(f"{DAMAGED}/{file}", bucket.read(file))
    bucket.delete(file)


def _is_of_log(file: str) -> bool:
    return f"/{LOG}/" in file
