"""Days and times as people type them, as ranges of the grammar. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from page_tracker.query.dates import COUNTED, WORDS, month_start
from page_tracker.query.problem import QueryError, nearest

# How many days a question covers by default, today included.
USUAL_DAYS = 30

_DAY = timedelta(days=1)
_MIDNIGHT, _LAST_SECOND = time(0), time(23, 59, 59)
Days = tuple[date, date]

# Periods that can be typed, in addition to those of the grammar.
NAMES = (
    *("today", "yesterday", "week", "last week", "last month", "last year"),
    *("2026", "2026-01", "2026-01-31"),
)


def period(text: str, now: datetime) -> Any:
    """The range that `--period` names; `now` is in the site's zone.

    Raises QueryError if it names none.
    """
    if text in WORDS or re.fullmatch(COUNTED, text):
        return text
    days = _days(text, now.date())
    if days is None:
        hint = nearest(text, [*WORDS, *NAMES]) or "; write it like 7d, 3mo or 2026-01"
        raise QueryError("", f'--period: "{text[:40]}" is no period{hint}')
    return [str(day) for day in days]


def usual(now: datetime) -> list[str]:
    """The default range: the last days, including today."""
    today = now.date()
    return [str(today - (USUAL_DAYS - 1) * _DAY), str(today)]


def between(first: str, last: str | None, now: datetime, option: str) -> list[str]:
    """The range between two typed ends, or up to now; both ends included.

    Days, months and years are whole; a time without an offset is the site's, in whose
    zone `now` is. `option` is where it was typed.

    Raises QueryError if one of them is no day and no time.
    """
    start = _moment(first, now, option)
    if last is None:
        end: Days | datetime = now if isinstance(start, datetime) else _today(now)
    else:
        end = _moment(last, now, option)
    if not isinstance(start, datetime) and not isinstance(end, datetime):
        return [str(start[0]), str(end[1])]
    if not isinstance(start, datetime):
        start = datetime.combine(start[0], _MIDNIGHT, now.tzinfo)
    if not isinstance(end, datetime):
        end = datetime.combine(end[1], _LAST_SECOND, now.tzinfo)
    return [start.isoformat(timespec="seconds"), end.isoformat(timespec="seconds")]


def _today(now: datetime) -> Days:
    return now.date(), now.date()


def _moment(text: str, now: datetime, option: str) -> Days | datetime:
    """The days, or the aware instant, that a text names."""
    days = _days(text, now.date())
    if days is not None:
        return days
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(
            "",
            f'{option}: "{text[:40]}" is no day or time; write it like 2026-01-31,'
            " 2026-01 or 2026-01-31T12:00",
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=now.tzinfo)


def _days(text: str, today: date) -> Days | None:
    """The first and the last of the days that a text names, if it names any."""
    monday = today - today.weekday() * _DAY
    named = {
        "today": (today, today),
        "yesterday": (today - _DAY, today - _DAY),
        "week": (monday, monday + 6 * _DAY),
        "last week": (monday - 7 * _DAY, monday - _DAY),
        "last month": (month_start(today, 1), month_start(today) - _DAY),
        "last year": (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    if text.strip().lower() in named:
        return named[text.strip().lower()]
    return _calendar_days(text.strip())


def _calendar_days(text: str) -> Days | None:
    """The days of a year, a month or a day, as ISO 8601 writes them."""
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text):
        return None
    try:
        if len(text) == 4:
            return date(int(text), 1, 1), date(int(text), 12, 31)
        if len(text) == 7:
            first = date.fromisoformat(f"{text}-01")
            return first, month_start(first, -1) - _DAY
        day = date.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return day, day
