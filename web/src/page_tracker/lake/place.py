"""Where files lie by their names: below a folder, or in a bucket (`Bucket` is a place).

A lake's files have the same names wherever it lies, so a copy of all of them is it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from page_tracker.files import READABLE, replace_file

if TYPE_CHECKING:  # it loads Delta
    from page_tracker.lake.table import Lake


class Place(Protocol):
    """Methods raise FileNotFoundError for a file that is not there, and OSError."""

    @property
    def uri(self) -> str: ...

    def sizes(self, within: str = "") -> Mapping[str, int]:
        """The files below a folder with their sizes in bytes."""

    def tags(self, after: str = "") -> Mapping[str, str]:
        """The files at its top, each with what changes with its content; those whose
        names come later."""

    def read(self, name: str) -> bytes:
        """The content of a file."""

    def put(self, name: str, content: bytes) -> None:
        """Store a file, whether there was one of this name or not."""

    def delete(self, name: str) -> None:
        """Delete a file."""


class FolderPlace(msgspec.Struct, frozen=True):
    """What lies below a folder, which need not be there yet."""

    folder: Path
    mode: int = READABLE

    @property
    def uri(self) -> str:
        return str(self.folder)

    def sizes(self, within: str = "") -> Mapping[str, int]:
        return {
            str(path.relative_to(self.folder)): path.stat().st_size
            for path in (self.folder / within).rglob("*")
            if path.is_file()
        }

    def tags(self, after: str = "") -> Mapping[str, str]:
        found = {}
        for path in self.folder.glob("*"):
            if path.name > after and path.is_file():
                with suppress(FileNotFoundError):  # it has just gone
                    stat = path.stat()
                    found[path.name] = f"{stat.st_ino}-{stat.st_mtime_ns}"
        return found

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content, self.mode)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()


def place_of(lake: Lake) -> Place:
    """Where a lake's files lie."""
    return lake.copies.bucket if lake.copies else FolderPlace(Path(lake.uri))
