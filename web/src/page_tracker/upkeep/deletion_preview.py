"""What a deletion would delete, before it does: chosen, counted, and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from page_tracker.days import date_of, day_number, first_day
from page_tracker.errors import SiteError
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import Lake
from page_tracker.plural import counted
from page_tracker.store.stream import Stream
from page_tracker.upkeep.deletion import Selection


class DeletionPreview(NamedTuple):
    """How much of the lake is chosen, and how much is unknown yet.

    `drops` are hits that did not count, and of which there is a record. `waiting` are
    rows of any site that the lake does not have yet; `aside` are batches that have rows
    of the site and go as a whole where nobody can read them. `fresh` are those of the
    hits to whose days more may come while somebody reads how many there are.
    """

    hits: int
    drops: int
    waiting: int
    aside: int
    fresh: int = 0

    def is_meant_by(self, number: int | None) -> bool:
        """Whether who repeats this number has been told of these hits."""
        return number is not None and self.hits - self.fresh <= number <= self.hits


def selected(
    site: str, path: str | None, first: str | None, last: str | None
) -> Selection:
    """The hits of a site, of a page, from a day to a day. Raises SiteError.

    Days are written like 2026-01-31; None chooses all.
    """
    begin, end = _day("from", first), _day("to", last)
    if begin is not None and end is not None and begin > end:
        raise SiteError("from", f"{first} is after {last}", "swap them")
    if path is not None and not path.startswith("/"):
        raise SiteError(
            "path", f"{path!r} is not that of a page", "it begins with /, like /about"
        )
    return Selection(site, path, begin, end)


def named(selection: Selection) -> str:
    """The chosen hits, in words."""
    parts = [selection.site]
    if selection.path is not None:
        parts.append(f"page {selection.path}")
    if selection.first is not None:
        parts.append(f"from {date_of(selection.first)}")
    if selection.last is not None:
        parts.append(f"to {date_of(selection.last)}")
    return ", ".join(parts)


def lines_of(selection: Selection, found: DeletionPreview) -> Iterator[str]:
    """What would be deleted, sentence by sentence."""
    if not any(found):
        yield f"There are no hits of {named(selection)}."
        return
    yield f"{counted(found.hits, 'hit')} of {named(selection)} in the lake would go."
    if found.drops:
        drops = counted(found.drops, "hit")
        yield f"So would the record of {drops} that did not count."
    if number := found.waiting:
        wait = "waits" if number == 1 else "wait"
        yield f"{number:,} of any site {wait} for the lake: what fits would go."
    if found.aside:
        batches = counted(found.aside, "batch", "batches")
        yield f"{batches} set aside may have some: what cannot be read would go."


def preview_deletion(
    selection: Selection, lake: Lake, streams: Sequence[Stream], now: float
) -> DeletionPreview:
    """Look; `now` is in seconds since 1970.

    Raises DeltaError, OSError, StreamAwayError: lake or store is away.
    """
    drops = selection.of_drops()
    fresh = f"{selection.condition()} AND day >= DATE '{date_of(first_day(now))}'"
    return DeletionPreview(
        _sum(lake, "hits", "count(*)", selection.condition()),
        0 if drops is None else _sum(lake, "drops", "sum(number)", drops),
        sum(stream.waiting() for stream in streams),
        sum(
            selection.site in aside.sites
            for stream in streams
            for aside in stream.aside()
        ),
        _sum(lake, "hits", "count(*)", fresh),
    )


def _sum(lake: Lake, table: str, what: str, condition: str) -> int:
    files = lake.paths(lake.snapshot(table), condition)
    if not files:
        return 0
    with engine() as connection:
        rows = rows_in(connection, files).filter(condition)
        return int(rows.aggregate(f"coalesce({what}, 0)").fetchall()[0][0])


def _day(field: str, text: str | None) -> int | None:
    """The day that a field names. Raises SiteError."""
    if text is None:
        return None
    try:
        return day_number(date.fromisoformat(text))
    except ValueError as error:
        raise SiteError(
            field, f"{text!r} is not a date", "write it like 2026-01-31"
        ) from error
