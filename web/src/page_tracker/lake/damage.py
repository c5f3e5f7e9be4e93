"""What a crash, a disk or a person has damaged in the lake: found at start, told, mended.

last commit unreadable → set aside: the writer makes it again from the stream
file missing, cut short or not Parquet → set aside, and taken out of the table
log unreadable further back → named, with what to do
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from page_tracker.errors import PageTrackerError
from page_tracker.lake.table import TABLES, Lake

MAGIC = b"PAR1"


class DamagedLakeError(PageTrackerError):
    """A table's log cannot be read."""


def mend(lake: Lake) -> Iterator[str]:
    """Set aside what is damaged in a lake that is a folder; a line for each thing.

    Raises DamagedLakeError where a table cannot be opened any more.
    """
    if lake.folder is None:
        return
    for name in TABLES:
        if not (lake.folder / name / "_delta_log").is_dir():
            continue
        if line := _mend_last_commit(lake.folder / name, lake.folder / "damaged"):
            yield line
        try:
            table = lake.snapshot(name)
        except DeltaError as error:
            raise DamagedLakeError(
                f"the log of the lake's table {lake.folder / name} cannot be read"
                f" ({' '.join(str(error).split())})",
                "put the lake back from a backup",
            ) from error
        yield from _mend_files(table, lake.folder / name, lake.folder / "damaged")


def _mend_last_commit(folder: Path, aside: Path) -> str:
    """Set the last commit aside where it is no JSON: half of it was never written."""
    commits = sorted((folder / "_delta_log").glob("*.json"))
    if not commits:
        return ""
    last = commits[-1]
    try:
        actions = [json.loads(line) for line in last.read_bytes().splitlines()]
        if actions:
            return ""
    except ValueError:
        pass
    _set_aside(last, aside)
    return (
        f"the last commit of {folder} was damaged and is set aside as"
        f" {aside / last.name}; what it had is written again from Redis where it waits"
    )


def _mend_files(table: DeltaTable, folder: Path, aside: Path) -> Iterator[str]:
    actions = table.get_add_actions(flatten=True)
    if not actions.num_rows:
        return
    lines = []
    for path, size, rows, first, last in zip(
        *(
            actions[column].to_pylist()
            for column in ("path", "size_bytes", "num_records", "min.day", "max.day")
        ),
        strict=True,
    ):
        if why := _fault(folder / path, size):
            _set_aside(folder / path, aside)
            lines.append(
                f"{folder / path} {why}: it is out of the table, and with it {rows}"
                f" rows of {first} to {last}; a backup of the lake has them"
                + (f"; what is left is in {aside}" if why != "is missing" else "")
            )
    if lines:
        table.repair()
    yield from lines


def _fault(path: Path, size: int) -> str:
    try:
        found = path.stat().st_size
        if found != size:
            return f"has {found} bytes instead of {size}"
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            file.seek(-len(MAGIC), 2)
            if head != MAGIC or file.read() != MAGIC:
                return "is no Parquet"
    except FileNotFoundError:
        return "is missing"
    return ""


def _set_aside(path: Path, aside: Path) -> None:
    aside.mkdir(exist_ok=True)
    if path.exists():
        path.replace(aside / path.name)
