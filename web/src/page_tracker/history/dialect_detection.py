"""Which dialect a log is in, found by its first lines; and why it cannot be read.

Pure; a refusal is raised, in words for people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from page_tracker.errors import LogFileError
from page_tracker.history.dialect import Dialect, Lines, is_blank, shown
from page_tracker.history.formats import FORMATS, Request
from page_tracker.history.formats.hosts import forwarded_address, is_private
from page_tracker.history.wanted import Wanted

# Lines by which a dialect is recognised.
LOOKED_AT = 200
# Of all lines; with a larger share of malformed ones a log is refused.
MAX_MALFORMED = 0.1
# Fewer malformed lines than this prove nothing.
FEWEST_MALFORMED = 3
# With fewer lines from one client there is no note about it.
_ENOUGH = 10


class Recognised(NamedTuple):
    """A log's dialect, and notes about its lines for people."""

    dialect: Dialect
    notes: tuple[str, ...] = ()


def recognise(log: str, lines: Sequence[str], wanted: Wanted) -> Recognised:
    """The dialect of a log with these first lines. Raises LogFileError.

    Refused is a log with no line in a known format, or in the one that is wanted; and
    one with the addresses of a proxy and those of its visitors, unless it is said which
    are meant. Whether user agents are told is for others to find.
    """
    lines = [each for each in lines[:LOOKED_AT] if not is_blank(each)]
    read = {
        name: sum(each.read(line) is not None for line in lines)
        for name, each in FORMATS.items()
    }
    best = wanted.format or max(read, key=lambda name: read[name])
    if not read[best]:
        found = max(read, key=lambda name: read[name])
        raise _not_in(log, lines, wanted.format, found if read[found] else None)
    dialect = Dialect(best, wanted.format is None, whose=wanted.whose or "peer")
    requests = [
        each
        for each in Lines(dialect).read("\n".join(lines))
        if isinstance(each, Request)
    ]
    notes = [*_unsaid(log, best, lines)]
    if wanted.whose is None:
        notes += _proxied(log, requests)
    return Recognised(dialect, tuple(notes))


def is_known(lines: Iterable[str]) -> bool:
    """Whether any of these lines is in a known format."""
    return any(each.read(line) for line in lines for each in FORMATS.values())


def check_malformed(log: str, number: int, lines: int, samples: Iterable[str]) -> None:
    """Raise LogFileError if too many of a log's lines are malformed."""
    if number < FEWEST_MALFORMED or number <= MAX_MALFORMED * lines:
        return
    three = list(samples)[:3]
    raise LogFileError(
        f"{log}: {number:,} of {lines:,} lines are malformed, such as"
        f" {', '.join(f'{each!r}' for each in three)} ({how_far(three[0])})",
        "take them out of it first, or leave them out by --skip-malformed",
    )


def how_far(line: str, names: Iterable[str] = FORMATS) -> str:
    """How far each format can read a line, in words, grouped by how far."""
    by_reason: dict[str, list[str]] = {}
    for name in names:
        by_reason.setdefault(FORMATS[name].lacks(line), []).append(name)
    return "; ".join(f"{', '.join(who)}: {why}" for why, who in by_reason.items())


def _not_in(
    log: str, lines: Sequence[str], wanted: str | None, found: str | None
) -> LogFileError:
    if not lines:
        return LogFileError(
            f"{log} is no access log in a format that is known: it has no lines",
            "name a log with requests in it",
        )
    line, names = f"{shown(lines[0])!r}", (wanted,) if wanted else FORMATS
    why = f"line {line} ({how_far(lines[0], names)})"
    if wanted:
        like = f", and looks like {found}" if found else ""
        return LogFileError(
            f"{log} is not in the format {wanted}{like}: {why}",
            "leave --format out, or name the right one" if found else _KNOWN,
        )
    return LogFileError(
        f"{log} is no access log in a format that is known: {why}", _KNOWN
    )


_KNOWN = "write it in one of these formats: docs/guides/importing.md describes them"


def _unsaid(log: str, name: str, lines: Sequence[str]) -> Iterable[str]:
    """The fields that no line has, though the format can have them."""
    its = [
        FORMATS[name].unsaid(line)
        for line in lines
        if FORMATS[name].read(line) is not None
    ]
    parts = frozenset.intersection(*(each.parts for each in its))
    if parts:
        yield (
            f"{log}: no field for {' and '.join(sorted(parts))}; its lines have"
            f" {its[0].has}"
        )


def _proxied(log: str, requests: Sequence[Request]) -> Iterable[str]:
    """Refuse a log that has a proxy's addresses, and the visitors' beside them."""
    beside = [
        address
        for each in requests
        if (address := forwarded_address(each.forwarded)) not in ("", each.address)
    ]
    client, number = Counter(each.address for each in requests).most_common(1)[0]
    if 2 * len(beside) > len(requests):
        raise LogFileError(
            f"{log} was written behind a proxy: its lines begin with addresses like"
            f" {client}, and say others like {beside[0]} elsewhere",
            "--address forwarded takes those for the visitors', --address peer the"
            " first ones",
        )
    if number == len(requests) >= _ENOUGH and is_private(client):
        yield (
            f"{log}: all lines come from {client}, a proxy's perhaps; visitors are"
            " told apart by their user agents alone"
        )
