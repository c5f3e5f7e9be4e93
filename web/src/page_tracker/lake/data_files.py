"""The data files that a table's newest version names."""

from __future__ import annotations

from datetime import date

import msgspec
from deltalake import DeltaTable

from page_tracker.lake.lock import folder_of

_COLUMNS = (
    *("path", "partition.month", "size_bytes", "modification_time", "num_records"),
    *("min.day", "max.day"),
)


class DataFile(msgspec.Struct, frozen=True):
    """A Parquet file: where it is, and what the log says of it.

    `size` is in bytes, `modified` in seconds since 1970; `first` and `last` are the
    first and the last of the days of its rows.
    """

    path: str
    month: str
    size: int
    modified: float
    rows: int
    first: date
    last: date


def files_of(table: DeltaTable) -> list[DataFile]:
    """The files of a snapshot."""
    actions = table.get_add_actions(flatten=True)
    if not actions.num_rows:
        return []
    folder = folder_of(table)
    root = str(folder) if folder else table.table_uri.rstrip("/")
    columns = (actions[name].to_pylist() for name in _COLUMNS)
    return [
        DataFile(f"{root}/{path}", month, size, modified / 1000, rows, first, last)
        for path, month, size, modified, rows, first, last in zip(*columns, strict=True)
    ]
