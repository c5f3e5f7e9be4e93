"""The data files of a table without a log: which of them count.

files → those that others have replaced, as was noted (`replaced`): left aside
      → the others, newest first
          → those whose rows newer ones have: superseded, left aside
          → some of whose rows newer ones have: the others are in doubt, as they
            were deleted, or the newer file was never finished
          → else: they count
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.place import place_of
from page_tracker.lake.replaced import out_of_place, replacements
from page_tracker.lake.surveyed_file import SurveyedFile
from page_tracker.lake.table import Lake

if TYPE_CHECKING:
    import duckdb

# The columns that renumbering a visit keeps: a row is recognised by them.
KEYS = {
    "hits": "time, day, site, name, hostname, path, title, visitor, visit, engaged,"
    " scroll, revenue, currency",
    "drops": "day, site, reason, name, number",
}


class Survey(msgspec.Struct):
    """The files of a table without a log."""

    name: str
    counting: list[SurveyedFile] = msgspec.field(default_factory=list)
    # As was noted, by files that are all here.
    replaced: list[Path] = msgspec.field(default_factory=list)
    # The same, but not by files that are all here: these count again.
    returned: list[Path] = msgspec.field(default_factory=list)
    superseded: list[Path] = msgspec.field(default_factory=list)
    # With the rows that no newer file has.
    doubtful: list[SurveyedFile] = msgspec.field(default_factory=list)
    unreadable: list[Path] = msgspec.field(default_factory=list)

    @property
    def files(self) -> Iterator[Path]:
        """All of them."""
        yield from (each.path for each in (*self.counting, *self.doubtful))
        yield from (*self.replaced, *self.superseded, *self.unreadable)

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.counting)


def survey(lake: Lake, name: str) -> Survey:
    """Look at the files of `hits` or `drops`; changes nothing. Raises OSError."""
    with engine() as connection:
        connection.execute("CREATE TABLE keys (file INTEGER, key UBIGINT, n BIGINT)")
        files = dict(enumerate(lake.files_in_folder(name)))
        readable = {
            number: path
            for number, path in files.items()
            if _read_keys(connection, name, number, path)
        }
        notes = _Notes.of(lake, name, readable.values())
        left = [path for path in files.values() if path not in notes.gone]
        result = Survey(
            name,
            replaced=[path for path in files.values() if path in notes.gone],
            unreadable=[path for path in left if path not in {*readable.values()}],
        )
        _compare(connection, result, readable, notes)
    return result


class _Notes(msgspec.Struct, frozen=True):
    """The files that had been replaced, as was noted; `gone` are those whose rows the
    files that are readable have, as far as they were not deleted."""

    replaced: frozenset[Path]
    gone: frozenset[Path]

    @classmethod
    def of(cls, lake: Lake, name: str, readable: Iterable[Path]) -> _Notes:
        folder = Path(lake.uri) / name
        notes = replacements(place_of(lake), name)
        there = {path.relative_to(folder).as_posix() for path in readable}
        gone = out_of_place(notes, there)
        return cls(
            frozenset(folder / file for each in notes for file in each.files),
            frozenset(folder / file for file in gone),
        )


def _compare(
    connection: duckdb.DuckDBPyConnection,
    result: Survey,
    readable: Mapping[int, Path],
    notes: _Notes,
) -> None:
    """Sort the files that are not gone into the survey, by the rows that they have."""
    name, rows = result.name, _numbers_of_rows(connection)
    newer: list[int] = []
    left = {number: path for number, path in readable.items() if path not in notes.gone}
    for number in _newest_first(name, left, rows, notes):
        path = left[number]
        # Rows of drops are often equal: only what others were merged into has theirs.
        larger = [each for each in newer if rows[each] > rows[number]]
        covering = larger if name == "drops" else newer
        covered = _covered(connection, number, covering)
        whole = rows_in(connection, [str(path)])
        if rows[number] and rows[number] == covered:
            result.superseded.append(path)
            continue
        if covered and name == "hits":
            further = rows_beyond(connection, whole, newer)
            result.doubtful.append(_found(further, name, path))
        else:
            result.counting.append(_found(whole, name, path))
            result.returned += [path] if path in notes.replaced else []
        newer.append(number)


def _newest_first(
    name: str, files: Mapping[int, Path], rows: Mapping[int, int], notes: _Notes
) -> list[int]:
    def place(number: int) -> tuple[bool, int, int, str]:
        path = files[number]
        # Where times do not tell which is newer, nothing that was deleted comes back,
        # and of drops nothing that was merged counts twice.
        size = rows[number] if name == "hits" else -rows[number]
        return (path in notes.replaced, -path.stat().st_mtime_ns, size, path.name)

    return sorted(files, key=place)


def _read_keys(
    connection: duckdb.DuckDBPyConnection, name: str, number: int, path: Path
) -> bool:
    """Read all of a file; whether that succeeded."""
    import duckdb  # pylint: disable=import-outside-toplevel # loaded with the engine

    try:
        rows = rows_in(connection, [str(path)])
        # All of it is read, so that damage is found before the file counts.
        counted = rows.aggregate(
            f"hash({KEYS[name]}) AS key, count(*) AS n, sum(hash(COLUMNS(*)))"
        )
        counted.project(f"{number}, key, n").insert_into("keys")
        return True
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        return False


def _numbers_of_rows(connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
    found = "SELECT file, sum(n)::BIGINT FROM keys GROUP BY file"
    return defaultdict(int, connection.sql(found).fetchall())


def _covered(
    connection: duckdb.DuckDBPyConnection, number: int, newer: Sequence[int]
) -> int:
    """How many rows of a file newer ones have too."""
    found = connection.execute(
        "SELECT coalesce(sum(least(k.n, t.n)), 0)::BIGINT"
        " FROM keys AS k JOIN ("
        "   SELECT key, sum(n) AS n FROM keys WHERE list_contains($newer, file)"
        "   GROUP BY key"
        " ) AS t USING (key) WHERE k.file = $number",
        {"newer": list(newer), "number": number},
    ).fetchall()
    return int(found[0][0])


def rows_beyond(
    connection: duckdb.DuckDBPyConnection,
    rows: duckdb.DuckDBPyRelation,
    newer: Sequence[int],
) -> duckdb.DuckDBPyRelation:
    """The rows of a file that the newer ones don't have."""
    rows.create_view("part", replace=True)
    return connection.sql(
        f"""
        SELECT part.* FROM (
            SELECT *, hash({KEYS["hits"]}) AS key_of,
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


def lines(found: Survey) -> Iterator[str]:
    """What a survey has found, for a person."""
    days = [day for each in found.counting for day in (each.first, each.last)]
    of = f" of {min(days)} to {max(days)}" if days else ""
    yield f"{found.name}: {len(found.counting)} files with {found.rows} rows{of} count"
    if found.replaced:
        yield f"{found.name}: {len(found.replaced)} files had been replaced by others"
    if found.superseded:
        yield (
            f"{found.name}: {len(found.superseded)} files have only rows that newer"
            " ones have too"
        )
    yield from lost_lines(found)


def lost_lines(found: Survey) -> Iterator[str]:
    """What of a survey's files may be lost, or back though it was deleted."""
    for each in found.doubtful:
        yield (
            f"{found.name}: {each.path.name} has {each.rows} rows of {each.first} to"
            f" {each.last} that no newer file has: they were deleted, or had had their"
            " time, or a newer file was never finished"
        )
    for path in found.returned:
        yield (
            f"{found.name}: {path.name} counts though it had been replaced, as what"
            " took its place is not all here: if rows were deleted then, they are back"
        )
    for path in found.unreadable:
        yield f"{found.name}: {path.name} cannot be read"
