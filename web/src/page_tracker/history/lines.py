"""A log as blocks of whole lines: from a file, packed or not, or from standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from page_tracker.errors import LogFileError

STANDARD_INPUT = "-"
BLOCK_BYTES = 4 << 20
# No line of a log is longer; a file without any line end is no log.
LONGEST_LINE = 1 << 20

_PACKED: dict[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_BROKEN = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class Log:
    """An open log; `read_bytes` is how much of the file itself has been read."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._file = file

    @property
    def read_bytes(self) -> int:
        try:
            return self._file.tell()
        except OSError:  # a pipe
            return 0

    def blocks(self) -> Iterator[bytes]:
        """Blocks of whole lines; the last line of the last one may have no end.

        Raises LogFileError where the file is damaged or is no text of lines.
        """
        rest = b""
        try:
            unpacked = _unpacked(self._file, self.name)
            while piece := unpacked.read(BLOCK_BYTES):
                end = piece.rfind(b"\n") + 1
                if end == 0 and len(rest) + len(piece) > LONGEST_LINE:
                    raise LogFileError(
                        f"{self.name} has a line of more than {LONGEST_LINE} bytes",
                        "give an access log, one line a request",
                    )
                if end:
                    yield rest + piece[:end]
                    rest = piece[end:]
                else:
                    rest += piece
        except _BROKEN as error:
            raise LogFileError(
                f"{self.name} is damaged or cut off ({error})",
                "unpack what is left of it, and import that",
            ) from error
        except OSError as error:
            raise _unreadable(self.name, error) from error
        if rest:
            yield rest


@contextmanager
def open_log(name: str) -> Iterator[Log]:
    """Open a log by its path, or `-`. Raises LogFileError."""
    if name == STANDARD_INPUT:
        yield Log("standard input", cast(BinaryIO, sys.stdin.buffer))
        return
    try:
        if Path(name).is_dir():
            raise LogFileError(f"{name} is a folder", "name the files in it")
        file = open(name, "rb")  # pylint: disable=consider-using-with
    except OSError as error:
        raise _unreadable(name, error) from error
    with file:
        yield Log(name, cast(BinaryIO, file))


def _unpacked(file: BinaryIO, name: str) -> IO[bytes]:
    buffered = io.BufferedReader(cast(io.RawIOBase, file), BLOCK_BYTES)
    head = buffered.peek(8)
    if head.startswith(_ZSTANDARD):
        raise LogFileError(
            f"{name} is packed with zstd, which Page Tracker cannot unpack",
            "unpack it on the way: zstdcat … | page-tracker import SITE -",
        )
    for magic, unpack in _PACKED.items():
        if head.startswith(magic):
            return unpack(cast(BinaryIO, buffered))
    return buffered


def _unreadable(name: str, error: OSError) -> LogFileError:
    return LogFileError(
        f"{name} cannot be read ({error.strerror or error})",
        "name a log that is there and may be read, or - for standard input",
    )
