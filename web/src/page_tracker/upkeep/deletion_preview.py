"""What a deletion would delete, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake
from page_tracker.store.stream import Stream
from page_tracker.upkeep.deletion import Selection


class DeletionPreview(NamedTuple):
    """How much of the lake is chosen, and how much is unknown yet.

    `drops` are hits that did not count, and of which there is a record. `waiting` are
    rows of any site that the lake does not have yet; `aside` are batches that have rows
    of the site and go as a whole where nobody can read them.
    """

    hits: int
    drops: int
    waiting: int
    aside: int


def preview_deletion(
    selection: Selection, lake: Lake, streams: Sequence[Stream]
) -> DeletionPreview:
    """Look; raises DeltaError, OSError, StreamAwayError: lake or store is away."""
    drops = selection.of_drops()
    return DeletionPreview(
        _sum(lake, "hits", "count(*)", selection.condition()),
        0 if drops is None else _sum(lake, "drops", "sum(number)", drops),
        sum(stream.waiting() for stream in streams),
        sum(
            selection.site in aside.sites
            for stream in streams
            for aside in stream.aside()
        ),
    )


def _sum(lake: Lake, table: str, what: str, condition: str) -> int:
    files = lake.snapshot(table).file_uris(file_pruning_predicate=condition)
    if not files:
        return 0
    with engine() as connection:
        rows = rows_in(connection, files).filter(condition)
        return int(rows.aggregate(f"coalesce({what}, 0)").fetchall()[0][0])
