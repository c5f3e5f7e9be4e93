"""A site's page views and events as a file in GoatCounter's export format. Pure.

The format is version 2 of https://www.goatcounter.com/code/export. What its importer
reads back are the same paths, visitors and times; our visitors belong to a day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from page_tracker.days import MICROSECONDS, day_number
from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import Days
from page_tracker.query.sql import Statement

HEADER = (
    *("2Path", "Title", "Event", "UserAgent", "Browser", "System", "Session", "Bot"),
    *("Referrer", "Referrer scheme", "Screen size", "Location", "FirstVisit", "Date"),
)
# Rows that are in memory at once, if they are spread evenly over their day.
ROWS_AT_ONCE = 20_000

_PART = (
    "FROM ({hits}) WHERE site = $site AND step > 0"
    " AND epoch_us(time) > $after AND epoch_us(time) <= $last"
)
_ROWS = (
    "SELECT CASE WHEN view > 0 THEN path ELSE name END, title, view = 0,"
    " concat_ws(' ', browser, nullif(browser_version, '')),"
    " concat_ws(' ', os, nullif(os_version, '')), day, visitor,"
    " CASE WHEN step = 1 THEN referrer ELSE '' END,"
    " CASE WHEN step = 1 THEN utm_source ELSE '' END,"
    " CASE WHEN starts_with(region, country || '-') THEN region ELSE country END,"
    " is_first, epoch_us(time) FROM (SELECT *, row_number() OVER"
    " (PARTITION BY visitor, name, path ORDER BY time, step) = 1 AS is_first"
    " FROM ({hits}) WHERE site = $site AND day = $day AND step > 0)"
    " WHERE epoch_us(time) > $after AND epoch_us(time) <= $last"
    " ORDER BY time, visitor, step"
)


class DayPart(msgspec.Struct, frozen=True):
    """How many rows of a day a file has, and when the first and the last one were
    (UTC, microseconds)."""

    day: date
    rows: int
    first: int
    last: int


def parts_statement(site: str, after: int, last: int, state: LakeState) -> Statement:
    """The days with rows after one time up to another (UTC, microseconds)."""
    hits = state.hits_of((Days(date.min, date.max),))
    return Statement(
        "SELECT day, count(*), min(epoch_us(time)), max(epoch_us(time))"
        f" {_PART.format(hits=hits)} GROUP BY day ORDER BY day",
        {"site": site, "after": after, "last": last},
    )


def part_of(row: Sequence[Any]) -> DayPart:
    """A row of the answer."""
    return DayPart(row[0], int(row[1]), int(row[2]), int(row[3]))


def slices(part: DayPart) -> Iterator[tuple[int, int]]:
    """A day's times, cut so that the rows of each cut are few: after, and up to."""
    number = -(-part.rows // ROWS_AT_ONCE)
    length = -(-(part.last - part.first + 1) // number)
    for begin in range(part.first - 1, part.last, length):
        yield begin, min(begin + length, part.last)


def rows_statement(
    site: str, day: date, times: tuple[int, int], state: LakeState
) -> Statement:
    """The rows of a slice of a day, in the order of their times."""
    hits = state.hits_of((Days(day, day),))
    after, last = times
    values = {"site": site, "day": day, "after": after, "last": last}
    return Statement(_ROWS.format(hits=hits), values)


def header_line() -> str:
    return _lines([HEADER])


def lines(rows: Iterable[Sequence[Any]]) -> str:
    """The lines of the rows that `rows_statement` selects."""
    return _lines(map(_fields, rows))


def _fields(row: Sequence[Any]) -> tuple[str, ...]:
    path, title, is_event, *device, day, visitor = row[:7]
    referrer, campaign, location, is_first, time = row[7:]
    scheme = "h" if referrer else "c" if campaign else ""
    when = datetime.fromtimestamp(time // MICROSECONDS, UTC)
    return (
        *(path, title, _word(is_event), "", *device, _session(day, visitor), "0"),
        *(referrer or campaign, scheme, "", location, _word(is_first)),
        f"{when:%Y-%m-%dT%H:%M:%SZ}",
    )


def _session(day: date, visitor: int) -> str:
    """128 bits in hexadecimal digits: a visitor is one of a day."""
    return f"{day_number(day):016x}{visitor % 2**64:016x}"


def _word(is_so: bool) -> str:
    return "true" if is_so else "false"


def _lines(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
