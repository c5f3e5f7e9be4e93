"""Date ranges: from the words of a question to days in the site's time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from page_tracker.query.query import Range

WORDS = (
    "day",
    "24h",
    "7d",
    "28d",
    "30d",
    "91d",
    "month",
    "6mo",
    "12mo",
    "year",
    "all",
)


def month_start(day: date, months_back: int = 0) -> date:
    """The first day of the month that lies so many months before `day`'s."""
    months = day.year * 12 + day.month - 1 - months_back
    return date(months // 12, months % 12 + 1, 1)


def named_range(word: str, timezone: str, now: datetime, begun: date) -> Range:
    """The range that a word names; ranges end with the running day, month or year.

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
        ValueError: the first day comes after the last.
    """
    if first > last:
        raise ValueError(f"the range ends ({last}) before it begins ({first})")
    return Range(first, last, timezone)


def instants_range(start: datetime, end: datetime, timezone: str) -> Range:
    """The range between two aware instants, both included to the second.

    Raises:
        ValueError: the first comes after the last.
    """
    if start > end:
        raise ValueError(f"the range ends ({end}) before it begins ({start})")
    zone = ZoneInfo(timezone)
    after = end + timedelta(seconds=1)
    return Range(
        start.astimezone(zone).date(),
        end.astimezone(zone).date(),
        timezone,
        start,
        after,
    )


def bucket(asked: Range) -> str:
    """The bucket that `time` stands for: hours of a day or two, else days or months."""
    days = (asked.last - asked.first).days + 1
    if asked.start is not None and days <= 3 or days == 1:
        return "time:hour"
    return "time:day" if days <= 92 else "time:month"


def previous(asked: Range) -> Range:
    """The period of the same length just before."""
    if asked.start is not None and asked.end is not None:
        return instants_range(
            asked.start - (asked.end - asked.start),
            asked.start - timedelta(seconds=1),
            asked.timezone,
        )
    days = (asked.last - asked.first).days + 1
    return shifted(asked, -days)


def shifted(asked: Range, days: int) -> Range:
    """The range moved by so many days."""
    step = timedelta(days=days)
    return Range(asked.first + step, asked.last + step, asked.timezone)


def year_over_year(asked: Range) -> Range:
    """The same days a year earlier; the 29th of February becomes the 28th."""
    return Range(
        _year_before(asked.first), _year_before(asked.last), asked.timezone
    )


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def weekdays_matched(asked: Range, compared: Range) -> Range:
    """`compared` moved to the nearest start on the weekday that `asked` starts on."""
    ahead = (asked.first.weekday() - compared.first.weekday()) % 7
    return shifted(compared, ahead if ahead <= 3 else ahead - 7)


def labels(asked: Range, name: str) -> tuple[str, ...]:
    """All buckets of a range in order of time, as answers write them."""
    if name in ("time:hour", "time:minute"):
        return _instants(asked, timedelta(**{name.removeprefix("time:") + "s": 1}))
    days = [
        asked.first + timedelta(days=step)
        for step in range((asked.last - asked.first).days + 1)
    ]
    if name == "time:week":
        days = [day - timedelta(days=day.weekday()) for day in days]
    if name == "time:month":
        days = [day.replace(day=1) for day in days]
    return tuple(dict.fromkeys(day.isoformat() for day in days))


def _instants(asked: Range, step: timedelta) -> tuple[str, ...]:
    zone = ZoneInfo(asked.timezone)
    utc = ZoneInfo("UTC")
    start = asked.start or datetime.combine(asked.first, datetime.min.time(), zone)
    end = asked.end or datetime.combine(
        asked.last + timedelta(days=1), datetime.min.time(), zone
    )
    at, found = start.astimezone(utc), {}
    while at < end:
        local = at.astimezone(zone)
        local = local.replace(second=0, microsecond=0)
        if step >= timedelta(hours=1):
            local = local.replace(minute=0)
        found[local.strftime("%Y-%m-%d %H:%M:%S")] = None
        at += step
    return tuple(found)
