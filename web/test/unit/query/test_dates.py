"""Date ranges and the labels of their buckets."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from page_tracker.query import dates
from page_tracker.query.query import Range

NOW = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)


def days(first: str, last: str, zone: str = "UTC") -> Range:
    return dates.days_range(date.fromisoformat(first), date.fromisoformat(last), zone)


def instants(start: str, end: str, zone: str = "UTC") -> Range:
    ends = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return dates.instants_range(*ends, zone)


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("day", "2026-03-11"),
        ("7d", "2026-03-05"),
        ("28d", "2026-02-12"),
        ("30d", "2026-02-10"),
        ("91d", "2025-12-11"),
        ("month", "2026-03-01"),
        ("6mo", "2025-10-01"),
        ("12mo", "2025-04-01"),
        ("year", "2026-01-01"),
        ("all", "2020-02-02"),
    ],
)
def test_a_word_ends_today_in_the_sites_zone(word: str, first: str) -> None:
    found = dates.named_range(word, "Europe/Berlin", NOW, date(2020, 2, 2))

    assert (str(found.first), str(found.last)) == (first, "2026-03-11")


def test_24h_ends_now() -> None:
    found = dates.named_range("24h", "UTC", NOW, date(2020, 2, 2))

    assert found.end == NOW and str(found.first) == "2026-03-09"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-01-02", "2026-01-01"),
        ("1969-12-31", "2026-01-01"),
        ("2026-01-01", "2200-01-01"),
    ],
)
def test_a_range_that_means_nothing_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match="range"):
        days(first, last)


def test_hours_begin_where_a_cut_range_begins_within_one() -> None:
    asked = instants("2026-03-10T13:30:00+00:00", "2026-03-10T15:15:00+00:00")

    assert [label[11:] for label in dates.labels(asked, "time:hour")] == [
        "13:00:00",
        "14:00:00",
        "15:00:00",
    ]


def test_hours_of_a_zone_that_is_half_an_hour_off_are_its_own() -> None:
    labels = dates.labels(days("2026-03-10", "2026-03-10", "Asia/Kolkata"), "time:hour")

    assert len(labels) == 24 and labels[0] == "2026-03-10 00:00:00"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 24)])
def test_a_day_that_changes_the_clock_has_the_hours_that_its_clock_shows(
    day: str, hours: int
) -> None:
    """The hour that comes twice in autumn has one label."""
    assert len(dates.labels(days(day, day, "Europe/Berlin"), "time:hour")) == hours


def test_minutes_of_two_minutes_are_two() -> None:
    asked = instants("2026-03-10T13:30:30+00:00", "2026-03-10T13:31:59+00:00")

    assert [label[11:] for label in dates.labels(asked, "time:minute")] == [
        "13:30:00",
        "13:31:00",
    ]


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    asked = days("2026-03-10", "2026-04-01")

    assert dates.labels(asked, "time:week")[0] == "2026-03-09"
    assert dates.labels(asked, "time:month") == ("2026-03-01", "2026-04-01")


def test_the_period_before_is_as_long_and_ends_where_this_begins() -> None:
    before = dates.previous(days("2026-03-10", "2026-03-12"))

    assert (str(before.first), str(before.last)) == ("2026-03-07", "2026-03-09")


def test_a_cut_range_before_ends_where_this_begins() -> None:
    before = dates.previous(
        instants("2026-03-10T12:00:00+00:00", "2026-03-10T12:59:59+00:00")
    )

    assert before.start == datetime(2026, 3, 10, 11, tzinfo=UTC)
    assert before.end == datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_a_year_earlier_the_29th_of_february_is_the_28th() -> None:
    before = dates.year_over_year(days("2028-02-29", "2028-03-01"))

    assert (str(before.first), str(before.last)) == ("2027-02-28", "2027-03-01")


def test_a_cut_range_a_year_earlier_is_cut_at_the_same_times() -> None:
    before = dates.year_over_year(
        instants("2026-03-10T00:00:00+00:00", "2026-03-10T23:59:59+00:00")
    )

    assert before.start == datetime(2025, 3, 10, tzinfo=UTC)
    assert before.end == datetime(2025, 3, 11, tzinfo=UTC)


def test_matched_weekdays_begin_on_the_same_day_of_the_week() -> None:
    asked = days("2026-03-10", "2026-03-12")

    matched = dates.weekdays_matched(asked, dates.year_over_year(asked))

    assert matched.first.weekday() == asked.first.weekday()
    assert abs((matched.first - date(2025, 3, 10)).days) <= 3


@pytest.mark.parametrize("last", ["2026-03-10", "2026-03-11", "2026-03-12"])
def test_matched_weekdays_never_compare_a_range_with_itself(last: str) -> None:
    asked = days("2026-03-10", last)

    matched = dates.weekdays_matched(asked, dates.previous(asked))

    assert matched.first == date(2026, 3, 3)


def test_nothing_before_all_bounds_is_compared_with() -> None:
    with pytest.raises(ValueError, match="between"):
        dates.previous(days("1970-01-01", "1970-01-31"))
