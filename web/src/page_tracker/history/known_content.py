"""Which part of a log is known, whatever the file's name and compression.

A *part* is a stretch of content that was imported in one go: its length in bytes, to
the end of its last line's text, and its digest. A log is followed from its beginning:
if it reaches the length of a known part with the same digest, everything so far is
known, and what follows is treated as if it began there. So a log that has grown is
continued, and known logs one after the other are known. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec

_DIGEST_BYTES = 16
# Digests at these lengths show that a log begins like a longer known one.
_MARKS = tuple(1024 << doubled for doubled in range(40))


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A stretch of content; `marks` are the digests at 1, 2, 4 … KiB of it."""

    length: int
    digest: str
    marks: tuple[str, ...] = ()


class KnownParts:
    """The known parts of a site's logs, with the imports that brought them."""

    def __init__(self) -> None:
        self._imports: dict[tuple[int, str], str] = {}
        self._marked: dict[tuple[int, str], str] = {}
        self._repeatable: dict[tuple[int, str], str] = {}
        self._lengths: list[int] = []

    def add(self, parts: Iterable[Part], import_id: str) -> None:
        for part in parts:
            self._imports[part.length, part.digest] = import_id
            for mark in zip(_MARKS, part.marks, strict=False):
                self._marked.setdefault(mark, import_id)
        self._note_lengths()

    def add_repeatable(self, parts: Iterable[Part], import_id: str) -> None:
        """Parts that are no longer known, but whose import has to be named."""
        self._repeatable.update(
            {(each.length, each.digest): import_id for each in parts}
        )
        self._note_lengths()

    def _note_lengths(self) -> None:
        lengths = {length for length, _ in (*self._imports, *self._repeatable)}
        self._lengths = sorted(lengths.union(_MARKS))

    def next_length(self, beyond: int) -> int:
        """The smallest length above `beyond` at which to compare."""
        lengths = self._lengths or _MARKS
        return lengths[bisect_right(lengths, beyond)]

    def brought_by(self, length: int, digest: str) -> str | None:
        """The import that knows exactly this part."""
        return self._imports.get((length, digest))

    def repeated(self, length: int, digest: str) -> str | None:
        """The import that once knew exactly this part, and that may be repeated."""
        return self._repeatable.get((length, digest))

    def beginning(self, length: int, digest: str) -> str | None:
        """The import that knows a part which begins with these bytes."""
        return self._marked.get((length, digest))


class Follower:
    """Follows a log's content, given in blocks of whole lines."""

    def __init__(self, known: KnownParts) -> None:
        self._known = known
        # The last one began where what is known ends; those before it go on because
        # the known part that ended there may be the beginning of a longer one.
        self._runs = [_Run(known)]
        # The import that brought the last known part.
        self.continues: str | None = None
        # All imports that brought known parts of this.
        self.known_by: set[str] = set()

    @property
    def repeats(self) -> set[str]:
        """The imports that the followed content repeats."""
        return {each for run in self._runs for each in run.repeats}

    @property
    def begins_like(self) -> str | None:
        """The import whose content this one begins with, since the last known part."""
        return self._runs[-1].begins_like

    def follow(self, block: bytes) -> int:
        """Take the next block; returns up to where it, and so all before it, is known.

        0: nothing of it is.
        """
        known_until = 0
        following = [(run, 0) for run in self._runs]
        begun = {0}
        for run, start in following:
            for end, brought_by in run.take(block[start:]):
                # The rest of the line was not there when the part was imported.
                line_end = block.find(b"\n", start + end)
                until = len(block) if line_end < 0 else line_end + 1
                if until not in begun:
                    begun.add(until)
                    self.known_by.add(brought_by)
                    following.append((_Run(self._known), until))
                if until > known_until:
                    known_until, self.continues = until, brought_by
        *earlier, (last, _) = sorted(following, key=lambda each: each[1])
        self._runs = [*(run for run, _ in earlier if run.may_go_on), last]
        return known_until

    def part(self) -> Part | None:
        """What was followed since the last known part; None if that is nothing."""
        return self._runs[-1].part()


class _Run:
    """The digest of a log's content from one place on."""

    def __init__(self, known: KnownParts) -> None:
        self._known = known
        self._digest = blake2b(digest_size=_DIGEST_BYTES)
        self._length = 0
        self._marks: list[str] = []
        # Line ends that belong to the part only if a line follows.
        self._held = b""
        self.begins_like: str | None = None
        self.repeats: set[str] = set()
        # Whether a known part may begin with all of this, and be longer.
        self.may_go_on = True

    def take(self, block: bytes) -> Iterator[tuple[int, str]]:
        """Add to the digest; yields where known parts end, and their imports."""
        text = self._held + block
        content = text.rstrip(b"\n")
        taken = 0
        while (until := self._known.next_length(self._length)) <= (
            self._length + len(content) - taken
        ):
            step = until - self._length
            self._add(content[taken : taken + step])
            taken += step
            digest = self._digest.hexdigest()
            if brought_by := self._known.brought_by(until, digest):
                yield taken - len(self._held), brought_by
            if repeated := self._known.repeated(until, digest):
                self.repeats.add(repeated)
            if until in _MARKS:
                self._marks.append(digest)
                like = self._known.beginning(until, digest)
                self.may_go_on = like is not None
                self.begins_like = self.begins_like or like
        self._add(content[taken:])
        self._held = text[len(content) :]

    def _add(self, content: bytes) -> None:
        self._digest.update(content)
        self._length += len(content)

    def part(self) -> Part | None:
        """What was taken; None if that is nothing."""
        if not self._length:
            return None
        return Part(self._length, self._digest.hexdigest(), tuple(self._marks))
