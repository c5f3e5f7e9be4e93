"""A table whose log is gone, rebuilt from the files in its folder.

    files, newest first → those whose rows newer ones have: superseded, left aside
                        → some of whose rows newer ones have: the others are in doubt,
                          as they were deleted, or the newer file was never finished
                        → else: they count
    files that count + what streams and imports have in them → one commit beside → its
    log put in place

What is left aside lies in `damaged/<table>`; nothing is deleted. The table `days` is
made from the hits, so it begins empty.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.columns import delta_schema
from page_tracker.lake.damage import remember, set_aside
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.lock import alone
from page_tracker.lake.table import PARQUET, TABLES, Lake, LakeLogGoneError
from page_tracker.lake.table_log import LOG

if TYPE_CHECKING:
    import duckdb

# The columns that renumbering a visit keeps: a row is recognised by them.
_KEYS = {
    "hits": "time, day, site, name, hostname, path, title, visitor, visit, engaged,"
    " scroll, revenue, currency",
    "drops": "day, site, reason, name, number",
}


class SurveyedFile(msgspec.Struct, frozen=True):
    """A data file: its number of rows, its days, sites and moments."""

    path: Path
    rows: int
    first: date
    last: date
    sites: tuple[str, str] = ("", "")
    moments: tuple[datetime, datetime] | None = None


class Survey(msgspec.Struct):
    """The files of a table without a log."""

    name: str
    counting: list[SurveyedFile] = msgspec.field(default_factory=list)
    superseded: list[Path] = msgspec.field(default_factory=list)
    # With the rows that no newer file has.
    doubtful: list[SurveyedFile] = msgspec.field(default_factory=list)
    unreadable: list[Path] = msgspec.field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.counting)


def lost_tables(lake: Lake) -> list[str]:
    """The tables that have files but no readable log."""
    return [name for name in TABLES if lake.has_data(name) and not _opens(lake, name)]


def _opens(lake: Lake, name: str) -> bool:
    try:
        lake.snapshot(name)
    except (DeltaError, LakeLogGoneError):
        return False
    return True


def survey(lake: Lake, name: str) -> Survey:
    """Look at the files of `hits` or `drops`; changes nothing. Raises OSError."""
    files = lake.files_in_folder(name)
    files.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    result = Survey(name)
    with engine() as connection:
        connection.execute("CREATE TABLE keys (file INTEGER, key UBIGINT, n BIGINT)")
        readable = []
        for number, path in enumerate(files):
            if _read_keys(connection, name, number, path):
                readable.append(number)
            else:
                result.unreadable.append(path)
        newer: list[int] = []
        for number in readable:
            path = files[number]
            covering = _larger(connection, newer, number) if name == "drops" else newer
            rows, covered = _covered(connection, number, covering)
            whole = rows_in(connection, [str(path)])
            if rows and rows == covered:
                result.superseded.append(path)
                continue
            if covered and name == "hits":
                left = _left(connection, whole, newer)
                result.doubtful.append(_found(left, name, path))
            else:
                result.counting.append(_found(whole, name, path))
            newer.append(number)
    return result


def _read_keys(
    connection: duckdb.DuckDBPyConnection, name: str, number: int, path: Path
) -> bool:
    """Read all of a file; whether that succeeded."""
    import duckdb  # pylint: disable=import-outside-toplevel # loaded with the engine

    try:
        rows = rows_in(connection, [str(path)])
        # All of it is read, so that damage is found before the file counts.
        counted = rows.aggregate(
            f"hash({_KEYS[name]}) AS key, count(*) AS n, sum(hash(COLUMNS(*)))"
        )
        counted.project(f"{number}, key, n").insert_into("keys")
        return True
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return False


def _larger(
    connection: duckdb.DuckDBPyConnection, newer: Sequence[int], number: int
) -> list[int]:
    """Those of the newer files with more rows than a file.

    Rows of drops are often equal: only a file that others were merged into has theirs.
    """
    sizes = dict(
        connection.sql("SELECT file, sum(n)::BIGINT FROM keys GROUP BY file").fetchall()
    )
    return [each for each in newer if sizes[each] > sizes.get(number, 0)]


def _covered(
    connection: duckdb.DuckDBPyConnection, number: int, newer: Sequence[int]
) -> tuple[int, int]:
    """How many rows a file has, and how many of these the newer ones have too."""
    found = connection.execute(
        "SELECT coalesce(sum(k.n), 0)::BIGINT,"
        " coalesce(sum(least(k.n, coalesce(t.n, 0))), 0)::BIGINT"
        " FROM keys AS k LEFT JOIN ("
        "   SELECT key, sum(n) AS n FROM keys WHERE list_contains($newer, file)"
        "   GROUP BY key"
        " ) AS t USING (key) WHERE k.file = $number",
        {"newer": list(newer), "number": number},
    ).fetchall()
    rows, covered = found[0]
    return int(rows), int(covered)


def _left(
    connection: duckdb.DuckDBPyConnection,
    rows: duckdb.DuckDBPyRelation,
    newer: Sequence[int],
) -> duckdb.DuckDBPyRelation:
    """The rows of a file that the newer ones don't have."""
    rows.create_view("part", replace=True)
    return connection.sql(
        f"""
        SELECT part.* FROM (
            SELECT *, hash({_KEYS["hits"]}) AS key_of,
                row_number() OVER (PARTITION BY key_of) AS place FROM part
        ) AS part LEFT JOIN (
            SELECT key, sum(n) AS n FROM keys
            WHERE list_contains($newer, file) GROUP BY key
        ) ON key = key_of WHERE place > coalesce(n, 0)
        """,  # nosec: names of our own
        params={"newer": list(newer)},
    ).project("* EXCLUDE (key_of, place)")


def _found(rows: duckdb.DuckDBPyRelation, name: str, path: Path) -> SurveyedFile:
    moments = "min(time), max(time)" if name == "hits" else "NULL, NULL"
    asked = f"count(*), min(day), max(day), min(site), max(site), {moments}"
    number, first, last, least, most, *times = rows.aggregate(asked).fetchall()[0]
    when = (times[0], times[1]) if times[0] else None
    return SurveyedFile(path, number, first, last, (least, most), when)


def rebuild(
    lake: Lake, found: Survey, transactions: Sequence[Transaction]
) -> Mapping[Path, Path]:
    """Create the table from what counts; returns where each other file was put.

    If it is killed before its end nothing has changed; run it again.
    """
    assert lake.folder is not None  # nosec: that of a bucket is copied into one
    folder = lake.folder / found.name
    beside = folder.with_name(f"recovering-{found.name}")
    with alone(folder):
        shutil.rmtree(beside, ignore_errors=True)
        lake.create_at(str(beside), found.name)
        table = DeltaTable(str(beside))
        table.create_write_transaction(
            [_added(folder, each) for each in found.counting],
            "append",
            delta_schema(TABLES[found.name]),
            ["month"],
            commit_properties=CommitProperties(
                custom_metadata={"days": []}, app_transactions=list(transactions)
            ),
        )
        remember(lake, list(lost_lines(found)))
        aside = [
            *(found.superseded + found.unreadable),
            *(each.path for each in found.doubtful),
            *([folder / LOG] if (folder / LOG).exists() else []),
        ]
        moved = {path: set_aside(lake, found.name, path) for path in aside}
        (beside / LOG).rename(folder / LOG)
        shutil.rmtree(beside)
    return moved


def lines(found: Survey) -> Iterator[str]:
    """What a survey has found, for a person."""
    days = [day for each in found.counting for day in (each.first, each.last)]
    of = f" of {min(days)} to {max(days)}" if days else ""
    yield f"{found.name}: {len(found.counting)} files with {found.rows} rows{of} count"
    if found.superseded:
        yield (
            f"{found.name}: {len(found.superseded)} files have only rows that newer"
            " ones have too"
        )
    yield from lost_lines(found)


def lost_lines(found: Survey) -> Iterator[str]:
    """What of a survey's files does not count, though no other file has it."""
    for each in found.doubtful:
        yield (
            f"{found.name}: {each.path.name} has {each.rows} rows of {each.first} to"
            f" {each.last} that no newer file has: they were deleted, or had had their"
            " time, or a newer file was never finished"
        )
    for path in found.unreadable:
        yield f"{found.name}: {path.name} cannot be read"


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
                    f"0 AS file, hash({_KEYS['hits']}) AS key, count(*) AS n"
                ).insert_into("keys")
            path = str(moved[each.path])
            part = connection.read_parquet(path, hive_partitioning=False)
            left = _left(connection, part, [0])
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


def _added(folder: Path, found: SurveyedFile) -> AddAction:
    """A file as a commit names it, with the statistics by which readers skip it.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
    """
    least = {"day": f"{found.first}", "site": found.sites[0]}
    most = {"day": f"{found.last}", "site": found.sites[1]}
    if found.moments is not None:
        # The log has milliseconds: round up, so that nothing is above the last one.
        above = found.moments[1] + timedelta(milliseconds=1)
        least["time"], most["time"] = map(_moment, (found.moments[0], above))
    stats = {
        "numRecords": found.rows,
        "minValues": least,
        "maxValues": most,
        "nullCount": dict.fromkeys(least, 0),
    }
    about = found.path.stat()
    month = found.path.parent.name.partition("=")[2]
    return AddAction(
        path=str(found.path.relative_to(folder)),
        size=about.st_size,
        partition_values={"month": month},
        modification_time=about.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(stats),
    )


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
