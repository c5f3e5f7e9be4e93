"""What keeps a machine's copies of a bucket's files in order, whoever asks or not.

each table as it is now → copies of what it does not have go
                        → those of what it has are fetched, the newest first
"""

from __future__ import annotations

from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.copies import Copies
from page_tracker.lake.data_files import files_of
from page_tracker.lake.kept_sums import forget_copies
from page_tracker.lake.table import Lake

# What closed days come to first: it is small, and most questions are answered from it.
TABLES = (*OF_CLOSED_DAYS, "hits", "drops")


def tidy_copies(lake: Lake) -> None:
    """Delete copies of files that the lake does not have any more.

    Raises DeltaError or OSError if the lake is away.
    """
    for name in TABLES:
        forget_copies(lake, name, lake.snapshot(name).file_uris(), lake.grace)


def fetch_ahead(lake: Lake, copies: Copies) -> None:
    """Copy what there is room for before it is asked for. Raises as `tidy_copies`."""
    room = copies.most
    for name in TABLES:
        files = sorted(files_of(lake.snapshot(name)), key=lambda each: each.last)
        for file in reversed(files):
            room -= file.size
            if room < 0:
                return
            copies.fetch([copies.path(file.path)])
