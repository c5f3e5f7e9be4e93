"""Damage to the lake by a crash, a disk or a person: found, reported, repaired.

last commit unreadable → set aside: the writer makes it again from the stream
file missing, cut short or not Parquet → set aside, and taken out of the table
file that cannot be read through → the same, once something has stumbled over it
log unreadable further back → named, with what to do

What is set aside lies in `damaged/<table>` of the lake's folder, and each line that was
reported is kept beside it, in `damaged/told.txt`. What a bucket has lost, `lost_files`
takes out of its tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from page_tracker.errors import LakeError
from page_tracker.files import unused
from page_tracker.lake.data_files import DataFile, files_of
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.lock import alone_if_free, shared
from page_tracker.lake.table import TABLES, Lake
from page_tracker.lake.table_log import LOG
from page_tracker.plural import counted

if TYPE_CHECKING:  # only a lake in a bucket loads its client
    from page_tracker.lake.bucket import Bucket

MAGIC = b"PAR1"
DAMAGED = "damaged"
REPORTED = "told.txt"
# The same of a lake in a bucket, a file for each line.
TOLD = f"{DAMAGED}/told"


class DamagedLakeError(LakeError):
    """A table's log cannot be read, or a file of it."""


# Why a file is damaged; empty if it is not.
Fault = Callable[[DataFile], str]


def mend(lake: Lake) -> Iterator[str]:
    """Set aside what is damaged in a lake that is a folder; one line for each item.

    Raises DamagedLakeError if a table can no longer be opened.
    """
    for name in _tables(lake):
        yield from _mend(lake, name, fault_of)


def mend_unreadable(lake: Lake) -> Iterator[str]:
    """`mend`, and also set aside files that cannot be read; it reads all of them."""
    for name in _tables(lake):
        with shared(_folder(lake, name)):
            unreadable = {
                file.path: why
                for file in _files(lake, name)
                if (why := fault_of(file) or _fault_within(file))
            }
        yield from _mend(lake, name, partial(_fault_in, unreadable))


@contextmanager
def unreadable_set_aside(lake: Lake) -> Iterator[None]:
    """If files make the block fail, set aside those that cannot be read.

    Then raises DamagedLakeError, which names them; else the original error.
    """
    try:
        yield
    except (DeltaError, OSError) as error:
        if lines := list(mend_unreadable(lake)):
            raise DamagedLakeError(
                "; ".join(lines), "what this has stopped is done by the next pass"
            ) from error
        raise


def damages(lake: Lake) -> Iterator[str]:
    """What is damaged now, one line for each, and what was reported; repairs nothing.

    Raises DamagedLakeError.
    """
    if lake.copies:
        yield from _damages_in(lake.copies.bucket, lake)
    for name in _tables(lake):
        with shared(_folder(lake, name)):
            for file in _files(lake, name):
                if why := fault_of(file):
                    yield f"{file.path} {why}: {lost_with(file)}"
    if lake.folder and (book := lake.folder / DAMAGED / REPORTED).exists():
        yield from book.read_text("utf-8").splitlines()


def _damages_in(bucket: Bucket, lake: Lake) -> Iterator[str]:
    """Files that a bucket lacks, or has with another size than its log says, and those
    that were taken out of their tables.

    Raises BucketError if it cannot be used.
    """
    bucket.require_usable()
    for name in TABLES:
        files = _files(lake, name)  # before the listing: what came since is not missed
        sizes = bucket.sizes(name)
        for file in files:
            found = sizes.get(bucket.name_of(file.path))
            if found is None:
                yield f"{file.path} is missing: {lost_with(file)}"
            elif found != file.size:
                has = f"has {found} bytes instead of {file.size}"
                yield f"{file.path} {has}: {lost_with(file)}"
    for told in bucket.read_all(sorted(bucket.sizes(TOLD))):
        yield told.decode()


def _mend(lake: Lake, name: str, fault: Fault) -> Iterator[str]:
    """Mend one table; if others write all the time, leave it for the next time."""
    lines: list[str] = []
    with alone_if_free(_folder(lake, name)) as is_alone:
        if is_alone:
            lines += _mend_last_commit(lake, name)
            lines += _mend_files(lake, name, fault)
            remember(lake, lines)
    yield from lines


def _tables(lake: Lake) -> list[str]:
    folder = lake.folder
    return [n for n in TABLES if folder and (folder / n / LOG).is_dir()]


def _folder(lake: Lake, name: str) -> Path:
    assert lake.folder is not None  # nosec: `_tables` names those of folders
    return lake.folder / name


def _mend_last_commit(lake: Lake, name: str) -> Iterator[str]:
    """Set the last commit aside if it is not JSON: part of it was never written."""
    folder = _folder(lake, name)
    commits = sorted((folder / LOG).glob("*.json"))
    if not commits:
        return
    last = commits[-1]
    try:
        if [json.loads(line) for line in last.read_bytes().splitlines()]:
            return
    except ValueError:
        pass
    aside = set_aside(lake, name, last)
    yield (
        f"the last commit of {folder} was damaged and is set aside as {aside}; what it"
        " had is written again from Redis where it waits"
    )


def _mend_files(lake: Lake, name: str, fault: Fault) -> Iterator[str]:
    damaged = [(file, why) for file in _files(lake, name) if (why := fault(file))]
    if not damaged:
        return
    for file, why in damaged:
        left = ""
        if (path := Path(file.path)).exists():
            left = f"; what is left is {set_aside(lake, name, path)}"
        yield f"{file.path} {why}: it is out of the table, and {lost_with(file)}{left}"
    _opened(lake, name).repair()


def _files(lake: Lake, name: str) -> list[DataFile]:
    """The files that the newest version of a table names. Raises DamagedLakeError."""
    return files_of(_opened(lake, name))


def _opened(lake: Lake, name: str) -> DeltaTable:
    try:
        return lake.snapshot(name)
    except DeltaError as error:
        raise DamagedLakeError(
            f"the log of the lake's table {lake.address(name)} cannot be read"
            f" ({' '.join(str(error).split())})",
            "restore the lake from a backup, or rebuild the log from the files:"
            " page-tracker recover",
        ) from error


def fault_of(file: DataFile) -> str:
    """The fault that can be found without reading the whole file."""
    try:
        found = Path(file.path).stat().st_size
        if found != file.size:
            return f"has {found} bytes instead of {file.size}"
        with open(file.path, "rb") as opened:
            head = opened.read(len(MAGIC))
            opened.seek(-len(MAGIC), 2)
            if head != MAGIC or opened.read() != MAGIC:
                return "is no Parquet"
    except FileNotFoundError:
        return "is missing"
    return ""


def _fault_in(unreadable: Mapping[str, str], file: DataFile) -> str:
    return unreadable.get(file.path, "")


def _fault_within(file: DataFile) -> str:
    """The fault that reading all of it finds; none if memory or disk fail."""
    try:
        with engine() as connection:
            rows_in(connection, [file.path]).create_view("part")
            connection.sql("SELECT sum(hash(part)) FROM part").fetchall()
    except OSError as error:
        if "Out of Memory" not in str(error) and Path(file.path).exists():
            return f"cannot be read ({' '.join(str(error).split())[:200]})"
    return ""


def lost_with(file: DataFile) -> str:
    """What was lost with a file, and who has it."""
    return (
        f"with it {counted(file.rows, 'row')} of {file.first} to {file.last};"
        " a backup of the lake has them"
    )


def set_aside(lake: Lake, name: str, path: Path) -> Path:
    """Move a table's file to a place where it overwrites nothing; returns the place."""
    folder = _folder(lake, name).parent / DAMAGED / name
    folder.mkdir(parents=True, exist_ok=True)
    aside = unused(folder / path.name)
    path.rename(aside)
    return aside


def remember(lake: Lake, lines: list[str]) -> None:
    """Keep what was reported, for `page-tracker doctor`; each line once."""
    if lines and lake.folder:
        book = lake.folder / DAMAGED / REPORTED
        book.parent.mkdir(exist_ok=True)
        known = book.read_text("utf-8").splitlines() if book.exists() else []
        with book.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines if line not in known)
