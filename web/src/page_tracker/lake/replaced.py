"""Which files took the place of which: noted beside the tables, for a lost log.

    a commit took files out of a table → a note of them, and of those that it added
      → a log is lost: files that were replaced are told by it, whatever their times
      → the note goes with its files

    <lake>/replaced/<table>/<the first file that was replaced>.json

Files say nothing of it themselves, and their times are no witness: a bucket's have
whole seconds, and a copy may have its own. Of the tables that are made from the hits
nothing is noted.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from deltalake import DeltaTable

from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.place import Place, place_of
from page_tracker.lake.table_log import commit_name

if TYPE_CHECKING:
    from page_tracker.lake.table import Lake

REPLACED = "replaced"


class Replacement(msgspec.Struct, frozen=True):
    """Files of a table, and those that have their rows since, but for deleted ones."""

    files: tuple[str, ...]
    by: tuple[str, ...]


@contextmanager
def noted(lake: Lake, name: str) -> Iterator[DeltaTable]:
    """A table as it is now, of which is noted what the block replaces in it.

    Raises OSError after the block if that cannot be done; what it did stays done.
    """
    table = lake.snapshot(name)
    known = table.version()
    try:
        yield table
    finally:  # also where it fails after its commit
        if name not in OF_CLOSED_DAYS:
            for version in range(known + 1, table.version() + 1):
                _note(lake, name, version)


def _note(lake: Lake, name: str, version: int) -> None:
    commit = b""
    with suppress(FileNotFoundError):  # a clean-up of the log has just removed it
        (commit,) = lake.log(name).read_all([commit_name(version)])
    actions = [json.loads(line) for line in commit.splitlines()]
    found = Replacement(_paths(actions, "remove"), _paths(actions, "add"))
    if found.files:
        place_of(lake).put(_place_of_note(name, found), msgspec.json.encode(found))


def _paths(actions: list[dict[str, Any]], kind: str) -> tuple[str, ...]:
    return tuple(sorted(unquote(a[kind]["path"]) for a in actions if kind in a))


def _place_of_note(name: str, found: Replacement) -> str:
    return f"{REPLACED}/{name}/{PurePosixPath(found.files[0]).stem}.json"


def replacements(place: Place, name: str) -> list[Replacement]:
    """What is noted of a table. Raises OSError."""
    found = []
    for file in place.sizes(f"{REPLACED}/{name}"):
        if file.endswith(".json"):
            with suppress(FileNotFoundError, msgspec.DecodeError):
                found.append(msgspec.json.decode(place.read(file), type=Replacement))
    return found


def forget_gone(lake: Lake, name: str, table: DeltaTable) -> None:
    """Delete the notes of which no replaced file is left; needs the table alone.

    A file that the table has was not replaced: that commit was lost with the power.
    """
    place = place_of(lake)
    if notes := replacements(place, name):
        root = table.table_uri.rstrip("/")
        counting = {uri.removeprefix(f"{root}/") for uri in table.file_uris()}
        there = {file.partition("/")[2] for file in place.sizes(name)} - counting
        for each in notes:
            if there.isdisjoint(each.files):
                place.delete(_place_of_note(name, each))


def out_of_place(notes: Collection[Replacement], there: Collection[str]) -> set[str]:
    """The files that others have replaced that are all there, or were replaced so
    themselves. Pure."""
    gone: set[str] = set()
    while True:
        having = {*there, *gone}
        found = {
            file for each in notes if having.issuperset(each.by) for file in each.files
        }
        if found <= gone:
            return gone
        gone |= found
