"""Date ranges: from the words of a question to days in the site's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from page_tracker.query.query import Range

# Each word with its meaning, as the command line's help explains it.
WORDS = {
    "day": "today",
    "24h": "the last 24 hours",
    "7d": "the 7 days that end yesterday",
    "28d": "the 28 days that end yesterday",
    "30d": "the 30 days that end yesterday",
    "91d": "the 91 days that end yesterday",
    "month": "this month, to its end",
    "6mo": "the 6 months before this one",
    "12mo": "the 12 months before this one",
    "year": "this year, to its end",
    "all": "since the site's first day",
}
# Any number of days or months is accepted, like those in the table.
COUNTED = r"[1-9][0-9]{0,4}(d|mo)"

# Nothing was counted before, and nothing will be asked about later.
FIRST, LAST = date(1970, 1, 1), date(2199, 12, 31)

_DAY = timedelta(days=1)


def month_start(day: date, months_back: int = 0) -> date:
    """The first day of the month that many months before `day`'s."""
    months = day.year * 12 + day.month - 1 - months_back
    return date(months // 12, months % 12 + 1, 1)


def parse_day(text: str) -> date:
    """Parse a day written as YYYY-MM-DD.

    Raises ValueError if there is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f'"{text}" is no day; write it like 2026-01-31 ({error})'
        ) from error


def parse_instant(text: str) -> datetime:
    """Parse an instant written in ISO 8601, with an offset.

    Raises ValueError if there is none, or it has no offset.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f'"{text[:40]}" is no day or time;'
            " write it like 2026-01-31 or 2026-01-31T12:00:00+00:00"
        ) from error
    if instant.tzinfo is None:
        raise ValueError("a time needs an offset, like 2026-01-01T12:00:00+00:00")
    return instant


def named_range(word: str, timezone: str, now: datetime, begun: date) -> Range:
    """The range that a word names: one of `WORDS`, or what fits `COUNTED`.

    `now` is aware; `begun` is the site's first day with data (for `all`).

    Raises KeyError if no range has that name, or ValueError if it is out of all bounds.
    """
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    if word == "24h":
        start = now - timedelta(hours=24)
        return Range(start.astimezone(zone).date(), today, timezone, start, now)
    if re.fullmatch(COUNTED, word):
        return _checked(_before(today, word, timezone))
    year = today.year
    ends = {
        "day": (today, today),
        "month": (month_start(today), month_start(today, -1) - _DAY),
        "year": (date(year, 1, 1), date(year, 12, 31)),
        "all": (min(begun, today), today),
    }
    return Range(*ends[word], timezone)


def _before(today: date, word: str, timezone: str) -> Range:
    """That many whole days, or months, before the current one.

    Raises ValueError if they are too many.
    """
    number = int(re.sub(r"\D", "", word))
    try:
        if word.endswith("mo"):
            this = month_start(today)
            return Range(month_start(today, number), this - _DAY, timezone)
        return Range(today - number * _DAY, today - _DAY, timezone)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"ranges lie between {FIRST} and {LAST}") from error


def days_range(first: date, last: date, timezone: str) -> Range:
    """The range of whole days, both included.

    Raises ValueError if the first day comes after the last, or one is out of all
    bounds.
    """
    return _checked(Range(first, last, timezone))


def instants_range(start: datetime, end: datetime, timezone: str) -> Range:
    """The range between two aware instants, both included to the second.

    Raises ValueError if the first comes after the last, or one is out of all bounds.
    """
    zone = ZoneInfo(timezone)
    if start > end:
        raise ValueError(f"the range ends ({end}) before it begins ({start})")
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    return _checked(Range(first, last, timezone, start, end + timedelta(seconds=1)))


def _checked(asked: Range) -> Range:
    if asked.first > asked.last:
        raise ValueError(
            f"the range ends ({asked.last}) before it begins ({asked.first})"
        )
    if asked.first < FIRST or asked.last > LAST:
        raise ValueError(f"ranges lie between {FIRST} and {LAST}")
    return asked


def previous(asked: Range) -> Range:
    """The period of the same length just before.

    Raises ValueError if it is out of all bounds.
    """
    if asked.start is not None and asked.end is not None:
        return instants_range(
            asked.start - (asked.end - asked.start),
            asked.start - timedelta(seconds=1),
            asked.timezone,
        )
    return shifted(asked, -((asked.last - asked.first).days + 1))


def shifted(asked: Range, days: int) -> Range:
    """The range moved by that many days, at the same times of day.

    Raises ValueError if it is out of all bounds.
    """
    step = timedelta(days=days)
    return _moved(asked, asked.first + step, asked.last + step)


def year_over_year(asked: Range) -> Range:
    """The same number of days from the same date a year before; 29 February becomes 28.

    Raises ValueError if it is out of all bounds.
    """
    first = year_before(asked.first, 1)
    return _moved(asked, first, first + (asked.last - asked.first))


def _moved(asked: Range, first: date, last: date) -> Range:
    if asked.start is None or asked.end is None:
        return _checked(Range(first, last, asked.timezone))
    zone = ZoneInfo(asked.timezone)
    second = timedelta(seconds=1)
    start, end = (
        datetime.combine(day, instant.astimezone(zone).timetz())
        for day, instant in ((first, asked.start), (last, asked.end - second))
    )
    return instants_range(start.astimezone(UTC), end.astimezone(UTC), asked.timezone)


def year_before(day: date, years: int) -> date:
    """The same date that many years earlier; for the 29th of February, the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def weekdays_matched(asked: Range, compared: Range) -> Range:
    """`compared` moved to the nearest start on the weekday that `asked` starts on.

    If that is the start of `asked` itself, to the one a week before.

    Raises ValueError if it is out of all bounds.
    """
    ahead = (asked.first.weekday() - compared.first.weekday()) % 7
    is_far = ahead > 3 or compared.first + timedelta(days=ahead) == asked.first
    return shifted(compared, ahead - 7 if is_far else ahead)
