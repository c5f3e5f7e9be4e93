"""The end of a growing log, through rotations, truncations, restarts.

A log is identified by its inode and the digest of its beginning, so that it is found
again if it was renamed, copied or compressed meanwhile. After a rotated log comes the
next younger one beside it, and in the end the log with that name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO

import msgspec

from page_tracker.errors import LogFileError
from page_tracker.history.lines import MAX_LINE_BYTES, unpacked, unreadable

HEAD_BYTES = 1024
CHUNK_BYTES = 256 << 10
# How often a renamed log is looked at without new lines before it is left.
QUIET_LOOKS = 4


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log has been read, and which one it was."""

    inode: int
    offset: int
    head: str = ""
    head_length: int = 0


class Tail:
    """Reads whole lines as they arrive; `spot` is where the last ones ended."""

    # pylint: disable=attribute-defined-outside-init  # `_open` sets them, for each file

    def __init__(self, path: Path, spot: Spot | None) -> None:
        """Begin at the present end, or at `spot`. Raises LogFileError."""
        self.path = path
        self._file: IO[bytes]
        self._is_named = True
        self._quiet = 0
        self.is_lost = False
        try:
            self._begin(spot)
        except OSError as error:
            raise unreadable(str(path), error) from error

    def _begin(self, spot: Spot | None) -> None:
        if spot is None:
            self._open(self.path, 0)
            self._go_to(self._end_of_lines())
            return
        for path in (self.path, *self._others()):
            if _is_at(path, spot):
                self._open(path, spot.offset)
                return
        # Neither it nor a copy exists any more.
        self.is_lost = spot.offset > 0
        self._open(self.path, 0)

    def _open(self, path: Path, offset: int) -> None:
        file = open(path, "rb")  # pylint: disable=consider-using-with
        self._inode = os.fstat(file.fileno()).st_ino
        self._modified = os.fstat(file.fileno()).st_mtime
        self._file = unpacked(file, str(path))
        self._is_named = path == self.path
        self._opened = path
        self._go_to(offset)

    def _end_of_lines(self) -> int:
        """Where the last complete line ends."""
        end = self._file.seek(0, os.SEEK_END)
        start = max(0, end - MAX_LINE_BYTES)
        self._file.seek(start)
        return start + self._file.read(end - start).rfind(b"\n") + 1

    @property
    def spot(self) -> Spot:
        return Spot(
            inode=self._inode,
            offset=self._offset,
            head=self._head,
            head_length=self._head_length,
        )

    def read(self, until: int | None = None) -> bytes:
        """The next whole lines, or all up to the offset `until`; empty: none so far."""
        if self._begins_otherwise():  # it was truncated and rewritten
            self._go_to(0)
        self._file.seek(self._offset)
        if until is not None:
            return self._file.read(until - self._offset)
        found = self._file.read(CHUNK_BYTES)
        while found and not found.strip(b"\0"):  # a hole left by truncating
            self.advance(len(found))
            self._file.seek(self._offset)
            found = self._file.read(CHUNK_BYTES)
        lines = found[: found.rfind(b"\n") + 1]
        if not lines and len(found) == CHUNK_BYTES:  # no line of a log is this long
            return found[: len(found) - len(found.lstrip(b"\0"))] or found
        return lines

    def before(self, most: int) -> bytes:
        """The last whole lines before `spot`, up to this many bytes."""
        start = max(0, self._offset - most)
        self._file.seek(start)
        found = self._file.read(self._offset - start)
        return found if start == 0 else found.partition(b"\n")[2]

    def advance(self, length: int) -> None:
        """Mark those bytes as read: `spot` moves behind them."""
        self._go_to(self._offset + length)

    def turn(self) -> bool:
        """At the end of the content: go on with the log that came after this one.

        False if there is none yet. A log that was renamed is read until it has been
        quiet for a while: the server may still be writing to it.
        """
        if not self._is_named:
            self._continue_with(self._successor())
            return True
        try:
            is_renamed = self.path.stat().st_ino != self._inode
        except OSError:
            return False
        self._quiet = self._quiet + 1 if is_renamed else 0
        if self._quiet <= QUIET_LOOKS:
            return False
        self._continue_with(self.path)
        return True

    def _go_to(self, offset: int) -> None:
        self._offset = offset
        self._quiet = 0
        self._head_length = min(HEAD_BYTES, offset)
        self._head = _head(self._file, self._head_length)

    def _begins_otherwise(self) -> bool:
        return _head(self._file, self._head_length) != self._head

    def _continue_with(self, path: Path) -> None:
        self._file.close()
        self._open(path, 0)

    def _successor(self) -> Path:
        """The next younger log beside the one that has been read."""
        others = [*self._others(), self.path]
        changed = [(_modified(each), each) for each in others if each != self._opened]
        younger = [each for each in changed if each[0] > self._modified]
        return min(younger)[1] if younger else self.path

    def _others(self) -> Iterator[Path]:
        """Rotated logs beside this one: access.log.1, access.log-20260101.gz …"""
        names = self.path.parent.glob(f"{_escaped(self.path.name)}?*")
        return iter(sorted(each for each in names if each.is_file()))

    def close(self) -> None:
        self._file.close()


def _is_at(path: Path, spot: Spot) -> bool:
    """Whether a file is the log that was read up to this spot."""
    try:
        with open(path, "rb") as file, unpacked(file, str(path)) as text:
            if spot.head_length == 0:
                return os.fstat(file.fileno()).st_ino == spot.inode
            if _head(text, spot.head_length) != spot.head:
                return False
            text.seek(spot.offset - 1)
            return len(text.read(1)) == 1
    except (OSError, EOFError, LogFileError):
        return False


def _modified(path: Path) -> float:
    """When a file was last written to; long ago, if it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _head(file: IO[bytes], length: int) -> str:
    file.seek(0)
    return blake2b(file.read(length), digest_size=16).hexdigest()


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
