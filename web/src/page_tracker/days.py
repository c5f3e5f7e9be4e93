"""Days and instants as they are stored: days are numbers since 1970-01-01. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_SECONDS = 86_400
MICROSECONDS = 1_000_000  # in a second
MINUTE = 60 * MICROSECONDS

_EPOCH = date(1970, 1, 1)
# Somewhere a date begins this long before it does in UTC, and ends this long after.
_EASTMOST = 14 * 3_600  # seconds
_WESTMOST = 12 * 3_600


def day_number(when: date) -> int:
    """Days since 1970-01-01."""
    return (when - _EPOCH).days


def date_of(day: int) -> date:
    """The date of a day since 1970-01-01."""
    return _EPOCH + timedelta(days=day)


@lru_cache(maxsize=64)
def month_of(day: int) -> str:
    """The month, `YYYY-MM`, of a day since 1970-01-01."""
    return date_of(day).isoformat()[:7]


def day_at(zone: str, instant: int) -> int:
    """The day in a time zone, since 1970-01-01, of an instant (UTC, microseconds)."""
    return _day_at_minute(zone, instant // MINUTE)


@lru_cache(maxsize=16_384)
def _day_at_minute(zone: str, minute: int) -> int:
    """Since 1972 every zone begins its days, and shifts its clock, on a full minute."""
    instant = datetime.fromtimestamp(minute * 60, UTC)
    return day_number(instant.astimezone(ZoneInfo(zone)).date())


def next_midnight(zone: str, now: int) -> int:
    """The first instant (UTC, seconds) after `now` that is in the zone's next day."""
    today = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).date()
    midnight = datetime.combine(
        today + timedelta(days=1), datetime.min.time(), ZoneInfo(zone)
    )
    return int(midnight.timestamp())


def utc_day(now: float) -> int:
    """The day in UTC, since 1970-01-01, of an instant (seconds)."""
    return int(now // DAY_SECONDS)


def first_day(now: float) -> int:
    """The earliest day that is not over everywhere, at an instant (seconds)."""
    return int((now - _WESTMOST) // DAY_SECONDS)


def last_day(now: float) -> int:
    """The latest day that has begun anywhere, at an instant (seconds)."""
    return int((now + _EASTMOST) // DAY_SECONDS)


def is_over(day: int, now: float) -> bool:
    """Whether a day is over in every time zone, at an instant (seconds)."""
    return day < first_day(now)
