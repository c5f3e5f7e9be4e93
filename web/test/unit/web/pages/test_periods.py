"""Which days a page is about, and compares them with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from page_tracker.query.buckets import labels
from page_tracker.query.query import Range
from page_tracker.web.pages.periods import (
    OFFERED,
    as_json,
    compared,
    instants,
    intervals,
    is_unfinished,
    range_of,
    shifted,
    usual_interval,
)

ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 27, 15, 30, 20, tzinfo=ZoneInfo(ZONE))
BEGUN = date(2025, 3, 4)


def asked(word: str, now: datetime = NOW) -> Range:
    return range_of(word, ZONE, now, BEGUN)


@pytest.mark.parametrize(
    ("word", "first", "last"),
    [
        ("day", "2026-11-27", "2026-11-27"),
        ("yesterday", "2026-11-26", "2026-11-26"),
        ("7d", "2026-11-21", "2026-11-27"),
        ("28d", "2026-10-31", "2026-11-27"),
        ("91d", "2026-08-29", "2026-11-27"),
        ("month", "2026-11-01", "2026-11-30"),
        ("year", "2026-01-01", "2026-12-31"),
        ("12mo", "2025-12-01", "2026-11-27"),
        ("all", "2025-03-04", "2026-11-27"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2025-12-24..2026-01-06", "2025-12-24", "2026-01-06"),
        ("2026-01..2026-02", "2026-01-01", "2026-02-28"),
        ("24h", "2026-11-26T16:00:00+01:00", "2026-11-27T15:59:59+01:00"),
        (
            "2026-11-01T08:00..2026-11-01T09:59:59",
            "2026-11-01T08:00:00+01:00",
            "2026-11-01T09:59:59+01:00",
        ),
    ],
)
def test_a_period_is_days_of_the_site_s_zone(word: str, first: str, last: str) -> None:
    assert as_json(asked(word)) == [first, last]


@pytest.mark.parametrize(
    "word", ["sometime", "2026-13", "99999mo", "2026-02-01..2026-01-01", "..", "0d", ""]
)
def test_what_is_no_period_is_refused_with_what_to_write(word: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]{3}"):
        asked(word)


@pytest.mark.parametrize(
    ("word", "compare", "first", "last"),
    [
        ("yesterday", "previous", "2026-11-25", "2026-11-25"),
        ("2026-03", "previous", "2026-02-01", "2026-02-28"),
        ("2025", "previous", "2024-01-01", "2024-12-31"),
        ("2026-01-05..2026-01-11", "year", "2025-01-05", "2025-01-11"),
        ("day", "previous", "2026-11-26T00:00:00+01:00", "2026-11-26T15:29:59+01:00"),
        ("28d", "previous", "2026-10-03T00:00:00+02:00", "2026-10-30T15:29:59+01:00"),
        ("month", "previous", "2026-10-01T00:00:00+02:00", "2026-10-27T15:29:59+01:00"),
        ("year", "previous", "2025-01-01T00:00:00+01:00", "2025-11-27T15:29:59+01:00"),
        ("24h", "previous", "2026-11-25T16:00:00+01:00", "2026-11-26T15:29:59+01:00"),
        ("28d", "2026-01-01..2026-01-28", "2026-01-01", "2026-01-28"),
    ],
)
def test_what_is_unfinished_is_compared_up_to_the_same_time(
    word: str, compare: str, first: str, last: str
) -> None:
    found = compared(compare, False, asked(word), NOW)

    assert found is not None
    assert as_json(found) == [first, last]


def test_nothing_is_compared_where_that_is_said() -> None:
    assert compared("none", False, asked("28d"), NOW) is None


def test_a_month_that_is_longer_is_compared_with_all_of_the_one_before() -> None:
    now = datetime(2026, 3, 31, 12, tzinfo=ZoneInfo(ZONE))
    found = compared("previous", False, range_of("month", ZONE, now, BEGUN), now)

    assert found is not None
    assert as_json(found)[1] == "2026-02-28T23:59:59+01:00"


def test_weekdays_are_matched() -> None:
    found = compared("year", True, asked("yesterday"), NOW)

    assert found is not None
    assert found.first.weekday() == date(2026, 11, 26).weekday()


WORDS = st.sampled_from([*(each.word for each in OFFERED), "2026-02", "3d", "2mo"])
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(WORDS, TIMES, st.sampled_from(["previous", "year"]), st.booleans())
def test_the_days_before_are_no_longer_than_what_is_over(
    word: str, now: datetime, compare: str, weekdays: bool
) -> None:
    found = asked(word, now)
    before = compared(compare, weekdays, found, now)

    assert before is not None
    start, end = instants(found)
    earlier, until = instants(before)
    # A weekday's match may be three days later.
    later = timedelta(days=3 * weekdays)
    assert earlier < until <= max(now, start) + later
    if is_unfinished(found, now):
        # But for the hours by which clocks were moved, and a month's missing days.
        assert until - earlier <= now - start + timedelta(hours=2)
    assert start < end


@given(WORDS, TIMES)
def test_back_and_forth_is_where_one_was(word: str, now: datetime) -> None:
    # So many months to a day may have whole months before them, which are no longer.
    assume(word != "all" and not word.endswith("mo"))
    found = asked(word, now)
    back = range_of(shifted(found, -1), ZONE, now, BEGUN)

    assert instants(back)[1] == instants(found)[0]
    assert range_of(shifted(back, 1), ZONE, now, BEGUN) == found


@given(WORDS, TIMES)
def test_an_interval_gives_a_chart_that_can_be_read(word: str, now: datetime) -> None:
    found = asked(word, now)
    offered = intervals(found)

    assert offered
    for name in offered[1:]:
        assert 2 <= len(labels(found, f"time:{name}")) <= 400
    assert usual_interval(found) in (*offered, "hour", "day")


def test_every_period_of_the_menu_has_a_key_of_its_own() -> None:
    keys = [each.key for each in OFFERED]

    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("IX?/")
