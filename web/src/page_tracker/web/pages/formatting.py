"""Figures, changes and dates as people read them. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from page_tracker.query import countries
from page_tracker.query.answer import POINTS, change
from page_tracker.query.catalog import METRICS, TIME_BUCKETS
from page_tracker.query.query import Range
from page_tracker.query.report import Value
from page_tracker.query.typed_filters import short_name

SECONDS = frozenset({"visit_duration", "time_on_page"})
# Lower is better for these; for all others higher is.
FEWER_IS_BETTER = frozenset({"bounce_rate"})
NOTHING = "–"
# A larger growth is given as a factor.
MAX_PERCENT = 1_000

LABELS = {
    "visitors": "Visitors",
    "visits": "Visits",
    "pageviews": "Page views",
    "events": "Events",
    "views_per_visit": "Views per visit",
    "bounce_rate": "Bounce rate",
    "visit_duration": "Visit duration",
    "scroll_depth": "Scroll depth",
    "time_on_page": "Reading time",
    "percentage": "Share",
    "conversion_rate": "Conversion",
    "group_conversion_rate": "Conversion",
    "total_revenue": "Revenue",
    "average_revenue": "Average",
}

_DIMENSIONS = {
    "event:goal": "Goal",
    "event:page": "Page",
    "event:hostname": "Host",
    "event:name": "Event",
    "visit:entry_page": "Entry page",
    "visit:entry_page_hostname": "Entry host",
    "visit:exit_page": "Exit page",
    "visit:exit_page_hostname": "Exit host",
    "visit:os": "System",
    "visit:os_version": "System version",
    "visit:screen": "Screen",
}


def figure(metric: str, value: Value, unit: str = "") -> str:
    """A metric's value; `unit` is the currency of an amount."""
    if value is None:
        return NOTHING
    if METRICS[metric].type == "money":
        return f"{value:,.2f} {unit}".rstrip()
    if metric in SECONDS:
        return duration(int(value))
    if metric in POINTS:
        return f"{value:,.1f}%" if isinstance(value, float) else f"{value:,}%"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def duration(seconds: int) -> str:
    """
    >>> duration(5), duration(65), duration(3600)
    ('5 s', '1 min 05 s', '60 min 00 s')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:,} min {rest:02d} s" if minutes else f"{rest} s"


def changed(metric: str, now: Value, before: Value) -> tuple[str, str]:
    """How a metric has changed, and whether that is `good`, `bad` or neutral ('').

    >>> changed("visitors", 150, 100), changed("visitors", 3, 0)
    (('▲ 50%', 'good'), ('new', 'good'))
    >>> changed("visitors", 30_000, 2)
    ('▲ 15,000×', 'good')
    """
    by = change(metric, now, before)
    if by is None:
        return "", ""
    if by == 0:
        return "same", ""
    mood = "good" if (by > 0) != (metric in FEWER_IS_BETTER) else "bad"
    if before == 0 and metric not in POINTS:
        return "new", mood
    if by >= MAX_PERCENT and now and before:
        return f"▲ {round(now / before):,}×", mood
    unit = " pt" if metric in POINTS else "%"
    return f"{'▲' if by > 0 else '▼'} {abs(by):,}{unit}", mood


def change_in_words(now_label: str, before: str, told: str) -> str:
    """The change in words, for screen readers."""
    words = {"▲": "up", "▼": "down"}
    sign, _, rest = told.partition(" ")
    said = f"{words[sign]} {rest}" if sign in words else told
    return f"{now_label}, {said} from {before}" if told else now_label


def day(value: date, today: date | None = None) -> str:
    """A day; without its year if that is this year.

    >>> day(date(2026, 11, 3), date(2026, 11, 27)), day(date(2025, 1, 3))
    ('3 Nov', '3 Jan 2025')
    """
    text = f"{value.day} {value:%b}"
    return text if today and value.year == today.year else f"{text} {value.year}"


def days(asked: Range, today: date) -> str:
    """The days of a range, or its moments if it does not consist of whole days."""
    if asked.start is not None and asked.end is not None:
        zone = ZoneInfo(asked.timezone)
        start = asked.start.astimezone(zone)
        end = asked.end.astimezone(zone)
        if (start.hour, start.minute) == (0, 0):
            first = day(start.date(), today)
        else:
            first = moment(start, today)
        if start.date() == end.date():
            return f"{moment(start, today)} – {end:%H:%M}"
        return f"{first} – {moment(end, today)}"
    if asked.first == asked.last:
        return f"{asked.first:%a} {day(asked.first, today)}"
    if asked.first.year == asked.last.year == today.year:
        return f"{day(asked.first, today)} – {day(asked.last, today)}"
    return f"{day(asked.first)} – {day(asked.last)}"


def moment(instant: datetime, today: date) -> str:
    """A moment, in its own zone."""
    return f"{day(instant.date(), today)}, {instant:%H:%M}"


def bucket(name: str, label: str, today: date) -> str:
    """A bucket's label, as answers write it, for people.

    >>> bucket("time:hour", "2026-11-03 14:00:00", date(2026, 11, 27))
    'Tue 3 Nov, 14:00'
    """
    if name not in TIME_BUCKETS:
        return label
    first = date.fromisoformat(label[:10])
    if name in ("time:hour", "time:minute"):
        offset = f" ({label[19:]})" if label[19:] else ""
        return f"{first:%a} {day(first, today)}, {label[11:16]}{offset}"
    if name == "time:month":
        return f"{first:%B %Y}"
    if name == "time:week":
        return f"Week of {day(first, today)}"
    return f"{first:%a} {day(first, today)}"


def next_bucket(name: str, label: str) -> date:
    """The first day after a bucket of whole days."""
    first = date.fromisoformat(label[:10])
    if name == "time:month":
        return (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    if name == "time:week":
        return first + timedelta(days=7 - first.weekday())
    return first + timedelta(days=1)


def label_of(dimension: str) -> str:
    """A dimension's name for people; for a property, its key."""
    name = short_name(dimension).removeprefix("props:")
    if dimension in _DIMENSIONS or dimension.startswith("event:props:"):
        return _DIMENSIONS.get(dimension, name)
    return name if name.startswith("utm_") else name.replace("_", " ").capitalize()


def name_of(dimension: str, value: str) -> str:
    """A row's name for people."""
    if dimension == "visit:country":
        return countries.names().get(value, value)
    return value
