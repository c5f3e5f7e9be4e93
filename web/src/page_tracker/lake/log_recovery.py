"""A table whose log is gone, rebuilt from the files in its folder.

    which files count (`survey`)
      → these + what streams and imports have in them → one commit beside
      → its log put in place

What is left aside lies in `damaged/<table>`; nothing is deleted. The table `days` is
made from the hits, so it begins empty.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from page_tracker.errors import LakeError
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.columns import delta_schema
from page_tracker.lake.damage import remember, set_aside
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.lock import alone
from page_tracker.lake.survey import KEYS, Survey, lost_lines, rows_beyond
from page_tracker.lake.surveyed_file import added
from page_tracker.lake.table import PARQUET, TABLES, Lake, LakeLogGoneError
from page_tracker.lake.table_log import LOG
from page_tracker.lake.vacuum import has_strays


def lost_tables(lake: Lake) -> list[str]:
    """The tables that have files but no log of them that can be read."""
    return [name for name in TABLES if lake.has_data(name) and not _has_log(lake, name)]


def _has_log(lake: Lake, name: str) -> bool:
    try:
        lake.snapshot(name)
    except (DeltaError, LakeLogGoneError):
        return False
    return name != "hits" or lake.folder is None or not has_strays(lake)


def rebuild(
    lake: Lake, found: Survey, transactions: Sequence[Transaction]
) -> Mapping[Path, Path]:
    """Create the table from what counts; returns where each doubtful file was put.

    If it is killed before its end, run it again. Raises LakeError if files have come
    or gone since the survey.
    """
    assert lake.folder is not None  # nosec: that of a bucket is copied into one
    folder = lake.folder / found.name
    beside = folder.with_name(f"recovering-{found.name}")
    with alone(folder):
        if set(lake.files_in_folder(found.name)) != set(found.files):
            raise LakeError(
                f"files have come to {folder} meanwhile",
                "stop the server, then the same command once more",
            )
        shutil.rmtree(beside, ignore_errors=True)
        lake.create_at(str(beside), found.name)
        table = DeltaTable(str(beside))
        table.create_write_transaction(
            [added(folder, each) for each in found.counting],
            "append",
            delta_schema(TABLES[found.name]),
            ["month"],
            commit_properties=CommitProperties(
                custom_metadata={"days": []}, app_transactions=list(transactions)
            ),
        )
        remember(lake, list(lost_lines(found)))
        aside = [
            *(found.replaced + found.superseded + found.unreadable),
            *([folder / LOG] if (folder / LOG).exists() else []),
        ]
        for path in aside:
            set_aside(lake, found.name, path)
        (beside / LOG).rename(folder / LOG)
        shutil.rmtree(beside)
        # Last: until they have gone, they are found again.
        in_doubt = [each.path for each in found.doubtful]
        return {path: set_aside(lake, found.name, path) for path in in_doubt}


def set_closed_days_aside(lake: Lake) -> None:
    """Have the next upkeep rebuild the tables of closed days."""
    for name in OF_CLOSED_DAYS:
        folder = lake.folder and lake.folder / name
        if folder and folder.exists():
            with alone(folder):
                set_aside(lake, name, folder)


def add_doubtful(lake: Lake, found: Survey, moved: Mapping[Path, Path]) -> int:
    """Add the rows that were in doubt after all; returns how many. Once only."""
    added = 0
    for each in found.doubtful:
        name = f"recovered:{each.path.name}"
        with lake.using("hits") as hits, engine() as connection:
            if hits.transaction_version(name):
                continue
            connection.execute(
                "CREATE TABLE keys (file INTEGER, key UBIGINT, n BIGINT)"
            )
            if files := hits.file_uris():
                rows_in(connection, files).aggregate(
                    f"0 AS file, hash({KEYS['hits']}) AS key, count(*) AS n"
                ).insert_into("keys")
            path = str(moved[each.path])
            part = connection.read_parquet(path, hive_partitioning=False)
            left = rows_beyond(connection, part, [0])
            month = each.path.parent.name.partition("=")[2]
            columns = ", ".join(c.name for c in TABLES["hits"] if c.name != "month")
            rows = left.project(f"{columns}, '{month}' AS month")
            added += rows.count("*").fetchall()[0][0]
            write_deltalake(
                hits,
                rows,
                mode="append",
                writer_properties=PARQUET,
                commit_properties=CommitProperties(
                    custom_metadata={"days": []},
                    app_transactions=[Transaction(name, 1)],
                ),
            )
    return added


class Probe(msgspec.Struct, frozen=True):
    """A hit of a batch: whether it is in the lake says whether all of it is."""

    number: int
    site: str
    visit: int
    moment: int  # microseconds since 1970


def numbers_in(files: Iterable[Path], probes: Sequence[Probe]) -> set[int]:
    """The numbers of the batches whose hit is in one of the files."""
    paths = [str(path) for path in files]
    if not paths or not probes:
        return set()
    with engine() as connection:
        connection.execute(
            "CREATE TABLE probes (number BIGINT, site VARCHAR, visit BIGINT, us BIGINT)"
        )
        connection.executemany(
            "INSERT INTO probes VALUES (?, ?, ?, ?)",
            [(each.number, each.site, each.visit, each.moment) for each in probes],
        )
        rows_in(connection, paths).create_view("hits")
        found = connection.sql(
            "SELECT DISTINCT number FROM probes AS p JOIN hits AS h ON h.site = p.site"
            " AND h.visit = p.visit AND epoch_us(h.time) = p.us"
        )
        return {number for (number,) in found.fetchall()}


def days_in(files: Iterable[Path], condition: str) -> set[date]:
    """The days on which files have hits that fulfil an SQL condition."""
    paths = [str(path) for path in files]
    if not paths:
        return set()
    with engine() as connection:
        rows = rows_in(connection, paths).filter(condition)
        return {day for (day,) in rows.project("day").distinct().fetchall()}
