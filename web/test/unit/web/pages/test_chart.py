"""A figure over time: its lines, its marks, what is not over yet."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.query.buckets import labels
from page_tracker.query.plan import Plan
from page_tracker.query.query import Comparison, Query, Range
from page_tracker.query.report import Report, Row
from page_tracker.query.sql import Statement
from page_tracker.web.pages.chart import HEIGHT, WIDTH, chart_of, path, scale

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAYS = Range(date(2026, 11, 24), date(2026, 11, 30), "UTC")
BEFORE = Range(
    date(2026, 11, 17),
    date(2026, 11, 20),
    "UTC",
    datetime(2026, 11, 17, tzinfo=UTC),
    datetime(2026, 11, 20, 12, tzinfo=UTC),
)


def report(metric: str = "visitors", interval: str = "day", **values: int) -> Report:
    """A report over some days of November; `d24=5` is a value of the 24th."""
    query = Query(
        site="a.org",
        metrics=(metric,),
        range=DAYS,
        dimensions=(f"time:{interval}",),
        comparison=Comparison(BEFORE),
    )
    rows = [
        Row((f"2026-11-{name[1:]}",), (value,))
        for name, value in values.items()
        if name[0] == "d"
    ]
    compared: dict[tuple[str, ...], tuple[int | float | None, ...]] = {
        (f"2026-11-{name[1:]}",): (value,)
        for name, value in values.items()
        if name[0] == "b"
    }
    return Report(
        query=query,
        rows=tuple(rows),
        total_rows=len(rows),
        plan=Plan((), ()),
        files={},
        asked=Statement("", {}),
        compared=compared,
    )


def test_each_day_has_a_point_and_the_future_none() -> None:
    points = chart_of(report(d24=3, d27=1), NOON).points

    assert [point.value for point in points] == [3, 0, 0, 1, None, None, None]
    assert [point.label for point in points][:2] == ["Tue 24 Nov", "Wed 25 Nov"]


def test_the_running_day_is_a_line_of_its_own() -> None:
    chart = chart_of(report(d24=4, d26=2, d27=1), NOON)

    assert chart.line == "M0,0L167,240L333,120"
    assert chart.unfinished == "M333,120L500,180"


def test_a_day_alone_is_a_dot_that_people_see() -> None:
    assert chart_of(report(d24=4), NOON.replace(day=24)).dots == "M0,0h0"
    assert chart_of(report(d24=4), NOON).dots == ""


def test_days_that_are_over_have_no_such_line() -> None:
    chart = chart_of(report(d24=4), datetime(2026, 12, 24, tzinfo=UTC))

    assert chart.unfinished == ""
    assert len(re.findall("[ML]", chart.line)) == 7


def test_the_days_before_are_told_as_far_as_they_are_compared() -> None:
    points = chart_of(report(d24=1, b24=5), NOON).points

    assert [point.before for point in points] == [5, 0, 0, 0, None, None, None]
    assert points[0].other == "Tue 17 Nov"


def test_nothing_before_is_no_line() -> None:
    chart = chart_of(report(d24=1), NOON)

    assert not chart.has_before
    assert chart.before == ""


def test_a_rate_of_nothing_is_no_point() -> None:
    chart = chart_of(report("bounce_rate", d24=50, d26=100), NOON)

    assert [point.value for point in chart.points][:4] == [50, None, 100, None]
    assert chart.area == ""
    assert chart.line == chart.dots == "M0,120h0M333,0h0"


VALUES = st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=400)


@given(VALUES)
def test_no_line_leaves_its_chart(values: list[int | None]) -> None:
    top, _ = scale(values, "visitors")
    drawn = path(values, top)

    places = re.findall(r"[ML](\d+),([\d.e+-]+)", drawn)
    assert len(places) == sum(value is not None for value in values)
    assert all(0 <= int(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in places)


@given(st.integers(0, 10**12))
def test_the_marks_of_counts_are_whole_and_what_people_read(most: int) -> None:
    top, marks = scale([most], "visitors")

    assert top >= most
    assert top <= max(2, 2.5 * most)
    assert len(marks) == 3 and marks[-1] == "0"
    assert not re.search(r"\.\d*[1-9]", marks[1])
    assert top % 2 == 0  # the mark in the middle is of no fraction of a visitor


@given(st.integers(1, 400))
def test_labels_are_a_few_with_the_first_and_the_last(number: int) -> None:
    days = Range(
        date(2025, 1, 1),
        date.fromordinal(date(2025, 1, 1).toordinal() + number - 1),
        "UTC",
    )
    names = labels(days, "time:day")
    query = Query(site="a", metrics=("visitors",), range=days, dimensions=("time:day",))
    whole = Report(query, (), 0, Plan((), ()), {}, Statement("", {}))

    told = chart_of(whole, NOON).labels

    assert len(names) == number
    assert 1 <= len(told) <= 6
    assert len(told) == 1 or number > 1
    assert number < 3 or len(told) >= 2


@pytest.mark.parametrize(
    ("first", "last", "name", "told"),
    [
        (date(2025, 1, 2), date(2025, 1, 2), "time:hour", ["00:00", "23:00"]),
        (date(2025, 1, 2), date(2025, 1, 4), "time:day", ["Thu 2 Jan", "Sat 4 Jan"]),
        (
            date(2024, 12, 31),
            date(2025, 1, 1),
            "time:day",
            ["Tue 31 Dec 2024", "Wed 1 Jan"],
        ),
    ],
)
def test_labels_leave_out_what_all_of_them_share(
    first: date, last: date, name: str, told: list[str]
) -> None:
    days = Range(first, last, "UTC")
    query = Query(site="a", metrics=("visitors",), range=days, dimensions=(name,))
    whole = Report(query, (), 0, Plan((), ()), {}, Statement("", {}))

    shown = chart_of(whole, NOON).labels

    assert [shown[0], shown[-1]] == told
