"""A table's log: the transactions of many applications, and the last commits.

deltalake reads the log again for each application that it is asked about. The log
consists of JSON files, one for each commit, and now and then a Parquet file that sums
up everything so far: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from page_tracker.lake.duckdb_connection import engine
from page_tracker.lake.lock import folder_of

# The folder of a table's log, within the table's own.
LOG = "_delta_log"

# From this many applications on, an engine is worth its start.
MANY = 16
# How many commits are searched for the days that they touched: those of some minutes,
# with a shard for each processor of a large machine.
MAX_COMMITS = 5_000


def commit_path(folder: Path, version: int) -> Path:
    """The file of one commit to the table in a folder."""
    return folder / LOG / f"{version:020d}.json"


def transactions(snapshot: DeltaTable, applications: Sequence[str]) -> dict[str, int]:
    """The number of each application's last transaction, if it made one."""
    folder = folder_of(snapshot)
    if folder is not None and len(applications) >= MANY:
        # If the log was cleaned up since, or others wrote it in another form, deltalake
        # is asked about each application.
        with suppress(OSError, ValueError):
            found = _all(folder, snapshot.version())
            return {name: found[name] for name in applications if name in found}
    asked = {name: snapshot.transaction_version(name) for name in applications}
    return {name: number for name, number in asked.items() if number is not None}


def all_transactions(snapshot: DeltaTable) -> dict[str, int]:
    """Every application's last transaction; empty on object storage.

    Raises OSError or ValueError if the log was cleaned up since.
    """
    folder = folder_of(snapshot)
    return _all(folder, snapshot.version()) if folder else {}


def touched_since(hits: DeltaTable, version: int) -> set[int] | None:
    """The days, since 1970, that the commits after a version touched.

    None if that can no longer be known. Raises DeltaError.
    """
    commits = hits.version() - version
    if not 0 <= commits <= MAX_COMMITS:
        return None
    if (folder := folder_of(hits)) is not None:
        numbers = range(version + 1, hits.version() + 1)
        try:
            infos = [_info_of(commit_path(folder, number)) for number in numbers]
        except (OSError, ValueError):  # The log was cleaned up since.
            return None
    else:
        infos = hits.history(commits) if commits else []
    touched = [commit.get("days") for commit in infos]
    if len(infos) < commits or None in touched:
        return None
    return {day for days in touched for day in _numbers(days)}


def _info_of(commit: Path) -> dict[str, Any]:
    """What a commit says of itself. Raises OSError or ValueError."""
    with commit.open(encoding="utf-8") as file:
        for line in file:
            if '"commitInfo"' in line:
                info: dict[str, Any] = json.loads(line).get("commitInfo", {})
                return info
    return {}


def _numbers(days: Any) -> list[int]:
    """Days as a commit has them: a list, or the list's text."""
    if isinstance(days, str):
        return [int(part) for part in days.strip("[]").split(",") if part.strip()]
    return [int(day) for day in days]


def _all(folder: Path, version: int) -> dict[str, int]:
    """The transactions of all applications up to a version.

    Raises OSError or ValueError where the log does not have them all.
    """
    checkpoints = {
        int(path.name.partition(".")[0]): path
        for path in (folder / LOG).glob("*[0-9].checkpoint.parquet")
    }
    first = max((number for number in checkpoints if number <= version), default=-1)
    found = _checkpointed(checkpoints[first]) if first >= 0 else {}
    for number in range(first + 1, version + 1):
        found |= _committed(commit_path(folder, number))
    return found


def _checkpointed(checkpoint: Path) -> dict[str, int]:
    with engine() as connection:
        rows = connection.execute(
            "SELECT txn.appId, txn.version FROM read_parquet($file)"
            " WHERE txn.appId IS NOT NULL",
            {"file": str(checkpoint)},
        )
        return dict(rows.fetchall())


def _committed(commit: Path) -> dict[str, int]:
    lines = commit.read_text("utf-8").splitlines()
    actions = [json.loads(line) for line in lines if '"txn"' in line]
    found = [action["txn"] for action in actions if "txn" in action]
    return {each["appId"]: each["version"] for each in found}
