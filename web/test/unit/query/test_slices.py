"""Hits too many for memory are looked at slice by slice."""

from datetime import date

from page_tracker.query.plan import Days
from page_tracker.query.shared_rows import Slice, slices

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (2, 3, 4))
DAYS = (Days(MONDAY, WEDNESDAY),)


def of(first: date, last: date) -> tuple[Days, ...]:
    return (Days(first, last),)


def test_neighbouring_days_are_a_slice_as_far_as_memory_holds_them() -> None:
    rows = {MONDAY: 40, TUESDAY: 60, WEDNESDAY: 1}
    assert slices(rows, DAYS, 100) == [
        Slice(of(MONDAY, TUESDAY)),
        Slice(of(WEDNESDAY, WEDNESDAY)),
    ]


def test_a_day_that_is_too_large_is_divided_by_its_visitors() -> None:
    rows = {MONDAY: 1, TUESDAY: 201, WEDNESDAY: 1}
    assert slices(rows, DAYS, 100) == [
        Slice(of(MONDAY, MONDAY)),
        *(Slice(of(TUESDAY, TUESDAY), part, 3) for part in range(3)),
        Slice(of(WEDNESDAY, WEDNESDAY)),
    ]


def test_days_without_hits_are_one_slice() -> None:
    assert slices({}, DAYS, 100) == [Slice(of(MONDAY, WEDNESDAY))]
