"""A log as blocks of whole lines: from a file, compressed or not, or standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from page_tracker.errors import LogFileError

STANDARD_INPUT = "-"
BLOCK_BYTES = 4 << 20
# No line of a log is longer; a file without any line end is not a log.
MAX_LINE_BYTES = 1 << 20

_PACKED: dict[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MARK = "\ufeff"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error)


class Log:
    """An open log; `read_bytes` is how much of the file itself has been read."""

    def __init__(self, name: str, file: io.BufferedReader) -> None:
        self.name = name
        self._file = file

    @property
    def read_bytes(self) -> int:
        try:
            return self._file.tell()
        except OSError:  # a pipe
            return 0

    def blocks(self) -> Iterator[bytes]:
        """Blocks of whole lines; the last line of the last block may lack its end.

        NULs are left out: a log that was emptied while its server wrote begins with as
        many as it had bytes before. Raises LogFileError if the file is damaged or not a
        text of lines.
        """
        rest = b""
        try:
            text = unpacked(self._file, self.name)
            while piece := text.read(BLOCK_BYTES):
                piece = without_nuls(piece)
                end = piece.rfind(b"\n") + 1
                if end == 0 and len(rest) + len(piece) > MAX_LINE_BYTES:
                    raise LogFileError(
                        f"{self.name} has a line of more than {MAX_LINE_BYTES} bytes",
                        "give an access log, one line a request",
                    )
                if end:
                    whole, rest = rest + piece[:end], piece[end:]
                    del piece  # whoever has the block need not wait beside its copy
                    yield whole
                else:
                    rest += piece
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno:  # of the file, not within
                raise unreadable(self.name, error) from error
            raise LogFileError(
                f"{self.name} is damaged or cut off ({error})",
                "unpack what is left of it, and import that",
            ) from error
        if rest:
            yield rest


def text_of(block: bytes) -> str:
    """The text of a block; bytes that are not UTF-8 become U+FFFD.

    Byte order marks at the beginning, or where several texts were joined, are removed.
    """
    text = without_nuls(block).decode("utf-8", "replace")
    if _MARK not in text:
        return text
    return text.removeprefix(_MARK).replace(f"\n{_MARK}", "\n")


def lines_of(block: bytes) -> list[str]:
    """The lines of a block."""
    return divided(text_of(block))


def divided(text: str) -> list[str]:
    """The lines of a text."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def without_nuls(block: bytes) -> bytes:
    """A block of a log without the bytes that belong to no line."""
    return block.replace(b"\0", b"") if b"\0" in block else block


@contextmanager
def open_log(name: str) -> Iterator[Log]:
    """Open a log by its path, or `-`. Raises LogFileError."""
    if name == STANDARD_INPUT:
        yield Log("standard input", cast(io.BufferedReader, sys.stdin.buffer))
        return
    try:
        if Path(name).is_dir():
            raise LogFileError(f"{name} is a folder", "name the files in it")
        file = open(name, "rb")  # pylint: disable=consider-using-with
    except OSError as error:
        raise unreadable(name, error) from error
    with file:
        yield Log(name, file)


def size_of(name: str) -> int | None:
    """The size of a log in bytes; None if it is not a file that has one."""
    try:
        path = Path(name)
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def unpacked(file: io.BufferedReader, name: str) -> IO[bytes]:
    """The content of a file, whatever it is compressed with. Raises LogFileError."""
    head = file.peek(8)
    if head.startswith(_ZSTANDARD):
        raise LogFileError(
            f"{name} is packed with zstd, which Page Tracker cannot unpack",
            "unpack it on the way: zstdcat … | page-tracker import SITE -",
        )
    if head.startswith(_UTF_16):
        raise LogFileError(
            f"{name} is written in UTF-16",
            "write it in UTF-8 on the way: iconv -f UTF-16 -t UTF-8 … | page-tracker"
            " import SITE -",
        )
    for magic, unpack in _PACKED.items():
        if head.startswith(magic):
            return unpack(file)
    return file


def unreadable(name: str, error: OSError) -> LogFileError:
    """The message for a person whose log cannot be read, by the reason."""
    if isinstance(error, PermissionError):
        folders = reversed(Path(name).absolute().parents)
        closed = next((each for each in folders if not _may_enter(each)), None)
        return LogFileError(
            f"{name} cannot be read: this user may not"
            f" {f'enter the folder {closed}' if closed else 'read it'}",
            "run the command as a user who may, or give this one the right to",
        )
    return LogFileError(
        f"{name} cannot be read ({error.strerror or error})",
        "name a log that is there and may be read, or - for standard input",
    )


def _may_enter(folder: Path) -> bool:
    return os.access(folder, os.X_OK, effective_ids=True)
