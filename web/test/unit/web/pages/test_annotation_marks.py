"""What happened, where it stands in the chart, and what of it is told."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from page_tracker.days import day_number
from page_tracker.history.register import Import, ImportedDay, State
from page_tracker.query.buckets import labels
from page_tracker.query.query import Range
from page_tracker.sites.decision import Decision
from page_tracker.sites.site import Site
from page_tracker.web.pages.annotation_marks import (
    APART,
    MOST_NOTES,
    Note,
    decided,
    imported,
    notes_of,
)

MARCH = Range(date(2026, 3, 1), date(2026, 3, 31), "Europe/Berlin")
TODAY = date(2026, 4, 1)


def note(day: str, time: str = "", text: str = "x") -> Note:
    return Note(day, time, text, "ada")


@pytest.mark.parametrize(
    ("interval", "day", "time", "label"),
    [
        ("time:day", "2026-03-05", "", "2026-03-05"),
        ("time:day", "2026-03-05", "23:59", "2026-03-05"),
        ("time:week", "2026-03-05", "", "2026-03-02"),
        ("time:week", "2026-03-01", "", "2026-03-01"),
        ("time:month", "2026-03-31", "", "2026-03-01"),
        ("time:hour", "2026-03-05", "", "2026-03-05 00:00:00"),
        ("time:hour", "2026-03-05", "14:30", "2026-03-05 14:00:00"),
        ("time:hour", "2026-03-29", "02:30", "2026-03-29 01:00:00"),  # there is no 2
    ],
)
def test_a_note_stands_at_the_point_that_has_begun_by_then(
    interval: str, day: str, time: str, label: str
) -> None:
    buckets = labels(MARCH, interval)
    found = notes_of([note(day, time)], MARCH, buckets, TODAY)
    last = max(1, len(buckets) - 1)
    across = round(1000 * buckets.index(label) / last)
    assert found.lines == f"M{across},0V240"


def test_only_what_happened_in_the_period_is_told() -> None:
    cut = Range(
        date(2026, 3, 4),
        date(2026, 3, 5),
        "UTC",
        datetime(2026, 3, 4, 12, tzinfo=UTC),
        datetime(2026, 3, 5, 12, tzinfo=UTC),
    )
    happened = [
        note("2026-03-03"),
        note("2026-03-04", "11:59"),
        note("2026-03-05", "11:59", "in"),
        note("2026-03-04", "12:00", "in"),
        note("2026-03-05", "12:00"),
        note("2026-03-06"),
    ]
    found = notes_of(happened, cut, labels(cut, "time:hour"), TODAY)
    assert [(each.number, each.when) for each in found.notes] == [
        (1, "4 Mar, 12:00"),
        (2, "5 Mar, 11:59"),
    ]
    assert {each.text for each in found.notes} == {"in"}


def test_of_too_many_the_latest_are_told() -> None:
    days = [note("2026-03-05", f"{m // 60:02}:{m % 60:02}") for m in range(150)]
    found = notes_of(days, MARCH, labels(MARCH, "time:day"), TODAY)
    assert (len(found.notes), found.more) == (MOST_NOTES, 150 - MOST_NOTES)
    assert found.notes[-1].time == "02:29"
    (mark,) = found.marks
    assert mark.label == f"1–{MOST_NOTES}"


@given(st.lists(st.integers(1, 31)))
def test_marks_cover_no_other_and_leave_no_note_out(days: list[int]) -> None:
    happened = [note(f"2026-03-{day:02}") for day in days]
    found = notes_of(happened, MARCH, labels(MARCH, "time:day"), TODAY)
    places = [mark.place for mark in found.marks]
    assert all(b - a >= APART for a, b in zip(places, places[1:]))
    assert [n for mark in found.marks for n in mark.notes] == found.notes


def test_decisions_are_told_by_who_made_them_and_nobody_s_address_is() -> None:
    at = int(datetime(2026, 3, 4, 23, 30, tzinfo=UTC).timestamp())
    decisions = tuple(
        Decision(reason=reason, name=name, is_let_in=is_in, by="ada", at=at)
        for reason, name, is_in in (
            ("bot", "GPTBot", True),
            ("bot", "GPTBot", False),
            ("blocked_address", "192.0.2.1", False),
        )
    )
    told = list(decided(Site(id="a.example", decisions=decisions), "Europe/Berlin"))
    assert [each.text for each in told] == [
        "Let in: bot GPTBot",
        "Left out: bot GPTBot",
        "Left out: address",
    ]
    assert {(each.date, each.time, each.by) for each in told} == {
        ("2026-03-05", "00:30", "ada")
    }


def import_of(state: State, *days: str, started: int = 1_772_000_000) -> Import:
    return Import(
        id="3",
        site="a.example",
        origin=1,
        state=state,
        started=started,
        logs=(),
        formats=(),
        parts=(),
        lines=9,
        pageviews=7,
        left_out={},
        days=tuple(ImportedDay(day_number(date.fromisoformat(day)), 1) for day in days),
    )


def test_an_import_is_told_where_its_days_begin() -> None:
    site = Site(id="a.example", created=1_000)
    told = imported(
        site,
        [
            import_of("done", "2026-03-02", "2026-03-09"),
            import_of("undone", "2026-03-03"),
            import_of("done"),
            import_of("done", "2026-03-02", started=1),  # of a site of this name before
        ],
    )
    assert [(each.date, each.text) for each in told] == [
        (
            "2026-03-02",
            "Import 3, of 2026-02-25, begins here: 7 page views to 2026-03-09",
        ),
        ("2026-03-03", "Import 3, of 2026-02-25, began here and was undone"),
    ]
