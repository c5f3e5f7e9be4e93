"""One figure over time, as lines of an SVG and as a table. Pure.

The lines are drawn in a square that is stretched to the space available, so that they
keep their width; the text beside them is HTML and keeps its size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec

from page_tracker.query.buckets import SECONDS, buckets
from page_tracker.query.catalog import METRICS
from page_tracker.query.query import Query
from page_tracker.query.report import Report, Value, label_moves
from page_tracker.web.pages import formatting

WIDTH, HEIGHT = 1000, 240
MOST_LABELS = 6


class Point(msgspec.Struct, frozen=True):
    """A bucket: its label for people and in answers, its values; None where there is
    none, as in the future. `other` is the label of the bucket it is compared with."""

    label: str
    name: str
    value: Value
    before: Value
    other: str
    shown: str
    shown_before: str


class Chart(msgspec.Struct, frozen=True):
    """Paths of the lines ('' if there is none), and the text beside them; `dots` are
    values with none beside them, which make no line."""

    points: list[Point]
    area: str
    line: str
    unfinished: str
    dots: str
    before: str
    marks: list[str]
    labels: list[str]
    sentence: str
    has_before: bool


def chart_of(report: Report, now: datetime) -> Chart:
    """The chart of a report with one metric and one dimension of time."""
    points = points_of(report, now)
    values = [point.value for point in points]
    before = [point.before for point in points]
    metric = report.query.metrics[0]
    top, marks = scale([*values, *before], metric)
    done, open_ = _parts(report, values, now)
    return Chart(
        points=points,
        area=_area(values, top),
        line=path(done, top),
        unfinished=path(open_, top),
        dots=dots(path(values, top)),
        before=path(before, top) if any(before) else "",
        marks=marks,
        labels=_labels(_ticks(report.query, points)),
        sentence=_sentence(points),
        has_before=any(before),
    )


def points_of(report: Report, now: datetime) -> list[Point]:
    """All buckets of the range, including those without hits."""
    query = report.query
    (name,), zone = query.dimensions, query.range.timezone
    known = {row.dimensions[0]: row.metrics[0] for row in report.rows}
    nothing: Value = 0 if METRICS[query.metrics[0]].counts else None
    moves: dict[str, str] = {}
    if query.comparison is not None:
        moves = label_moves(query, query.comparison.range)[0]
    found = []
    for key, label in buckets(query.range, name).items():
        has_begun = _begin(name, key, zone) <= now
        value = known.get(label, nothing) if has_begun else None
        then = (report.compared or {}).get((label,), (nothing,))
        before = then[0] if label in moves else None
        found.append(_point(query, label, value, before, moves.get(label, ""), now))
    return found


def _point(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    query: Query, label: str, value: Value, before: Value, other: str, now: datetime
) -> Point:
    (metric,), (name,) = query.metrics, query.dimensions
    today = now.astimezone(ZoneInfo(query.range.timezone)).date()
    return Point(
        label=formatting.bucket(name, label, today),
        name=label,
        value=value,
        before=before,
        other=formatting.bucket(name, other, today) if other else "",
        shown=formatting.figure(metric, value),
        shown_before=formatting.figure(metric, before),
    )


def _begin(name: str, key: str, timezone: str) -> datetime:
    """When a bucket begins."""
    zone = ZoneInfo(timezone)
    if name in SECONDS:
        return datetime.fromtimestamp(int(key), zone)
    return datetime.combine(datetime.fromisoformat(key).date(), time(0), zone)


def _parts(
    report: Report, values: Sequence[Value], now: datetime
) -> tuple[list[Value], list[Value]]:
    """The values of the buckets that have ended, and of the one that has not with the
    one before it: each in its place, None in all others."""
    query = report.query
    (name,), zone = query.dimensions, query.range.timezone
    begun = [_begin(name, key, zone) <= now for key in buckets(query.range, name)]
    running = max((at for at, is_begun in enumerate(begun) if is_begun), default=-1)
    if running < 0 or _is_over(report, running, now):
        return list(values), [None] * len(values)
    done = [value if at < running else None for at, value in enumerate(values)]
    places = (running - 1, running)
    return done, [v if at in places else None for at, v in enumerate(values)]


def _is_over(report: Report, at: int, now: datetime) -> bool:
    """Whether a bucket has ended."""
    query = report.query
    (name,), zone = query.dimensions, query.range.timezone
    keys = list(buckets(query.range, name).items())
    if at + 1 < len(keys):
        return _begin(name, keys[at + 1][0], zone) <= now
    key, label = keys[at]
    if name in SECONDS:
        return int(key) + SECONDS[name] <= now.timestamp()
    end = min(
        datetime.combine(formatting.next_bucket(name, label), time(0), ZoneInfo(zone)),
        datetime.combine(
            formatting.next_bucket("time:day", str(query.range.last)),
            time(0),
            ZoneInfo(zone),
        ),
    )
    return end <= now


def scale(values: Sequence[Value], metric: str) -> tuple[float, list[str]]:
    """The value at the top of a chart, and the labels from there down to 0."""
    most = max((value for value in values if value is not None), default=0)
    top = _round_up(max(most, 1), whole=METRICS[metric].type == "integer")
    marks: list[Value] = [top, top / 2, 0]
    if METRICS[metric].type == "integer":
        marks = [int(mark or 0) for mark in marks]
    return top, [formatting.figure(metric, mark) for mark in marks]


def _round_up(most: float, whole: bool) -> float:
    """The next round number whose half is round too, and (`whole`) has no fraction."""
    power = 1.0
    while power * 10 < most:
        power *= 10
    for step in (1, 2, 3, 4, 6, 8, 10):
        if step * power >= most and not (whole and power == 1 and step % 2):
            return step * power
    return 10 * power


def path(values: Sequence[Value], top: float) -> str:
    """The path of a line, with gaps where there is no value.

    >>> path([0, 10, None, 5], 10)
    'M0,240L333,0M1000,120h0'
    """
    found: list[str] = []
    is_drawn = False
    for at, value in enumerate(values):
        if value is None:
            is_drawn = False
            continue
        found.append(f"{'L' if is_drawn else 'M'}{_place(at, value, values, top)}")
        follows = at + 1 < len(values) and values[at + 1] is not None
        if not is_drawn and not follows:
            found.append("h0" if len(values) > 1 else f"h{WIDTH}")
        is_drawn = True
    return "".join(found)


def dots(line: str) -> str:
    """The points of a line that have none beside them.

    >>> dots("M0,240L333,0M1000,120h0")
    'M1000,120h0'
    """
    return "".join(re.findall("M[^ML]*h0", line))


def _area(values: Sequence[Value], top: float) -> str:
    """The path of the area below the line, if the line has no gap."""
    there = [at for at, value in enumerate(values) if value is not None]
    if len(there) < 2 or len(there) != there[-1] - there[0] + 1:
        return ""
    first, last = (_across(at, len(values)) for at in (there[0], there[-1]))
    return f"{path(values, top)}L{last},{HEIGHT}L{first},{HEIGHT}Z"


def _place(at: int, value: float, values: Sequence[Value], top: float) -> str:
    down = round(HEIGHT * (1 - value / top), 1)
    return f"{_across(at, len(values))},{down:g}"


def _across(at: int, number: int) -> int:
    return round(WIDTH * at / (number - 1)) if number > 1 else 0


def _ticks(query: Query, points: Sequence[Point]) -> list[str]:
    """What stands below the points: no day if all are of one, no year if of one."""
    (name,) = query.dimensions
    first, last = points[0].name[:10], points[-1].name[:10]
    end = date.fromisoformat(last)
    told = [formatting.bucket(name, point.name, end) for point in points]
    if name in SECONDS and first == last:
        return [text.partition(", ")[2] for text in told]
    return told


def _labels(labels: Sequence[str]) -> list[str]:
    """Some of the labels, evenly spaced, including the first and the last."""
    gaps, most = len(labels) - 1, MOST_LABELS - 1
    if gaps < 1:
        return list(labels)
    # With many points, the nearest one is near enough.
    fits = (n for n in range(min(most, gaps), 0, -1) if gaps % n == 0)
    steps = most if gaps > 4 * most else next(fits)
    return [labels[round(gaps * step / steps)] for step in range(steps + 1)]


def _sentence(points: Sequence[Point]) -> str:
    """What the chart shows, for people who cannot see it."""
    told = [point for point in points if point.value]
    if not told:
        return "Nothing in these days."
    most = max(told, key=lambda point: point.value or 0)
    return f"Most: {most.shown}, {most.label}."
