"""Tables of a ClickHouse server that have the lake's files, so that it need not fetch
and decode them for each question.

    files of the lake's newest state → those that are not there yet, each put into a
    table of its own, counted, and then moved as a whole to its place: a partition
      → partitions whose file the lake has not any more are dropped

A file never changes, so a partition is right as long as there is one; whoever fills at
the same time, or was killed while it did, does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from page_tracker.errors import LakeError
from page_tracker.query.clickhouse.dialect import quoted
from page_tracker.query.clickhouse.tables import (
    Place,
    base_name,
    filled_table,
    structure,
)
from page_tracker.query.lake_state import LakeState
from page_tracker.schema import DAYS, HITS, PAGES, VISITS, Column

if TYPE_CHECKING:
    from page_tracker.lake.data_files import DataFile
    from page_tracker.query.clickhouse.database import Server

TABLES: Mapping[str, tuple[Column, ...]] = {
    "hits": HITS,
    "days": DAYS,
    "visits": VISITS,
    "pages": PAGES,
}
# Rows lie together that questions read together.
_ORDERS = {"days": "site, dimension, day"}
_ORDER = "site, day, visit"


class FillError(LakeError):
    """A file did not arrive as the lake has it."""


class Filled(msgspec.Struct, frozen=True):
    """How many files were put into tables, and how many went."""

    added: int
    dropped: int


def files_filled(server: Server) -> dict[str, frozenset[str]]:
    """The files that the tables have, by table. Raises as Server.rows."""
    found: dict[str, set[str]] = {name: set() for name in TABLES}
    names = {filled_table(name): name for name in TABLES}
    rows = server.rows(
        "SELECT DISTINCT table, partition FROM system.parts WHERE active"
        " AND database = currentDatabase() AND startsWith(table, 'page_tracker_')"
    )
    for table, partition in rows:
        if name := names.get(str(table)):
            found[name].add(str(partition))
    return {name: frozenset(files) for name, files in found.items()}


def fill(server: Server, place: Place, state: LakeState) -> Filled:
    """Have the tables hold just the files of a state of the lake.

    Raises FillError, or as Server.rows.
    """
    for name, columns in TABLES.items():
        server.do(_created(filled_table(name), name, columns))
    there, added, dropped = files_filled(server), 0, 0
    for name, files in _files_of(state).items():
        new = [file for file in files if base_name(file) not in there[name]]
        _add(server, place, name, new)
        gone = there[name] - {base_name(file) for file in files}
        for file in sorted(gone):
            drop = f"ALTER TABLE {filled_table(name)} DROP PARTITION {quoted(file)}"
            server.do(drop)
        added, dropped = added + len(new), dropped + len(gone)
    return Filled(added, dropped)


def _files_of(state: LakeState) -> dict[str, Sequence[DataFile]]:
    return {
        "hits": state.hits,
        "days": state.days,
        "visits": state.visits,
        "pages": state.pages,
    }


def _created(table: str, name: str, columns: Sequence[Column]) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {table}"
        f" (file LowCardinality(String), {structure(columns)})"
        f" ENGINE = MergeTree PARTITION BY file ORDER BY ({_ORDERS.get(name, _ORDER)})"
    )


def _add(server: Server, place: Place, name: str, files: Iterable[DataFile]) -> None:
    """Put files into a table, each as a whole or not at all."""
    own = filled_table(name)
    beside = f"{own}_{uuid4().hex}"
    server.do(_created(beside, name, TABLES[name]))
    try:
        for file in files:
            part = quoted(base_name(file))
            source = place.file(name, file, TABLES[name])
            server.do(f"INSERT INTO {beside} SELECT {part}, * FROM {source}")
            ((rows,),) = server.rows(
                f"SELECT count(*) FROM {beside} WHERE file = {part}"
            )
            if rows != file.rows:
                raise FillError(
                    f"{file.path} has {file.rows} rows, of which {rows} arrived",
                    "check that the lake's files are whole: page-tracker doctor",
                )
            server.do(f"ALTER TABLE {own} REPLACE PARTITION {part} FROM {beside}")
            server.do(f"ALTER TABLE {beside} DROP PARTITION {part}")
    finally:
        server.do(f"DROP TABLE {beside} SYNC")
