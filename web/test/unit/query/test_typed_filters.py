"""What people type becomes the grammar."""

from __future__ import annotations

import pytest

from page_tracker.commands.charts import bar_of, sparkline
from page_tracker.query.catalog import DIMENSIONS, TIME_BUCKETS
from page_tracker.query.problem import QueryError
from page_tracker.query.typed_filters import full_name, parse_filter, short_name
from page_tracker.sites.goal import Segment


@pytest.mark.parametrize("name", [*DIMENSIONS, *TIME_BUCKETS, "event:props:plan"])
def test_every_dimension_has_a_short_name(name: str) -> None:
    assert full_name(short_name(name)) == full_name(name) == name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("country is DE", ["is", "visit:country", ["DE"]]),
        ("country is (not set)", ["is", "visit:country", ["(not set)"]]),
        ("country contains D", ["contains", "visit:country", ["D"]]),
        ("segment is 1|2", ["is", "segment", [1, 2]]),
        ("segment is Germans", ["is", "segment", [7]]),
        ("segment is Germans|1", ["is", "segment", [7, 1]]),
        ("country is not DE|FR", ["is_not", "visit:country", ["DE", "FR"]]),
        ("page contains /docs", ["contains", "event:page", ["/docs"]]),
        ("page contains not a b ", ["contains_not", "event:page", ["a b"]]),
        (r"page matches ^/(a\|b)", ["matches", "event:page", ["^/(a|b)"]]),
        ("props:plan is pro", ["is", "event:props:plan", ["pro"]]),
        ("event:goal is is", ["is", "event:goal", ["is"]]),
        ('["not", ["is", "event:page", ["/"]]]', ["not", ["is", "event:page", ["/"]]]),
    ],
)
def test_a_filter_is_read(text: str, found: object) -> None:
    assert parse_filter(text, [Segment(id=7, name="Germans", filters=())]) == found


@pytest.mark.parametrize(
    ("name", "said"),
    [("Germains", 'did you mean "Germans"'), ("Twice", "write one of 8, 9")],
)
def test_a_segment_that_is_not_clear_is_refused(name: str, said: str) -> None:
    known = [(7, "Germans"), (8, "Twice"), (9, "Twice")]
    segments = [Segment(id=number, name=text, filters=()) for number, text in known]

    with pytest.raises(QueryError, match=said):
        parse_filter(f"segment is {name}", segments)


@pytest.mark.parametrize("text", ["country", "country DE", "county is DE", "[1", ""])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_filter(text)


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(QueryError, match='"source"'):
        full_name("sorce")


def test_a_bar_is_as_long_as_its_share() -> None:
    assert bar_of(10, 10) == "█" * 20
    assert bar_of(5, 10) == "█" * 10
    assert bar_of(1, 10_000) == "▏"
    assert bar_of(0, 10) == bar_of(0, 0) == ""


def test_a_line_goes_from_nothing_to_the_most() -> None:
    assert sparkline([0, 5, 10]) == "▁▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_a_long_line_sums_neighbours() -> None:
    assert len(sparkline([1] * 1000)) <= 60
    assert len(sparkline([1] * 1000, 7)) <= 7
