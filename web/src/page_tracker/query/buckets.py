"""Buckets of time: those of a range, their labels, and their pairs. Pure.

A bucket has a *key*, which is what SQL groups by, and a *label*, which answers show.
Both are the same text for days, weeks and months. The key of an hour or minute is the
second since 1970 at which it begins, so that an hour that the clock repeats is two
buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from page_tracker.query.dates import year_before
from page_tracker.query.query import Range

# The length of the buckets shorter than a day, in seconds.
SECONDS = {"time:minute": 60, "time:hour": 3600}

# In every zone an hour begins at one of these steps from the full hour of UTC.
_QUARTER = 15 * 60
_DAY = timedelta(days=1)


def bucket(asked: Range) -> str:
    """The bucket that `time` stands for: by hours up to 48 h, by days up to 40 days,
    by weeks up to 52 weeks, else by months.
    """
    days = (asked.last - asked.first).days + 1
    if asked.start is not None and asked.end is not None:
        hours = (asked.end - asked.start) / timedelta(hours=1)
    else:
        hours = 24 * days  # whatever the clock did
    if hours <= 48:
        return "time:hour"
    if days <= 40:
        return "time:day"
    return "time:week" if days <= 52 * 7 else "time:month"


def max_labels(asked: Range, name: str) -> int:
    """The largest possible number of labels."""
    days = (asked.last - asked.first).days + 1
    return days * {"time:minute": 1500, "time:hour": 25}.get(name, 1)


def label(name: str, key: str, timezone: str) -> str:
    """The label of the bucket with this key.

    If an hour comes twice, the label of the second ends with its offset.
    """
    if name not in SECONDS:
        return key
    zone, begins, size = ZoneInfo(timezone), int(key), SECONDS[name]
    moment = datetime.fromtimestamp(begins, zone)
    if _past(moment, size):  # the clock was moved within the hour
        moment = datetime.fromtimestamp(begins + size - 1, zone)
    text = moment.isoformat(" ", "seconds")
    clock = f"{text[:16]}:00" if size == 60 else f"{text[:13]}:00:00"
    return clock + text[19:] if moment.fold else clock


def buckets(asked: Range, name: str) -> dict[str, str]:
    """The labels of all buckets of a range by their keys, in order of time."""
    if name in SECONDS:
        keys = _instants(asked, SECONDS[name])
        return {key: label(name, key, asked.timezone) for key in keys}
    days: Iterable[date] = _days(asked)
    if name == "time:week":
        days = (max(day - day.weekday() * _DAY, asked.first) for day in days)
    if name == "time:month":
        days = (day.replace(day=1) for day in days)
    return {str(day): str(day) for day in days}


def labels(asked: Range, name: str) -> tuple[str, ...]:
    """All buckets of a range in order of time, as answers write them."""
    return tuple(buckets(asked, name).values())


def pairs(asked: Range, compared: Range, name: str) -> dict[str, str]:
    """The keys of the compared range's buckets, by the key of ours at the same place.

    The place is that in the calendar: the same day of the year before, else the same
    day of the range; the same time by the clock. Weeks and months are counted from the
    first. A bucket without a counterpart is left out.
    """
    ours, theirs = buckets(asked, name), buckets(compared, name)
    if name in ("time:week", "time:month") or not _begin_alike(asked, compared):
        return dict(zip(ours, theirs))
    days = {str(ours): str(theirs) for ours, theirs in _paired(asked, compared).items()}
    keys = {text: key for key, text in theirs.items()}
    wanted = {key: days.get(text[:10], "") + text[10:] for key, text in ours.items()}
    return {key: keys[text] for key, text in wanted.items() if text in keys}


def _begin_alike(asked: Range, compared: Range) -> bool:
    """Whether both ranges begin at the same time of day."""
    zone = ZoneInfo(asked.timezone)
    clocks = {
        each.start.astimezone(zone).time() if each.start else datetime.min.time()
        for each in (asked, compared)
    }
    return len(clocks) == 1


def _paired(asked: Range, compared: Range) -> Mapping[date, date]:
    """The days of the compared range by ours."""
    years = asked.first.year - compared.first.year
    if years > 0 and year_before(asked.first, years) == compared.first:
        found = {day: year_before(day, years) for day in _days(asked)}
        # The 28th of February is the counterpart of one day only.
        found = {before: day for day, before in reversed(found.items())}
        return {day: before for before, day in found.items() if before <= compared.last}
    apart = compared.first - asked.first
    return {day: day + apart for day in _days(asked) if day + apart <= compared.last}


def _days(asked: Range) -> list[date]:
    count = (asked.last - asked.first).days + 1
    return [asked.first + step * _DAY for step in range(count)]


def _instants(asked: Range, size: int) -> list[str]:
    """The keys of all buckets of this length in seconds, in order."""
    zone, midnight = ZoneInfo(asked.timezone), datetime.min.time()
    start = asked.start or datetime.combine(asked.first, midnight, zone)
    end = asked.end or datetime.combine(asked.last + _DAY, midnight, zone)
    first, last = start.astimezone(UTC).timestamp(), end.astimezone(UTC).timestamp()
    step = min(size, _QUARTER)
    found: dict[str, None] = {}
    at = int(first)
    while at < last:
        moment = datetime.fromtimestamp(at, zone)
        found[str(at - _past(moment, size))] = None
        at += step - at % step  # to the next full step
    return list(found)


def _past(moment: datetime, size: int) -> int:
    """How many seconds of its bucket are over, by the clock."""
    return (60 * moment.minute + moment.second) % size
