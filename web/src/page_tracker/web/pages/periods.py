"""The days that a page is about, and those that it compares them with. Pure.

Days end with today: what was counted this morning is included. An unfinished day is
compared only up to the same time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from page_tracker.query import dates
from page_tracker.query.answer import range_as_json
from page_tracker.query.buckets import SECONDS, labels, max_labels
from page_tracker.query.catalog import TIME_BUCKETS
from page_tracker.query.dates import month_start
from page_tracker.query.problem import QueryError
from page_tracker.query.query import Range
from page_tracker.query.typed_dates import between, period
from page_tracker.query.typed_filters import short_name

_DAY = timedelta(days=1)
# The number of points that a chart may have.
FEWEST, MOST = 2, 400


class Offered(msgspec.Struct, frozen=True):
    """A period of the menu: its word, its label, the key that chooses it."""

    word: str
    label: str
    key: str


OFFERED = (
    Offered("day", "Today", "D"),
    Offered("yesterday", "Yesterday", "E"),
    Offered("24h", "Last 24 hours", "H"),
    Offered("7d", "Last 7 days", "W"),
    Offered("28d", "Last 28 days", "F"),
    Offered("91d", "Last 91 days", "N"),
    Offered("month", "This month", "M"),
    Offered("year", "This year", "Y"),
    Offered("12mo", "Last 12 months", "L"),
    Offered("all", "All time", "A"),
)


def range_of(word: str, zone: str, now: datetime, begun: date) -> Range:
    """The range named by an address's period; `now` is aware, `begun` the first day
    with hits.

    Raises ValueError that tells what is wrong.
    """
    here = now.astimezone(ZoneInfo(zone))
    today = here.date()
    if word == "24h":
        return _hours(here, 24)
    if match := re.fullmatch("([1-9][0-9]{0,4})(d|mo)", word):
        number = int(match[1])
        try:
            first = (
                today - (number - 1) * _DAY
                if match[2] == "d"
                else month_start(today, number - 1)
            )
        except (OverflowError, ValueError) as error:
            raise ValueError(f"days begin with {dates.FIRST}") from error
        return dates.days_range(first, today, zone)
    if ".." in word:
        begin, _, end = word.partition("..")
        return _range(_typed(between, begin, end, here, "period"), zone)
    if word in dates.WORDS:
        return dates.named_range(word, zone, now, begun)
    return _range(_typed(period, word, here), zone)


def _typed(read: Any, *said: Any) -> list[str]:
    try:
        found: list[str] = read(*said)
    except QueryError as error:
        raise ValueError(re.sub("^(--)?period: ", "", error.problem)) from error
    return found


def _range(ends: list[str], zone: str) -> Range:
    first, last = ends
    if len(first) == len(last) == len("2026-01-31"):
        return dates.days_range(dates.parse_day(first), dates.parse_day(last), zone)
    return dates.instants_range(
        dates.parse_instant(first), dates.parse_instant(last), zone
    )


def _hours(here: datetime, number: int) -> Range:
    """That many hours, of which the last is the current one."""
    end = here.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    end += timedelta(hours=1)
    start = end - timedelta(hours=number)
    second = timedelta(seconds=1)
    return dates.instants_range(start, end - second, str(here.tzinfo))


def is_unfinished(asked: Range, now: datetime) -> bool:
    """Whether the range has begun and has not ended."""
    start, end = instants(asked)
    return start <= now < end


def instants(asked: Range) -> tuple[datetime, datetime]:
    """The beginning and the end (exclusive) of a range, in UTC."""
    if asked.start is not None and asked.end is not None:
        return asked.start.astimezone(UTC), asked.end.astimezone(UTC)
    zone, midnight = ZoneInfo(asked.timezone), time(0)
    return (
        datetime.combine(asked.first, midnight, zone).astimezone(UTC),
        datetime.combine(asked.last + _DAY, midnight, zone).astimezone(UTC),
    )


def compared(word: str, weekdays: bool, asked: Range, now: datetime) -> Range | None:
    """The range that an address's `compare` names for a range; None for none.

    For an unfinished range, only as much is compared. Raises ValueError.
    """
    if word == "none":
        return None
    if ".." in word:
        here = now.astimezone(ZoneInfo(asked.timezone))
        first, _, last = word.partition("..")
        return _range(_typed(between, first, last, here, "compare"), asked.timezone)
    before = dates.year_over_year(asked) if word == "year" else _previous(asked)
    if weekdays:
        before = dates.weekdays_matched(asked, before)
    return _cut(asked, before, now) if is_unfinished(asked, now) else before


def _previous(asked: Range) -> Range:
    """The previous period: for whole months, as many months."""
    months = _whole_months(asked)
    if not months:
        return dates.previous(asked)
    first = month_start(asked.first, months)
    return dates.days_range(first, asked.first - _DAY, asked.timezone)


def _whole_months(asked: Range) -> int:
    """How many whole calendar months a range is; 0 if it is not whole months."""
    if asked.start is not None or asked.first.day != 1:
        return 0
    if (asked.last + _DAY).day != 1:
        return 0
    years = asked.last.year - asked.first.year
    return 12 * years + asked.last.month - asked.first.month + 1


def _cut(asked: Range, before: Range, now: datetime) -> Range:
    """As much of the previous range as has passed of this one; to the minute, so that
    within a minute the question is the same."""
    zone = ZoneInfo(asked.timezone)
    here = now.astimezone(zone).replace(second=0, microsecond=0)
    if asked.start is not None:
        start, _ = instants(before)
        end = start + (here.astimezone(UTC) - instants(asked)[0])
    else:
        day = before.first + (here.date() - asked.first)
        start, after = instants(before)
        end = datetime.combine(day, here.time(), zone).astimezone(UTC)
        end = min(end, after)
    second = timedelta(seconds=1)
    return dates.instants_range(start, max(start, end - second), asked.timezone)


def as_json(asked: Range) -> list[str]:
    """The range as a question has it: two days, or two moments."""
    if asked.start is None:
        return [str(asked.first), str(asked.last)]
    return range_as_json(asked)


def usual_interval(asked: Range) -> str:
    """The short name of a chart's interval if none is chosen."""
    days = (asked.last - asked.first).days + 1
    start, end = instants(asked)
    if end - start <= timedelta(hours=1):
        return "minute"
    if days <= 2:
        return "hour"
    if days <= 91:
        return "day"
    return "week" if days <= 731 else "month"


def intervals(asked: Range) -> list[str]:
    """The intervals in which a range may be charted."""
    found = []
    for name in TIME_BUCKETS:
        # Labels are not counted, which takes time, if they are too many for certain: a
        # month has up to 31 days, and of a range's two last days a minute may be meant.
        few = max_labels(asked, name) <= (10 if name in SECONDS else 100) * MOST
        if few and FEWEST <= len(labels(asked, name)) <= MOST:
            found.append(short_name(name))
    return found or [usual_interval(asked)]


def shifted(asked: Range, steps: int) -> str:
    """The word for the range that many of its own lengths later.

    Raises ValueError if that is out of all bounds.
    """
    months = _whole_months(asked)
    if months:
        first = month_start(asked.first, -steps * months)
        last = month_start(first, -months) - _DAY
        moved = dates.days_range(first, last, asked.timezone)
    elif asked.start is None:
        moved = dates.shifted(asked, steps * ((asked.last - asked.first).days + 1))
    else:
        start, end = instants(asked)
        step = steps * (end - start)
        moved = dates.instants_range(
            start + step, end + step - timedelta(seconds=1), asked.timezone
        )
    first_end, last_end = as_json(moved)
    return first_end if first_end == last_end else f"{first_end}..{last_end}"
