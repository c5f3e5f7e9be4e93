"""Ranges of days: what words stand for, and what they are compared with."""

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
    ("word", "first", "last"),
    [
        ("day", "2026-03-11", "2026-03-11"),
        ("1d", "2026-03-10", "2026-03-10"),
        ("7d", "2026-03-04", "2026-03-10"),
        ("28d", "2026-02-11", "2026-03-10"),
        ("30d", "2026-02-09", "2026-03-10"),
        ("91d", "2025-12-10", "2026-03-10"),
        ("400d", "2025-02-04", "2026-03-10"),
        ("1mo", "2026-02-01", "2026-02-28"),
        ("6mo", "2025-09-01", "2026-02-28"),
        ("12mo", "2025-03-01", "2026-02-28"),
        ("month", "2026-03-01", "2026-03-31"),
        ("year", "2026-01-01", "2026-12-31"),
        ("all", "2020-02-02", "2026-03-11"),
    ],
)
def test_a_word_stands_for_whole_days_of_the_sites_zone(
    word: str, first: str, last: str
) -> None:
    found = dates.named_range(word, "Europe/Berlin", NOW, date(2020, 2, 2))

    assert (str(found.first), str(found.last)) == (first, last)


@pytest.mark.parametrize("word", ["99999d", "99999mo"])
def test_more_days_than_there_are_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="between"):
        dates.named_range(word, "UTC", NOW, date(2020, 2, 2))


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


def test_the_period_before_is_as_long_and_ends_where_this_begins() -> None:
    before = dates.previous(days("2026-03-10", "2026-03-12"))

    assert (str(before.first), str(before.last)) == ("2026-03-07", "2026-03-09")


def test_a_cut_range_before_ends_where_this_begins() -> None:
    before = dates.previous(
        instants("2026-03-10T12:00:00+00:00", "2026-03-10T12:59:59+00:00")
    )

    assert before.start == datetime(2026, 3, 10, 11, tzinfo=UTC)
    assert before.end == datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "last", "before", "end"),
    [
        ("2028-02-29", "2028-03-01", "2027-02-28", "2027-03-01"),
        ("2028-02-28", "2028-03-01", "2027-02-28", "2027-03-02"),
        ("2025-02-20", "2025-03-10", "2024-02-20", "2024-03-09"),
        ("2025-01-01", "2025-12-31", "2024-01-01", "2024-12-30"),
    ],
)
def test_a_year_earlier_has_as_many_days_from_the_same_day_on(
    first: str, last: str, before: str, end: str
) -> None:
    found = dates.year_over_year(days(first, last))

    assert (str(found.first), str(found.last)) == (before, end)


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
