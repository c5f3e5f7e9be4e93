"""Hits that a query finds, added to the lake by the engine that finds them.

    query → COPY → Parquet files, one for each month → one commit that names them

Nothing holds the rows meanwhile, and no other library makes files of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from deltalake import DeltaTable, Transaction

from page_tracker.lake.commit_retries import conflicts
from page_tracker.lake.lock import folder_of
from page_tracker.lake.surveyed_file import SurveyedFile, added
from page_tracker.lake.table import Lake, persist, quoted, touching

if TYPE_CHECKING:
    import duckdb

_PREFIX = "page-tracker-"


class FoundHits(NamedTuple):
    """A query, whose rows have all columns of the table and come sorted by time."""

    engine: duckdb.DuckDBPyConnection
    query: str


def append_found(
    lake: Lake,
    snapshot: DeltaTable,
    hits: FoundHits,
    days: Sequence[int],
    transaction: Transaction,
) -> None:
    """Add the hits, which touch `days`, under the transaction, all or none.

    Raises ConflictError, DeltaError or duckdb.Error (nothing was added), OSError.
    """
    folder = folder_of(snapshot)
    with ExitStack() as stack, conflicts():
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=_PREFIX)))
        files = _written(hits, folder)
        if lake.copies:
            for file in files:
                name = f"hits/{file.path.relative_to(folder)}"
                lake.copies.bucket.put(name, file.path.read_bytes())
        before = snapshot.version()
        snapshot.create_write_transaction(
            [added(folder, file) for file in files],
            "append",
            snapshot.schema(),
            ["month"],
            commit_properties=touching(snapshot, days, transaction),
        )
        snapshot.update_incremental()
        # One of these is the new one; others are of those who wrote meanwhile.
        for version in range(before + 1, snapshot.version() + 1):
            persist(snapshot, version)


def _written(hits: FoundHits, folder: Path) -> list[SurveyedFile]:
    """Write the hits to new files below a folder, as `lake.table.PARQUET` has them."""
    files = hits.engine.execute(
        f"COPY ({hits.query}) TO {quoted(str(folder))} (FORMAT parquet,"
        " COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 262144,"
        " PARTITION_BY (month), FILENAME_PATTERN 'part-{uuid}', APPEND, RETURN_STATS)"
    ).fetchall()
    return [_surveyed(Path(path), rows, said) for path, rows, _, _, said, *_ in files]


def _surveyed(
    path: Path, rows: int, said: Mapping[str, Mapping[str, str]]
) -> SurveyedFile:
    """A file by what DuckDB says of each of its columns."""
    day, site, time = (said[f'"{name}"'] for name in ("day", "site", "time"))
    return SurveyedFile(
        path,
        rows,
        date.fromisoformat(day["min"]),
        date.fromisoformat(day["max"]),
        (site["min"], site["max"]),
        (datetime.fromisoformat(time["min"]), datetime.fromisoformat(time["max"])),
    )
