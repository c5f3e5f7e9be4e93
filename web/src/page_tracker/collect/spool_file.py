"""Files of batches that wait on disk while their shard of the store is away.

    <data>/spool/<shard>-<milliseconds>-<random>.spool     batches in order
                <the same>.aside      batches that the store will not be given again
                <the same>.damaged    a file that could not be read to its end

A file is read and written by the one process that holds its lock (flock); whoever finds
one that nobody holds, because that process has ended, may take it over.

A record is `batc`, its length and its CRC-32 (both unsigned, 32 bits, little-endian),
then the msgpack of a `SpooledBatch`. It has what the store is given: a visitor is a
keyed hash; there is no address, no user agent and no salt.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import struct
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from page_tracker.errors import PageTrackerError
from page_tracker.files import append_synced, held_if_free, new_held_file, sync
from page_tracker.hits.hit import Drop, Hit
from page_tracker.store.ingest import Batch

WAITING, ASIDE, DAMAGED = ".spool", ".aside", ".damaged"
# Bytes of the file system that are left to others.
RESERVE = 64_000_000
# So many bytes are read at once.
READ_AT_ONCE = 1_000_000

_MARK = b"batc"
_HEAD = struct.Struct("<4sII")

logger = logging.getLogger(__name__)


class SpoolFullError(PageTrackerError):
    """The spool has no room for a batch; nothing was written."""


class SpooledBatch(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a batch; append fields at the end only."""

    queue: str
    number: int
    # When it was put together, in microseconds since 1970.
    moment: int
    hits: list[Hit]
    drops: list[Drop]


class SpoolState(NamedTuple):
    """What lies in a spool."""

    # Bytes that wait, and since when (seconds since 1970; None if none do).
    waiting: int = 0
    since: float | None = None
    # Files that somebody has to look at.
    others: Sequence[Path] = ()

    @property
    def notice(self) -> str | None:
        """That hits wait, for people; None if none do."""
        if self.since is None:
            return None
        return f"{self.waiting / 1e6:.1f} MB of hits wait on disk for Redis"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SpooledBatch).decode


class SpoolFolder:
    """The folder of all spool files of a data folder; created when first needed."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self._most_bytes = most_bytes

    def new_file(self, shard: int) -> SpoolFile:
        """Begin a file. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{shard}-{time.time_ns() // 1_000_000}-{secrets.token_hex(4)}"
        path = self.path / f"{name}{WAITING}"
        return SpoolFile(path, new_held_file(path))

    def left_behind(self, shard: int) -> SpoolFile | None:
        """Take over the oldest file of a shard that no process holds."""
        for path in sorted(self.path.glob(f"{shard}-*-*{WAITING}"), key=_begun):
            descriptor = held_if_free(path)
            if descriptor is not None:
                return SpoolFile(path, descriptor)
        return None

    def require_room(self, size: int) -> None:
        """Raise SpoolFullError if so many bytes are more than the folder may have."""
        used = sum(map(_size, self.path.iterdir()))
        if used + size > self._most_bytes:
            raise SpoolFullError(
                f"the spool {self.path} is full ({used // 1_000_000} MB)",
                "check that Redis is back, or raise PAGE_TRACKER_MOST_IN_SPOOL",
            )
        if shutil.disk_usage(self.path).free < RESERVE + size:
            raise SpoolFullError(
                f"the disk of the spool {self.path} is full", "make room there"
            )

    def state(self) -> SpoolState:
        """What lies there, whoever holds it."""
        files = sorted(self.path.glob("*-*-*.*"), key=_begun)
        waiting = [path for path in files if path.suffix == WAITING]
        return SpoolState(
            sum(map(_size, waiting)),
            _begun(waiting[0]) if waiting else None,
            [path for path in files if path.suffix in (ASIDE, DAMAGED)],
        )


class SpoolFile:
    """One file of batches, held by this process; to be appended to and read at once.

    Methods raise OSError.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self._settled = 0
        self._end = os.fstat(descriptor).st_size
        self._is_damaged = False

    def append(self, batch: Batch, folder: SpoolFolder) -> None:
        """Add a batch; it is on disk when this returns. Raises SpoolFullError."""
        content = _encode(
            SpooledBatch(
                batch.id.queue,
                batch.id.number,
                batch.moment,
                list(batch.hits),
                list(batch.drops),
            )
        )
        folder.require_room(_HEAD.size + len(content))
        self._end = append_synced(self._file.fileno(), self._end, _record(content))

    @property
    def is_empty(self) -> bool:
        """Whether it never had a batch."""
        return self._end == 0

    @property
    def is_settled(self) -> bool:
        """Whether all that the file has was marked by `settled`."""
        return self._settled == self._end

    def settled(self, end: int) -> None:
        """Mark what lies before `end` as done with."""
        self._settled = end

    def read(self) -> list[tuple[SpooledBatch, int]]:
        """The next batches, each with where it ends.

        What cannot be read is reported, and counts as settled; `remove` keeps it.
        """
        begin, end = self._settled, self._end
        content = os.pread(self._file.fileno(), min(READ_AT_ONCE, end - begin), begin)
        if len(content) < _size_of_first(content) <= end - begin:
            content = os.pread(self._file.fileno(), _size_of_first(content), begin)
        batches = [(batch, begin + at) for batch, at in _batches_in(content)]
        if content and not batches:
            self._pass_over_the_rest()
        return batches

    def set_aside(self, batch: SpooledBatch) -> Path:
        """Keep a batch that will not be stored; returns the file that has it."""
        path = self.path.with_suffix(ASIDE)
        with path.open("ab") as file:
            append_synced(file.fileno(), file.tell(), _record(_encode(batch)))
        sync(path.parent)
        return path

    def remove(self) -> None:
        """Delete the file, or keep it under another name if it is damaged."""
        if self._is_damaged:
            self.path.rename(self.path.with_suffix(DAMAGED))
        else:
            self.path.unlink()
        self.release()

    def release(self) -> None:
        """Leave the file to others, if that is not done yet."""
        self._file.close()

    def _pass_over_the_rest(self) -> None:
        rest = os.pread(self._file.fileno(), self._end - self._settled, self._settled)
        if _is_cut(rest):
            logger.warning(
                "%s ends with %d bytes of a batch that was never acknowledged; they are"
                " cut off",
                self.path,
                len(rest),
            )
        else:
            self._is_damaged = True
            logger.error(
                "%s is damaged; its last %d bytes could not be stored, and the file is"
                " kept as %s",
                self.path,
                len(rest),
                self.path.with_suffix(DAMAGED).name,
            )
        self._settled = self._end


def _record(content: bytes) -> bytes:
    return _HEAD.pack(_MARK, len(content), crc32(content)) + content


def _size_of_first(content: bytes) -> int:
    """How many bytes the first record has, by its head; 0 if that is cut off."""
    if len(content) < _HEAD.size:
        return 0
    return _HEAD.size + int(_HEAD.unpack_from(content)[1])


def _batches_in(content: bytes) -> Iterator[tuple[SpooledBatch, int]]:
    """The batches up to one that is not whole and sound, and where each ends. Pure."""
    at = 0
    while len(content) >= at + _HEAD.size:
        mark, length, checksum = _HEAD.unpack_from(content, at)
        record = content[at + _HEAD.size : at + _HEAD.size + length]
        if mark != _MARK or len(record) < length or crc32(record) != checksum:
            return
        try:
            batch = _decode(record)
        except msgspec.DecodeError:
            return
        at += _HEAD.size + length
        yield batch, at


def _is_cut(rest: bytes) -> bool:
    """Whether this is no more than the beginning of one record. Pure."""
    is_begun = _MARK.startswith(rest[: len(_MARK)])
    return (
        is_begun
        and _MARK not in rest[1:]
        and (len(rest) < _HEAD.size or _size_of_first(rest) > len(rest))
    )


def _begun(path: Path) -> float:
    """When a file was begun, in seconds since 1970."""
    return int(path.name.split("-")[1]) / 1000


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # its process has just deleted it
        return 0
