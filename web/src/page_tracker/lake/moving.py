"""A lake copied to another place, while it is written to.

    data files that the newest version of each table names, again until few are new
      → its log: only now it is a table there
      → the same for what has come meanwhile, until the copy is whole

Files never change, and a table's log has their names and all transactions of writers
and imports: so who writes to the copy goes on exactly where the last commit has ended.
What is merged or deleted at the source meanwhile is no longer needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import NamedTuple

from deltalake import DeltaTable

from page_tracker.errors import LakeError
from page_tracker.lake.commit_retries import repeated
from page_tracker.lake.data_files import DataFile, files_of
from page_tracker.lake.place import place_of
from page_tracker.lake.table import TABLES, Lake, touching
from page_tracker.lake.table_log import LOG

# In a place that a lake is being moved to: from where.
MOVING = "moving.json"
# Files are held in memory, and have 256 MB at most.
AT_ONCE = 2
# Copying while nothing has to wait ends when so few files are new.
FEW = 20

_OF_LOG = re.compile(r"\d{20}\.[\w.-]+")
_LAST_CHECKPOINT = "_last_checkpoint"


class TargetLakeError(LakeError):
    """A lake cannot be moved to a place."""


class Left(NamedTuple):
    """What is left to copy of a table, by the newest version."""

    table: str
    files: int
    bytes: int


Watch = Callable[[Left], None]


def begin(source: Lake, target: Lake) -> None:
    """Take a place for a copy of a lake: an empty one, or one where this was begun.

    Raises TargetLakeError, LakeLogGoneError, OSError.
    """
    if _is_within(source, target) or _is_within(target, source):
        raise TargetLakeError(
            f"{source.uri} and {target.uri} lie in one another",
            "name a place beside it",
        )
    for name in _tables(source):
        source.snapshot(name)
    place = place_of(target)
    try:
        begun = json.loads(place.read(MOVING))["from"]
    except FileNotFoundError:
        if any(not name.startswith("locks/") for name in place.sizes()):
            raise TargetLakeError(
                f"{target.uri} is not empty", "name a place with nothing in it"
            ) from None
        place.put(MOVING, json.dumps({"from": source.uri}).encode())
        return
    if begun != source.uri:
        raise TargetLakeError(
            f"a move from {begun} to {target.uri} was begun and not finished",
            "finish that one, or name another place",
        )


def is_moving(target: Lake) -> bool:
    """Whether a copy was begun there and is not complete."""
    try:
        place_of(target).read(MOVING)
    except FileNotFoundError:
        return False
    return True


def copy_most(source: Lake, target: Lake, watch: Watch) -> None:
    """Copy data files until only few of them are new. Raises LakeError, OSError."""
    while (
        sum(_copy_data(source, target, each, watch) for each in _tables(source)) > FEW
    ):
        pass


def copy_rest(source: Lake, target: Lake, watch: Watch) -> None:
    """Make the copy whole, as of now at least. Raises LakeError, OSError."""
    for name in _tables(source):
        while True:
            while _copy_data(source, target, name, watch):
                pass
            if _copy_log(source, target, name) and _is_whole(target, name):
                break
        keep_for_long_enough(target, name)


def end(target: Lake) -> None:
    """Note that a copy is complete."""
    place_of(target).delete(MOVING)


def _is_within(inner: Lake, outer: Lake) -> bool:
    """Whether a lake lies in another one's folder, or is that one."""
    return PurePosixPath(_resolved(inner)).is_relative_to(_resolved(outer))


def _resolved(lake: Lake) -> str:
    return str(lake.folder.resolve()) if lake.folder else lake.uri


def _tables(lake: Lake) -> list[str]:
    """Those that are there, also if they have lost their log."""
    return [name for name in TABLES if lake.has(name) or lake.has_data(name)]


def _copy_data(source: Lake, target: Lake, name: str, watch: Watch) -> int:
    """Copy the data files of the newest version; returns how many were lacking."""
    table = source.snapshot(name)
    there = place_of(target).sizes(name)
    lacking = _lacking(files_of(table), there, name)
    left = Left(name, len(lacking), sum(lacking.values()))
    watch(left)

    def copy(file: str) -> int:
        return lacking[file] if _copied(source, target, file, lacking[file]) else 0

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for size in pool.map(copy, lacking):
            left = Left(name, left.files - 1, left.bytes - size)
            watch(left)
    return len(lacking)


def _lacking(
    files: list[DataFile], there: Mapping[str, int], name: str
) -> dict[str, int]:
    """The files, by their names, that are not there as they should be: their sizes."""
    found = {f"{name}/{_within_table(file.path)}": file.size for file in files}
    return {file: size for file, size in found.items() if there.get(file) != size}


def _within_table(path: str) -> str:
    """`month=…/….parquet`: a data file's name in its table."""
    return "/".join(path.rsplit("/", 2)[1:])


def _copied(source: Lake, target: Lake, file: str, size: int) -> bool:
    """Copy a data file; False where the source does not need it any more."""
    try:
        content = place_of(source).read(file)
    except FileNotFoundError:
        content = b""
    if len(content) == size:
        place_of(target).put(file, content)
        return True
    name = file.partition("/")[0]
    if file in _lacking(files_of(source.snapshot(name)), {}, name):
        raise LakeError(
            f"{file} of {source.uri} is missing or damaged",
            "page-tracker doctor says what was lost; the writer takes such a file out"
            " of its table: then the same command once more",
        )
    return False


def _copy_log(source: Lake, target: Lake, name: str) -> bool:
    """Copy a table's log; False where it was cleaned up meanwhile."""
    ours, theirs, log = place_of(source), place_of(target), f"{name}/{LOG}"
    try:
        # First: what it names is there when it is read.
        last = ours.read(f"{log}/{_LAST_CHECKPOINT}")
    except FileNotFoundError:
        last = b""
    there = theirs.sizes(log)
    try:
        for file, size in sorted(ours.sizes(log).items()):
            if _OF_LOG.fullmatch(file.rpartition("/")[2]) and there.get(file) != size:
                theirs.put(file, ours.read(file))
    except FileNotFoundError:
        return False
    if last:
        theirs.put(f"{log}/{_LAST_CHECKPOINT}", last)
    return True


def _is_whole(target: Lake, name: str) -> bool:
    files = files_of(target.snapshot(name))
    return not _lacking(files, place_of(target).sizes(name), name)


def keep_for_long_enough(target: Lake, name: str) -> None:
    """Give a table the retention of the place where it is now."""

    def step() -> None:
        table: DeltaTable = target.snapshot(name)
        known = table.metadata().configuration
        if any(known.get(each) != text for each, text in target.retention.items()):
            table.alter.set_table_properties(
                target.retention, commit_properties=touching(table, [])
            )

    repeated(step)
