"""What people type for days and times becomes the grammar's ranges."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from page_tracker.query import typed_dates
from page_tracker.query.problem import QueryError

# A Tuesday.
NOW = datetime(2026, 3, 10, 15, 30, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7d", "7d"),
        ("5d", "5d"),
        ("3mo", "3mo"),
        ("month", "month"),
        ("today", ["2026-03-10", "2026-03-10"]),
        ("yesterday", ["2026-03-09", "2026-03-09"]),
        ("week", ["2026-03-09", "2026-03-15"]),
        ("Last week", ["2026-03-02", "2026-03-08"]),
        ("last month", ["2026-02-01", "2026-02-28"]),
        ("last year", ["2025-01-01", "2025-12-31"]),
        ("2024", ["2024-01-01", "2024-12-31"]),
        ("2024-02", ["2024-02-01", "2024-02-29"]),
        ("2026-02-28", ["2026-02-28", "2026-02-28"]),
    ],
)
def test_a_period_is_read(text: str, found: object) -> None:
    assert typed_dates.period(text, NOW) == found


@pytest.mark.parametrize("text", ["", "0d", "2026-13", "2026-02-30", "0000", "soon"])
def test_what_is_no_period_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(QueryError, match="--period: .* is no period;"):
        typed_dates.period(text, NOW)


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2026-03-01", None, ["2026-03-01", "2026-03-10"]),
        ("2025", "2026-02", ["2025-01-01", "2026-02-28"]),
        ("yesterday", "today", ["2026-03-09", "2026-03-10"]),
        # A time without an offset is the site's, half an hour off.
        (
            "2026-03-09T08:00",
            "2026-03-09 20:00:30",
            ["2026-03-09T08:00:00+05:30", "2026-03-09T20:00:30+05:30"],
        ),
        (
            "2026-03-09T08:00Z",
            None,
            ["2026-03-09T08:00:00+00:00", "2026-03-10T15:30:00+05:30"],
        ),
        # A day beside a time is whole.
        (
            "2026-03-08",
            "2026-03-09T12:00",
            ["2026-03-08T00:00:00+05:30", "2026-03-09T12:00:00+05:30"],
        ),
        (
            "2026-03-08T12:00",
            "2026-03-09",
            ["2026-03-08T12:00:00+05:30", "2026-03-09T23:59:59+05:30"],
        ),
    ],
)
def test_a_range_is_read(first: str, last: str | None, found: list[str]) -> None:
    assert typed_dates.between(first, last, NOW, "--from, --to") == found


def test_an_offset_is_that_of_its_own_day() -> None:
    """Not of the day of the question."""
    now = datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin"))

    found = typed_dates.between("2026-01-01T08:00", "2026-06-01T08:00", now, "--from")

    assert [each[19:] for each in found] == ["+01:00", "+02:00"]


@pytest.mark.parametrize("text", ["", "1.3.2026", "2026-3-1", "5d", "2026-03-09T25:00"])
def test_what_is_no_day_is_refused_by_the_option_that_says_it(text: str) -> None:
    with pytest.raises(QueryError, match="^: --compare: .* is no day or time"):
        typed_dates.between(text, None, NOW, "--compare")


def test_the_usual_days_end_today() -> None:
    assert typed_dates.usual(NOW) == ["2026-02-09", "2026-03-10"]
