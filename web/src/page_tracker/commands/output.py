"""Standard input, output and errors, as our commands use them.

Output that cannot be written is our OutputError, wherever it is noticed.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO, cast

from page_tracker.errors import OutputError, ReaderGoneError

# How much a line shows of a longer text: its beginning and its end.
LONGEST_LINE = 1_000
_BEGINNING, _END = 600, 300


class Output:
    """A stream. Raises OutputError if it cannot be written, and from then on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._failure: OutputError | None = None

    def write(self, text: str) -> int:
        with self._checked():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._checked():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _checked(self) -> Iterator[None]:
        if self._failure:  # An earlier writer may have ignored the failure.
            raise self._failure
        try:
            yield
        except OSError as error:
            _empty(self._stream)
            self._failure = _failure(error)
            raise self._failure from error


@contextmanager
def standard_streams() -> Iterator[None]:
    """Make the three streams accept any text; they raise OutputError if they fail."""
    _open_closed()
    before, raising = (sys.stdout, sys.stderr), logging.raiseExceptions
    for stream in before:
        if isinstance(stream, TextIOWrapper):
            # Some locales' encodings lack characters that names and bars need.
            stream.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout, sys.stderr = (cast(TextIO, Output(stream)) for stream in before)
    # A log line that cannot be written must not end anybody's work.
    logging.raiseExceptions = False
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        logging.raiseExceptions = raising


def one_line(text: str) -> str:
    """A text as one line that cannot control a terminal, whatever it contains.

    >>> one_line("no site 'a\\x1b[2J'\\n")
    "no site 'a\\\\x1b[2J'"
    """
    line = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode()
        for each in " ".join(text.split())
    )
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:_BEGINNING]} … {line[-_END:]}"


def _open_closed() -> None:
    """Open streams closed before we began: else the next file opened would be one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, mode, encoding="utf-8"))


def _failure(error: OSError) -> OutputError:
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError("nobody reads the output", "read it whole")
    return OutputError(
        f"the output cannot be written ({error.strerror})",
        "make room where it goes, or send it elsewhere",
    )


def _empty(stream: TextIO) -> None:
    """Discard what a stream still buffers, so that Python's end does not fail on it."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
