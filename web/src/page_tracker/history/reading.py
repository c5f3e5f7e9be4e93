"""Logs into page views: what of them is new, in the spool, and the count of all lines.

log → blocks → Follower: which of it is known?  → thrown away, counted as known
             → Crew: page views                 → spool, by day
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from page_tracker.collect.hit import Drop
from page_tracker.errors import ImportRefusedError, LogFileError
from page_tracker.history.blocks import TOLD, LeftOut
from page_tracker.history.formats import FORMATS, Format, recognise
from page_tracker.history.identity import Follower, KnownParts, Part
from page_tracker.history.lines import Log, lines_of
from page_tracker.history.register import ImportedDay
from page_tracker.history.sifting import Crew, Sifted, file_of

# Blocks that are read ahead of those that are sifted.
AHEAD = 4
# Lines by which a format is recognised.
LOOKED_AT = 200


@dataclass
class Tally:
    """What was read; its page views and `left_out` add up to its lines."""

    lines: int = 0
    pageviews: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    # Of the first malformed lines: the log and the number in it, from 1.
    malformed: list[tuple[str, int]] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    # Imports that brought what comes before these parts in their logs.
    continues: set[str] = field(default_factory=set)
    views: Counter[int] = field(default_factory=Counter)
    drops: Counter[Drop] = field(default_factory=Counter)
    files: dict[int, list[int]] = field(default_factory=dict)

    def days(self) -> tuple[ImportedDay, ...]:
        return tuple(
            ImportedDay(day, self.views[day], tuple(self.files.get(day, ())))
            for day in sorted(self.views)
        )

    def add(self, sifted: Sifted, log: str, line: int) -> None:
        """Add a block of a log, the first line of which has the number `line`."""
        self.pageviews += sifted.days.total()
        self.left_out += sifted.left_out
        self.views += sifted.days
        self.drops.update(sifted.drops)
        for number in sifted.malformed[: TOLD - len(self.malformed)]:
            self.malformed.append((log, line + number))
        if sifted.file is not None:
            for day in sifted.days:
                self.files.setdefault(day, []).append(sifted.file)


@dataclass
class Reader:
    """Reads the logs of one import, one after the other."""

    crew: Crew
    known: KnownParts
    import_id: str
    spool: Path | None
    # None: each log's is found by looking.
    log_format: Format | None = None
    advance: Callable[[Log], object] = lambda _: None
    tally: Tally = field(default_factory=Tally)

    def read(self, log: Log) -> None:
        """Read a log to its end. Raises LogFileError, ImportRefusedError."""
        chosen: Format | None = None
        stretch = _Stretch(self, log.name)
        follower = Follower(self.known)
        for block in log.blocks():
            if chosen is None:
                chosen = self._format_of(log, block)
            unfinished = _unfinished(block, chosen)
            block = block[: len(block) - unfinished]
            known = follower.follow(block)
            if known:
                stretch.forget(_count_lines(block[:known]))
            if known < len(block):
                stretch.sift(block[known:], chosen.name)
            if unfinished:
                self.tally.lines += 1
                self.tally.left_out[LeftOut.UNFINISHED] += 1
            self.advance(log)
        self._end(log, follower, stretch)
        if chosen is not None:
            self.tally.logs.append(log.name)
            if chosen.name not in self.tally.formats:
                self.tally.formats.append(chosen.name)

    def _end(self, log: Log, follower: Follower, stretch: _Stretch) -> None:
        part = follower.part()
        if part is None:
            return
        if follower.begins_like is not None:
            raise ImportRefusedError(
                f"{log.name} begins with lines of import {follower.begins_like}, and"
                " is no continuation of what that has read",
                "give the whole log, from its beginning, that was imported then; or"
                f" --undo {follower.begins_like} first",
            )
        stretch.keep()
        self.tally.parts.append(part)
        if follower.continues not in (None, self.import_id):
            self.tally.continues.add(follower.continues)
        self.known.add([part], self.import_id)

    def _format_of(self, log: Log, block: bytes) -> Format:
        lines = lines_of(block[: 1 << 20])[:LOOKED_AT]
        found = recognise(lines)
        if self.log_format is None:
            if found is None:
                raise LogFileError(
                    f"{log.name} is no access log in a format that is known",
                    f"known are {', '.join(FORMATS)}; --format names one",
                )
            return found
        if not any(map(self.log_format.read, lines)):
            like = f", and looks like {found.name}" if found else ""
            raise LogFileError(
                f"{log.name} is not in the format {self.log_format.name}{like}",
                "leave --format out, or name the right one",
            )
        return self.log_format


class _Stretch:
    """The blocks of a log since the last of its lines that was known."""

    def __init__(self, reader: Reader, log: str) -> None:
        self._reader = reader
        self._log = log
        self._line = self._first_line = 1
        self._blocks: list[tuple[int, Future[Sifted]]] = []
        self._waiting: deque[Future[Sifted]] = deque()

    def sift(self, block: bytes, format_name: str) -> None:
        tally = self._reader.tally
        future = self._reader.crew.sift(block, tally.lines + 1, format_name)
        self._blocks.append((self._line, future))
        self._waiting.append(future)
        lines = _count_lines(block)
        self._line += lines
        tally.lines += lines
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def forget(self, lines: int) -> None:
        """All so far was known, and so are the next `lines`."""
        for _, future in self._blocks:
            if (number := future.result().file) is not None and self._reader.spool:
                file_of(self._reader.spool, number).unlink()
        self._blocks.clear()
        self._waiting.clear()
        self._line += lines
        tally = self._reader.tally
        tally.lines += lines
        tally.left_out[LeftOut.KNOWN] += self._line - self._first_line
        self._first_line = self._line

    def keep(self) -> None:
        for line, future in self._blocks:
            self._reader.tally.add(future.result(), self._log, line)


def _count_lines(block: bytes) -> int:
    return block.count(b"\n") + (not block.endswith(b"\n"))


def _unfinished(block: bytes, log_format: Format) -> int:
    """The bytes at the end of a block of a line that is not all there yet."""
    if block.endswith(b"\n"):
        return 0
    last = block[block.rfind(b"\n") + 1 :]
    (text,) = lines_of(last)
    return 0 if log_format.read(text) else len(last)
