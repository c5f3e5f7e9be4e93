"""Files that a table's log does not know, though they have hits that the table lacks.

A log that was put back from an older copy knows nothing of the files that came since.
To whoever cleans they look like what a killed process has left; but the hits of such a
file were written once more, so the table has them. Of an import that is not so, as it
may have been undone: only hits that a store has handed over are looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from deltalake import DeltaTable

from page_tracker.errors import LakeError
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.lock import folder_of
from page_tracker.lake.survey import KEYS
from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import all_transactions
from page_tracker.origins import rows_of_any, streams_in
from page_tracker.plural import counted


class OlderLogError(LakeError):
    """The log of the hits is older than their files."""


class Strays(msgspec.Struct, frozen=True):
    """How many such files there are, and how many hits the table lacks."""

    files: int
    hits: int

    def error(self) -> OlderLogError:
        return OlderLogError(
            f"the folder of the lake's hits has {counted(self.files, 'file')} with"
            f" {counted(self.hits, 'hit')} that their log does not know: it was put"
            " back from an older copy",
            "rebuild it from the files by page-tracker recover; until then none goes",
        )


def strays(
    lake: Lake, table: DeltaTable, among: Collection[str], had: Collection[str]
) -> Strays | None:
    """The strays among files in the folder of the hits; `had` are those that the table
    had once. Each is named by its path within the folder. Raises OSError, ValueError.
    """
    folder, here = folder_of(table), table.file_uris()
    assert folder is not None  # nosec: a bucket's files are deleted only a day later
    known = {str(Path(uri).relative_to(folder)) for uri in here}.union(had)
    unknown = [folder / name for name in {*among} - known if name.endswith(".parquet")]
    if not unknown:
        return None
    handed_over = rows_of_any(streams_in(all_transactions(lake.log("hits"), table)))
    lacking = [_lacking(str(path), here, handed_over) for path in unknown]
    return Strays(sum(map(bool, lacking)), sum(lacking)) if any(lacking) else None


def _lacking(unknown: str, here: Sequence[str], condition: str) -> int:
    """How many such hits of a file the others lack; none of one that cannot be read."""
    key = f"hash({KEYS['hits']}) AS key"
    with suppress(OSError), engine() as connection:
        rows_in(connection, [unknown]).filter(condition).project(key).create("unknown")
        others = rows_in(connection, here or [unknown])
        others.filter("true" if here else "false").project(key).create("here")
        missing = "SELECT count(*) FROM unknown ANTI JOIN here USING (key)"
        return int(connection.sql(missing).fetchall()[0][0])
    return 0
