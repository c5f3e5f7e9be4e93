"""Logs into page views: what is new in them, in the spool, and the count of all lines.

log → blocks → Follower: which part is known?  → discarded, counted as known
             → Crew: page views                 → spool, by day
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import msgspec

from page_tracker.errors import ImportRefusedError
from page_tracker.history.blocks import MAX_REPORTED
from page_tracker.history.dialect import Dialect, tells_agents
from page_tracker.history.dialect_detection import check_malformed, recognise
from page_tracker.history.formats import FORMATS
from page_tracker.history.known_content import Follower, KnownParts, Part
from page_tracker.history.left_out_lines import LeftOut, Refused
from page_tracker.history.lines import Log, lines_of, text_of
from page_tracker.history.register import ImportedDay
from page_tracker.history.wanted import Wanted
from page_tracker.history.workers import Crew, Sifted, file_of
from page_tracker.hits.hit import Drop

# How many blocks are read ahead of those that are sifted.
AHEAD = 3
# How many bytes of a log are examined for its format.
_LOOKED_AT = 1 << 20
# How many names of left-out lines are counted; beyond it the most frequent half.
_MAX_NAMES = 2_000


class MalformedLine(NamedTuple):
    """A malformed line: its log, its line number there, from 1, and its beginning."""

    log: str
    line: int
    text: str


class Tally(msgspec.Struct):
    """What was read; its page views and `left_out` add up to its lines."""

    lines: int = 0
    pageviews: int = 0
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    # The first malformed lines.
    malformed: list[MalformedLine] = msgspec.field(default_factory=list)
    formats: list[str] = msgspec.field(default_factory=list)
    logs: list[str] = msgspec.field(default_factory=list)
    parts: list[Part] = msgspec.field(default_factory=list)
    # Imports that brought the part before these parts in their logs.
    continues: set[str] = msgspec.field(default_factory=set)
    # Imports whose lines were known; those that retention took, and that are repeated.
    known_by: set[str] = msgspec.field(default_factory=set)
    repeats: set[str] = msgspec.field(default_factory=set)
    views: Counter[int] = msgspec.field(default_factory=Counter)
    drops: Counter[Drop] = msgspec.field(default_factory=Counter)
    files: dict[int, list[int]] = msgspec.field(default_factory=dict)
    # What else was left out, by the name that identifies it: the most frequent ones.
    refused: Counter[Refused] = msgspec.field(default_factory=Counter)
    # Page views from lines without a user agent.
    agentless: int = 0
    # Notes on the logs, in words.
    notes: list[str] = msgspec.field(default_factory=list)

    def days(self) -> tuple[ImportedDay, ...]:
        return tuple(
            ImportedDay(day, self.views[day], tuple(self.files.get(day, ())))
            for day in sorted(self.views)
        )

    def names_of(self, reason: str) -> Counter[str]:
        """The names that identify the lines left out for a reason."""
        found: Counter[str] = Counter()
        for counted in (self.refused, self.drops):
            for each, number in counted.items():
                if each.reason == reason:
                    found[each.name] += number
        return found

    def read_in(self, formats: Iterable[str]) -> None:
        """Add formats in which lines were read."""
        self.formats += [each for each in formats if each not in self.formats]

    def add(self, sifted: Sifted, log: str, line: int) -> None:
        """Add a block of a log, whose first line has the number `line`."""
        block = sifted.block
        self.pageviews += sifted.days.total()
        self.left_out += block.left_out
        self.views += sifted.days
        self.drops.update(block.drops)
        self.refused.update(block.refused)
        if len(self.refused) > _MAX_NAMES:
            self.refused = Counter(dict(self.refused.most_common(_MAX_NAMES // 2)))
        self.agentless += block.agentless
        self.read_in(sorted(block.formats))
        for number, text in block.malformed[: MAX_REPORTED - len(self.malformed)]:
            self.malformed.append(MalformedLine(log, line + number, text))
        if sifted.file is not None:
            for day in sifted.days:
                self.files.setdefault(day, []).append(sifted.file)


class Reader(msgspec.Struct):
    """Reads the logs of one import, one after the other."""

    crew: Crew
    known: KnownParts
    import_id: str
    spool: Path | None
    wanted: Wanted = Wanted()
    advance: Callable[[Log], object] = lambda _: None
    tally: Tally = msgspec.field(default_factory=Tally)

    def read(self, log: Log) -> None:
        """Read a log to its end. Raises LogFileError, ImportRefusedError."""
        dialect: Dialect | None = None
        stretch = _Stretch(self, log.name)
        follower = Follower(self.known)
        for block in log.blocks():
            if dialect is None:
                dialect = self._dialect_of(log, block)
            unfinished = _unfinished(block, dialect)
            block = block[: len(block) - unfinished]
            known = follower.follow(block)
            if known:
                stretch.forget(_count_lines(block[:known]))
            if known < len(block):
                stretch.sift(block[known:], dialect)
            if unfinished:
                self.tally.lines += 1
                self.tally.left_out[LeftOut.UNFINISHED] += 1
            self.advance(log)
        self._end(log, follower, stretch)
        self.tally.known_by |= follower.known_by - {self.import_id}
        self.tally.repeats |= follower.repeats
        if dialect is not None:
            self.tally.logs.append(log.name)
            self.tally.read_in([dialect.format])

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

    def _dialect_of(self, log: Log, block: bytes) -> Dialect:
        looked_at = lines_of(block[:_LOOKED_AT])
        found = recognise(log.name, looked_at, self.wanted)
        self.tally.notes += found.notes
        has_agents = tells_agents(text_of(block), found.dialect)
        return found.dialect._replace(has_agents=has_agents)


class _Stretch:
    """The blocks of a log since its last known line."""

    def __init__(self, reader: Reader, log: str) -> None:
        self._reader = reader
        self._log = log
        self._line = self._first_line = 1
        self._blocks: list[tuple[int, Future[Sifted]]] = []
        self._waiting: deque[Future[Sifted]] = deque()

    def sift(self, block: bytes, dialect: Dialect) -> None:
        tally = self._reader.tally
        future = self._reader.crew.sift(block, tally.lines + 1, dialect)
        self._blocks.append((self._line, future))
        self._waiting.append(future)
        lines = _count_lines(block)
        self._line += lines
        tally.lines += lines
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def forget(self, lines: int) -> None:
        """Everything so far was known, and so are the next `lines`."""
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
        """Count what was sifted. Raises LogFileError if too much of it is malformed."""
        found = [(line, future.result()) for line, future in self._blocks]
        if not self._reader.wanted.skip_malformed:
            left_out = [each.block.left_out for _, each in found]
            check_malformed(
                self._log,
                sum(each[LeftOut.MALFORMED] for each in left_out),
                sum(each.lines for _, each in found)
                - sum(each[LeftOut.BLANK] for each in left_out),
                [text for _, each in found for _, text in each.block.malformed],
            )
        for line, sifted in found:
            self._reader.tally.add(sifted, self._log, line)


def _count_lines(block: bytes) -> int:
    return block.count(b"\n") + (not block.endswith(b"\n"))


def _unfinished(block: bytes, dialect: Dialect) -> int:
    """The bytes of an incomplete line at the end of a block."""
    if block.endswith(b"\n"):
        return 0
    last = block[block.rfind(b"\n") + 1 :]
    text = text_of(last)
    # A line that another format can read may be the beginning of one in this format;
    # and an address at a line's end may continue.
    is_read = FORMATS[dialect.format].read(text) and dialect.whose == "peer"
    return 0 if is_read or text.strip() == "]" else len(last)
