"""Date ranges: from the words of a question to days in the site's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from page_tracker.query.query import Range

# Each word with what it stands for, as the command line's help tells it.
WORDS = {
    "day": "today",
    "24h": "the last 24 hours",
    "7d": "the last 7 days, today included",
    "28d": "the last 28 days",
    "30d": "the last 30 days",
    "91d": "the last 91 days",
    "month": "this month so far",
    "6mo": "this month and the 5 before",
    "12mo": "this month and the 11 before",
    "year": "this year so far",
    "all": "since the site's first day",
}

# Nothing was counted before, and nothing will be asked about later.
FIRST, LAST = date(1970, 1, 1), date(2199, 12, 31)

# In every zone an hour begins at one of these steps from the full hour of UTC.
_QUARTER = timedelta(minutes=15)


def month_start(day: date, months_back: int = 0) -> date:
    """The first day of the month that lies so many months before `day`'s."""
    months = day.year * 12 + day.month - 1 - months_back
    return date(months // 12, months % 12 + 1, 1)


def day_of(text: str) -> date:
    """The day that is written as YYYY-MM-DD.

    Raises:
        ValueError: there is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f'"{text}" is no day; write it like 2026-01-31 ({error})'
        ) from error


def instant_of(text: str) -> datetime:
    """The aware instant that is written as ISO 8601 has it.

    Raises:
        ValueError: there is none, or it has no offset.
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
    """The range that a word names; ranges end with the running day or moment.

    `now` is aware; `begun` is the site's first day with data (for `all`).

    Raises:
        KeyError: no range has that name.
    """
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    if word == "24h":
        start = now - timedelta(hours=24)
        return Range(start.astimezone(zone).date(), today, timezone, start, now)
    firsts = {
        "day": today,
        "7d": today - timedelta(days=6),
        "28d": today - timedelta(days=27),
        "30d": today - timedelta(days=29),
        "91d": today - timedelta(days=90),
        "month": month_start(today),
        "6mo": month_start(today, 5),
        "12mo": month_start(today, 11),
        "year": date(today.year, 1, 1),
        "all": min(begun, today),
    }
    return Range(firsts[word], today, timezone)


def days_range(first: date, last: date, timezone: str) -> Range:
    """The range of whole days, both included.

    Raises:
        ValueError: the first day comes after the last, or one is out of all bounds.
    """
    return _checked(Range(first, last, timezone))


def instants_range(start: datetime, end: datetime, timezone: str) -> Range:
    """The range between two aware instants, both included to the second.

    Raises:
        ValueError: the first comes after the last, or one is out of all bounds.
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


def bucket(asked: Range) -> str:
    """The bucket that `time` stands for: hours of a day or two, else days or months."""
    days = (asked.last - asked.first).days + 1
    if asked.start is not None and days <= 3 or days == 1:
        return "time:hour"
    return "time:day" if days <= 92 else "time:month"


def previous(asked: Range) -> Range:
    """The period of the same length just before.

    Raises:
        ValueError: it is out of all bounds.
    """
    if asked.start is not None and asked.end is not None:
        return instants_range(
            asked.start - (asked.end - asked.start),
            asked.start - timedelta(seconds=1),
            asked.timezone,
        )
    return shifted(asked, -((asked.last - asked.first).days + 1))


def shifted(asked: Range, days: int) -> Range:
    """The range moved by so many days, to the same times of these days.

    Raises:
        ValueError: it is out of all bounds.
    """
    step = timedelta(days=days)
    return _moved(asked, asked.first + step, asked.last + step)


def year_over_year(asked: Range) -> Range:
    """The same days a year earlier; the 29th of February becomes the 28th.

    Raises:
        ValueError: it is out of all bounds.
    """
    return _moved(asked, _year_before(asked.first), _year_before(asked.last))


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


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def weekdays_matched(asked: Range, compared: Range) -> Range:
    """`compared` moved to the nearest start on the weekday that `asked` starts on.

    Where that is the start of `asked` itself, to the one a week before.

    Raises:
        ValueError: it is out of all bounds.
    """
    ahead = (asked.first.weekday() - compared.first.weekday()) % 7
    is_far = ahead > 3 or compared.first + timedelta(days=ahead) == asked.first
    return shifted(compared, ahead - 7 if is_far else ahead)


def most_labels(asked: Range, name: str) -> int:
    """How many labels there are at most."""
    days = (asked.last - asked.first).days + 1
    return days * {"time:minute": 1500, "time:hour": 25}.get(name, 1)


def labels(asked: Range, name: str) -> tuple[str, ...]:
    """All buckets of a range in order of time, as answers write them."""
    if name in ("time:hour", "time:minute"):
        return _instants(asked, name)
    days = [
        asked.first + timedelta(days=step)
        for step in range((asked.last - asked.first).days + 1)
    ]
    if name == "time:week":
        days = [day - timedelta(days=day.weekday()) for day in days]
    if name == "time:month":
        days = [day.replace(day=1) for day in days]
    return tuple(dict.fromkeys(day.isoformat() for day in days))


def _instants(asked: Range, name: str) -> tuple[str, ...]:
    zone = ZoneInfo(asked.timezone)
    start = asked.start or datetime.combine(asked.first, datetime.min.time(), zone)
    end = asked.end or datetime.combine(
        asked.last + timedelta(days=1), datetime.min.time(), zone
    )
    start = start.astimezone(UTC)
    step = timedelta(minutes=1) if name == "time:minute" else _QUARTER
    shape = "%Y-%m-%d %H:%M:00" if name == "time:minute" else "%Y-%m-%d %H:00:00"
    # From the full step at or before the start.
    at = start - timedelta(seconds=start.timestamp() % step.total_seconds())
    found: dict[str, None] = {}
    while at < end:
        found[max(at, start).astimezone(zone).strftime(shape)] = None
        at += step
    return tuple(found)
