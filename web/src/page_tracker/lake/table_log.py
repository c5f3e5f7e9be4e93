"""A table's log: the transactions of many applications, and the last commits.

deltalake reads the log again for each application that it is asked about. The log
consists of JSON files, one for each commit, and now and then a Parquet file that sums
up everything so far: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from deltalake import DeltaTable

from page_tracker.lake.duckdb_connection import engine, reading_files
from page_tracker.lake.place import FolderPlace

if TYPE_CHECKING:
    import duckdb

# The folder of a table's log, within the table's own.
LOG = "_delta_log"

# From this many applications on, an engine is worth its start.
MANY = 16
# How many commits are searched for the days that they touched: those of some minutes,
# with a shard for each processor of a large machine.
MAX_COMMITS = 5_000

# The names of a log's files that have its actions; each begins with a version.
COMMIT = re.compile(r"\d{20}\.json")
CHECKPOINT = re.compile(r"\d+\.checkpoint\.parquet")


class Log(Protocol):
    """The files of a table's log, by their names. Methods raise OSError."""

    def names(self) -> Iterable[str]:
        """Those of all files; none where there is no log."""

    def sizes(self) -> Mapping[str, int]:
        """All files, with their sizes in bytes."""

    def tags(self, after: str = "") -> Mapping[str, str]:
        """The files whose names come later, each with what changes with its content."""

    def read_all(self, names: Iterable[str]) -> Iterable[bytes]:
        """The contents of files, in the order of their names."""

    def copy_to(self, name: str, path: Path) -> None:
        """Write a file's content to a path."""


class FolderLog(msgspec.Struct, frozen=True):
    """A log in a folder."""

    folder: Path

    def names(self) -> Iterable[str]:
        return [path.name for path in self.folder.glob("*")]

    def sizes(self) -> Mapping[str, int]:
        return {path.name: path.stat().st_size for path in self.folder.iterdir()}

    def tags(self, after: str = "") -> Mapping[str, str]:
        return FolderPlace(self.folder).tags(after)

    def read_all(self, names: Iterable[str]) -> Iterable[bytes]:
        return ((self.folder / name).read_bytes() for name in names)

    def copy_to(self, name: str, path: Path) -> None:
        shutil.copyfile(self.folder / name, path)


def has_begun(log: Log) -> bool:
    """Whether a log has anything. Raises OSError.

    deltalake's own answer keeps all threads waiting until a bucket has given it.
    """
    names = log.names()
    return any(COMMIT.fullmatch(each) or CHECKPOINT.fullmatch(each) for each in names)


def commit_name(version: int) -> str:
    """The name of one commit's file in a log."""
    return f"{version:020d}.json"


# Reads a log's checkpoint of a name: the last transactions of applications up to it.
# Raises OSError.
ReadCheckpoint = Callable[[Log, str], dict[str, int]]


@contextmanager
def checkpoint_reader() -> Iterator[ReadCheckpoint]:
    """What reads any number of checkpoints by one engine, which the first one starts:
    it takes as long as most of them."""
    with ExitStack() as stack:
        started: list[duckdb.DuckDBPyConnection] = []

        def read(log: Log, name: str) -> dict[str, int]:
            if not started:
                started.append(stack.enter_context(engine()))
            return _checkpointed(started[0], log, name)

        yield read


def _read_checkpoint(log: Log, name: str) -> dict[str, int]:
    with checkpoint_reader() as read:
        return read(log, name)


def transactions(
    log: Log,
    snapshot: DeltaTable,
    applications: Sequence[str],
    read: ReadCheckpoint = _read_checkpoint,
) -> dict[str, int]:
    """The number of each application's last transaction, if it made one."""
    if len(applications) >= MANY:
        # If the log was cleaned up since, or others wrote it in another form, deltalake
        # is asked about each application.
        with suppress(OSError, ValueError):
            found = all_transactions(log, snapshot, read)
            return {name: found[name] for name in applications if name in found}
    asked = {name: snapshot.transaction_version(name) for name in applications}
    return {name: number for name, number in asked.items() if number is not None}


def all_transactions(
    log: Log, snapshot: DeltaTable, read: ReadCheckpoint = _read_checkpoint
) -> dict[str, int]:
    """Every application's last transaction.

    Raises OSError or ValueError where the log does not have them all any more.
    """
    version = snapshot.version()
    checkpoints = {
        int(name.partition(".")[0]): name
        for name in log.sizes()
        if CHECKPOINT.fullmatch(name)
    }
    first = max((number for number in checkpoints if number <= version), default=-1)
    found = read(log, checkpoints[first]) if first >= 0 else {}
    for commit in log.read_all(map(commit_name, range(first + 1, version + 1))):
        found |= committed(commit)
    return found


def touched_since(log: Log, hits: DeltaTable, version: int) -> set[int] | None:
    """The days, since 1970, that the commits after a version touched.

    None if that can no longer be known.
    """
    if not 0 <= hits.version() - version <= MAX_COMMITS:
        return None
    commits = map(commit_name, range(version + 1, hits.version() + 1))
    try:
        touched = [_info_of(commit).get("days") for commit in log.read_all(commits)]
    except (OSError, ValueError):  # The log was cleaned up since.
        return None
    if None in touched:
        return None
    return {day for days in touched for day in _numbers(days)}


def _info_of(commit: bytes) -> dict[str, Any]:
    """What a commit says of itself. Raises ValueError."""
    for line in commit.splitlines():
        if b'"commitInfo"' in line:
            info: dict[str, Any] = json.loads(line).get("commitInfo", {})
            return info
    return {}


def _numbers(days: Any) -> list[int]:
    """Days as a commit has them: a list, or the list's text."""
    if isinstance(days, str):
        return [int(part) for part in days.strip("[]").split(",") if part.strip()]
    return [int(day) for day in days]


def _checkpointed(
    connection: duckdb.DuckDBPyConnection, log: Log, name: str
) -> dict[str, int]:
    with TemporaryDirectory(prefix="page-tracker-") as folder, reading_files():
        checkpoint = Path(folder) / name
        log.copy_to(name, checkpoint)
        rows = connection.execute(
            "SELECT txn.appId, txn.version FROM read_parquet($file)"
            " WHERE txn.appId IS NOT NULL",
            {"file": str(checkpoint)},
        )
        return dict(rows.fetchall())


def committed(commit: bytes) -> dict[str, int]:
    """The transactions of one commit. Raises ValueError."""
    actions = [json.loads(line) for line in commit.splitlines() if b'"txn"' in line]
    found = [action["txn"] for action in actions if "txn" in action]
    return {each["appId"]: each["version"] for each in found}
