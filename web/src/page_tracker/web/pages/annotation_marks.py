"""What happened during the days of a chart: numbered, listed and marked in it. Pure.

What people have written is stored. What was let in or left out again, and what was
imported, comes from the records of the site and of its imports.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from page_tracker.days import date_of
from page_tracker.history.register import Import
from page_tracker.plural import counted
from page_tracker.query.query import Range
from page_tracker.sites.annotation import Annotation
from page_tracker.sites.letting_in import WAYS
from page_tracker.sites.site import Site
from page_tracker.web.pages.chart import HEIGHT, WIDTH
from page_tracker.web.pages.formatting import day

MOST_NOTES = 100  # on a page, the latest
# The least distance of marks in percent of the chart's width: 24 pixels on a phone.
APART = 9
_ADDRESSES = ("own_address", "blocked_address")


class Note(msgspec.Struct, frozen=True):
    """Something that happened; `id` is 0 if nobody wrote it, so nobody can change it.

    `number` is its number in the list, `when` its date and time in words.
    """

    date: str
    time: str
    text: str
    by: str
    id: int = 0
    number: int = 0
    when: str = ""


class Mark(msgspec.Struct, frozen=True):
    """A place in the chart, in percent of its width, and the notes that it marks."""

    place: int
    label: str
    notes: list[Note]


class Notes(msgspec.Struct, frozen=True):
    """What happened during a chart's days: the list, the marks, and the path of lines.

    `more` is how many are not shown.
    """

    notes: list[Note]
    marks: list[Mark]
    lines: str
    more: int


def notes_of(
    happened: Iterable[Note], asked: Range, buckets: Sequence[str], today: date
) -> Notes:
    """Those within a range; `buckets` are the labels of the chart's points."""
    within = sorted(
        (note for note in happened if _is_within(note, asked)),
        key=lambda note: (note.date, note.time, note.id),
    )
    told = [
        replace(note, number=number, when=_in_words(note, today))
        for number, note in enumerate(within[-MOST_NOTES:], 1)
    ]
    places = [_place(note, buckets) for note in told]
    last = max(1, len(buckets) - 1)
    lines = "".join(
        f"M{round(WIDTH * place / last)},0V{HEIGHT}" for place in sorted(set(places))
    )
    marks = _marks(told, [round(100 * place / last) for place in places])
    return Notes(told, marks, lines, len(within) - len(told))


def kept(annotations: Iterable[Annotation]) -> Iterator[Note]:
    """What people have written, and what was deleted."""
    for each in annotations:
        yield Note(each.date, each.time, each.text, each.by, each.id)


def decided(site: Site, timezone: str) -> Iterator[Note]:
    """What was let in and left out again. No addresses are shown."""
    for each in site.decisions:
        when = datetime.fromtimestamp(each.at, UTC).astimezone(ZoneInfo(timezone))
        what = WAYS[each.reason].what
        named = what if each.reason in _ADDRESSES else f"{what} {each.name}"
        text = f"Let in: {named}" if each.is_let_in else f"Left out: {named}"
        yield Note(f"{when:%Y-%m-%d}", f"{when:%H:%M}", text, each.by)


def imported(site: Site, imports: Iterable[Import]) -> Iterator[Note]:
    """Where imported data begins, or began before the import was undone."""
    for each in imports:
        if not each.days or each.started < site.created:
            continue
        first, last = (date_of(each.days[at].day) for at in (0, -1))
        text = (
            f"Import {each.id}, of {datetime.fromtimestamp(each.started, UTC):%Y-%m-%d}"
        )
        if each.state in ("undone", "undoing"):
            text += ", began here and was undone"
        else:
            until = f" to {last}" if last != first else ""
            text += f", begins here: {counted(each.pageviews, 'page view')}{until}"
        yield Note(str(first), "", text, "")


def _is_within(note: Note, asked: Range) -> bool:
    if not str(asked.first) <= note.date <= str(asked.last):
        return False
    if not note.time or asked.start is None or asked.end is None:
        return True
    when = datetime.fromisoformat(f"{note.date} {note.time}")
    return asked.start <= when.replace(tzinfo=ZoneInfo(asked.timezone)) < asked.end


def _in_words(note: Note, today: date) -> str:
    told = day(date.fromisoformat(note.date), today)
    return f"{told}, {note.time}" if note.time else told


def _place(note: Note, buckets: Sequence[str]) -> int:
    """The point that a note belongs to: the last one that had begun by then."""
    when = f"{note.date} {note.time or '00:00'}:00"
    return max(0, bisect_right(buckets, when, key=lambda label: label[:19]) - 1)


def _marks(notes: Sequence[Note], places: Sequence[int]) -> list[Mark]:
    """Marks that do not overlap: one too near its neighbour is merged with it."""
    begins: list[int] = []
    for place in places:
        begins.append(begins[-1] if begins and place - begins[-1] < APART else place)
    found = []
    for place, pairs in groupby(zip(begins, notes, strict=True), lambda pair: pair[0]):
        them = [note for _, note in pairs]
        first, last = them[0].number, them[-1].number
        found.append(
            Mark(place, f"{first}" if first == last else f"{first}–{last}", them)
        )
    return found
