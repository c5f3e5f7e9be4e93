"""Buckets of time: which, how they are called, which are compared with which."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.query import dates
from page_tracker.query.buckets import bucket, buckets, labels, pairs
from page_tracker.query.query import Range


def days(first: str, last: str, zone: str = "UTC") -> Range:
    return dates.days_range(date.fromisoformat(first), date.fromisoformat(last), zone)


def instants(start: str, end: str, zone: str = "UTC") -> Range:
    ends = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return dates.instants_range(*ends, zone)


def paired(asked: Range, compared: Range, name: str) -> dict[str, str]:
    """The compared range's labels by ours."""
    ours, theirs = buckets(asked, name), buckets(compared, name)
    found = pairs(asked, compared, name)
    return {ours[key]: theirs[before] for key, before in found.items()}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, "time:hour"),
        (2, "time:hour"),
        (3, "time:day"),
        (40, "time:day"),
        (41, "time:week"),
        (364, "time:week"),
        (365, "time:month"),
    ],
)
def test_time_is_by_what_the_range_is_long(number: int, expected: str) -> None:
    last = date.fromordinal(date(2026, 10, 24).toordinal() + number - 1)

    # Two days are two days, though the clock makes 49 hours of them.
    assert bucket(days("2026-10-24", str(last), "Europe/Berlin")) == expected


@pytest.mark.parametrize(
    ("end", "expected"),
    [("2026-03-12T13:29:59", "time:hour"), ("2026-03-12T13:30:00", "time:day")],
)
def test_time_of_instants_is_by_hours_up_to_48(end: str, expected: str) -> None:
    assert bucket(instants("2026-03-10T13:30+00:00", f"{end}+00:00")) == expected


def test_hours_begin_where_a_cut_range_begins_within_one() -> None:
    asked = instants("2026-03-10T13:30:00+00:00", "2026-03-10T15:15:00+00:00")

    assert [label[11:] for label in labels(asked, "time:hour")] == [
        "13:00:00",
        "14:00:00",
        "15:00:00",
    ]


def test_hours_of_a_zone_that_is_half_an_hour_off_are_its_own() -> None:
    found = labels(days("2026-03-10", "2026-03-10", "Asia/Kolkata"), "time:hour")

    assert len(found) == 24 and found[0] == "2026-03-10 00:00:00"


@pytest.mark.parametrize(
    ("zone", "day", "number", "some"),
    [
        ("Europe/Berlin", "2026-03-29", 23, ["01:00:00", "03:00:00"]),
        (
            "Europe/Berlin",
            "2026-10-25",
            25,
            ["02:00:00", "02:00:00+01:00", "03:00:00"],
        ),
        # Half an hour: an hour of which half comes twice, and one of a half.
        (
            "Australia/Lord_Howe",
            "2026-04-05",
            25,
            ["01:00:00", "01:00:00+10:30", "02:00:00"],
        ),
        ("Australia/Lord_Howe", "2026-10-04", 24, ["01:00:00", "02:00:00", "03:00:00"]),
        # The day begins at one.
        ("Africa/Cairo", "2026-04-24", 23, ["01:00:00", "02:00:00"]),
        ("Africa/Cairo", "2026-10-29", 25, ["23:00:00", "23:00:00+02:00"]),
        # The day does not exist.
        ("Pacific/Apia", "2011-12-30", 0, []),
    ],
)
def test_a_day_that_changes_the_clock_has_the_hours_that_there_were(
    zone: str, day: str, number: int, some: list[str]
) -> None:
    found = [label[11:] for label in labels(days(day, day, zone), "time:hour")]

    assert len(found) == number == len(set(found))
    at = found.index(some[0]) if some else 0
    assert found[at : at + len(some)] == some


def test_minutes_of_two_minutes_are_two() -> None:
    asked = instants("2026-03-10T13:30:30+00:00", "2026-03-10T13:31:59+00:00")

    assert [label[11:] for label in labels(asked, "time:minute")] == [
        "13:30:00",
        "13:31:00",
    ]


def test_weeks_begin_on_monday_but_not_before_the_range_and_months_on_their_first() -> (
    None
):
    asked = days("2026-03-10", "2026-04-01")

    assert labels(asked, "time:week")[:2] == ("2026-03-10", "2026-03-16")
    assert labels(asked, "time:month") == ("2026-03-01", "2026-04-01")


def test_days_of_a_year_before_are_paired_by_date_over_a_29th_of_february() -> None:
    asked = days("2025-02-27", "2025-03-02")

    found = paired(asked, dates.year_over_year(asked), "time:day")

    assert found == {
        "2025-02-27": "2024-02-27",
        "2025-02-28": "2024-02-28",
        "2025-03-01": "2024-03-01",
    }


@pytest.mark.parametrize(
    ("first", "last", "of_the_29th"),
    [("2028-02-27", "2028-03-02", None), ("2028-02-29", "2028-03-02", "2027-02-28")],
)
def test_a_29th_of_february_is_compared_with_the_28th_where_that_is_free(
    first: str, last: str, of_the_29th: str | None
) -> None:
    asked = days(first, last)

    found = paired(asked, dates.year_over_year(asked), "time:day")

    assert found.get("2028-02-29") == of_the_29th
    assert found["2028-03-01"] == "2027-03-01"


def test_hours_are_paired_by_the_clock_over_a_day_that_changes_it() -> None:
    asked = days("2026-03-29", "2026-03-30", "Europe/Berlin")

    found = paired(asked, dates.previous(asked), "time:hour")

    assert all(label[11:] == before[11:] for label, before in found.items())
    assert found["2026-03-30 12:00:00"] == "2026-03-28 12:00:00"
    assert len(found) == 47


def test_an_hour_that_comes_twice_has_one_counterpart() -> None:
    asked = days("2026-10-25", "2026-10-25", "Europe/Berlin")

    found = paired(asked, dates.previous(asked), "time:hour")

    assert found["2026-10-25 02:00:00"] == "2026-10-24 02:00:00"
    assert "2026-10-25 02:00:00+01:00" not in found and len(found) == 24


def test_hours_that_begin_at_another_time_are_paired_one_after_the_other() -> None:
    asked = instants("2026-03-10T12:00:00+00:00", "2026-03-10T13:59:59+00:00")

    assert paired(asked, dates.previous(asked), "time:hour") == {
        "2026-03-10 12:00:00": "2026-03-10 10:00:00",
        "2026-03-10 13:00:00": "2026-03-10 11:00:00",
    }


@given(
    first=st.dates(date(2023, 1, 1), date(2030, 1, 1)),
    number=st.integers(1, 800),
    matched=st.booleans(),
    mode=st.sampled_from([dates.previous, dates.year_over_year]),
)
def test_every_day_has_one_counterpart_and_no_day_is_that_of_two(
    first: date, number: int, matched: bool, mode: object
) -> None:
    last = date.fromordinal(first.toordinal() + number - 1)
    asked = days(str(first), str(last))
    compared = mode(asked)  # type: ignore[operator]
    if matched:
        compared = dates.weekdays_matched(asked, compared)

    found = pairs(asked, compared, "time:day")

    assert (compared.last - compared.first) == (asked.last - asked.first)
    assert len(set(found.values())) == len(found) >= number - 2
    assert set(found.values()) <= set(labels(compared, "time:day"))
    if matched:
        for day, before in found.items():
            kinds = {date.fromisoformat(each).weekday() for each in (day, before)}
            assert len(kinds) == 1
