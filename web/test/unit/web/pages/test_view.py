"""The grammar of a page's address."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from page_tracker.query.catalog import DIMENSIONS, OPERATORS
from page_tracker.web.pages.address_filter import Condition, condition_of, text_of
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.view import (
    CHARTED,
    COMPARISONS,
    INTERVALS,
    View,
    read,
    written,
)

# All signs that UTF-8 can write, and those that the grammar uses more often.
SIGNS = st.one_of(
    st.sampled_from("\\|~&=?%#+ ;é\u202e\n"), st.characters(exclude_categories=["Cs"])
)
TEXTS = st.text(SIGNS, min_size=1, max_size=12)
PROPERTIES = TEXTS.filter(lambda text: "\0" not in text).map(
    lambda key: f"event:props:{key}"
)


def conditions() -> st.SearchStrategy[Condition]:
    plain = st.builds(
        Condition,
        st.sampled_from(list(OPERATORS)),
        st.sampled_from(list(DIMENSIONS)) | PROPERTIES,
        st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    )
    numbers = st.integers(0, 999).map(str)
    segments = st.builds(
        Condition,
        st.sampled_from(["is", "is_not"]),
        st.just("segment"),
        st.lists(numbers, min_size=1, max_size=2).map(tuple),
    )
    return plain | segments


@st.composite
def views(draw: st.DrawFn) -> View:
    view = View(
        period=draw(st.sampled_from(["28d", "all", "2026-01-01..2026-01-31"]) | TEXTS),
        compare=draw(st.sampled_from([*COMPARISONS, "2026-01-01..2026-01-02"])),
        weekdays=draw(st.booleans()),
        metric=draw(st.sampled_from(CHARTED)),
        by=draw(st.sampled_from(["", *INTERVALS])),
        is_any=draw(st.booleans()),
        search=draw(st.text(SIGNS, max_size=5)),
        sort=draw(st.sampled_from(["", "visitors", "-visitors"])),
        page=draw(st.integers(1, 99)),
        has_common_scale=draw(st.booleans()),
    )
    for condition in draw(st.lists(conditions(), max_size=3)):
        view = view.with_filter(condition)
    for panel in draw(st.lists(st.sampled_from(list(PANELS)), unique=True)):
        tab = draw(st.sampled_from(PANELS[panel].tabs))
        view = view.with_tab(panel, tab.name)
    return view


def again(query: str) -> tuple[View, tuple[str, ...]]:
    """What is read of a query string, as servers split it."""
    return read(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


@given(views())
def test_what_is_written_is_read_as_it_was(view: View) -> None:
    assert again(written(view)) == (view, ())


@given(conditions())
def test_a_filter_is_read_as_it_was_written(condition: Condition) -> None:
    assert condition_of(text_of(condition)) == condition


@given(st.lists(st.tuples(TEXTS | st.sampled_from(["f", "period", "by"]), TEXTS)))
def test_each_part_of_any_address_is_understood_or_named(
    pairs: list[tuple[str, str]],
) -> None:
    view, problems = read(pairs)

    for name, text in pairs:
        alone, told = read([(name, text)])
        assert told or alone != View() or text in (View().period,)
        assert set(told) <= set(problems)
    assert again(written(view)) == (view, ())


def test_the_address_of_the_documentation() -> None:
    view, problems = again(
        "period=28d&compare=previous&metric=visitors&by=day"
        "&f=is~country~DE|FR&f=contains~page~/blog/"
    )

    assert not problems
    assert view == View(
        by="day",
        filters=(
            Condition("is", "visit:country", ("DE", "FR")),
            Condition("contains", "event:page", ("/blog/",)),
        ),
    )
    assert written(view) == "?by=day&f=is~country~DE|FR&f=contains~page~/blog/"


def test_the_usual_view_needs_no_words() -> None:
    assert written(View()) == ""


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (("perod", "7d"), 'perod=7d: this means nothing; did you mean "period"'),
        (("metric", "visits_"), 'did you mean "visits"'),
        (("by", "fortnight"), "valid are minute, hour, day, week, month"),
        (("compare", "last"), "write previous, year, none or two days"),
        (("f", "is~country"), "written like is~country~DE|FR"),
        (("f", "was~country~DE"), 'no operator "was"'),
        (("f", "is~countryy~DE"), 'no dimension "countryy"; did you mean "country"'),
        (("f", "is~country~"), "a value is empty"),
        (("f", "is~segment~x"), "by its number"),
        (("sources", "browser"), "there is no such list"),
        (("match", "yes"), "write weekday or date"),
        (("filters", "some"), "write any or all"),
        (("page", "0"), "no page's number"),
        (("search", 3_000 * "x"), "is too long"),
    ],
)
def test_what_is_not_understood_is_named_with_what_to_write(
    pair: tuple[str, str], said: str
) -> None:
    view, (problem,) = read([pair])

    assert view == View()
    assert re.match(f"{pair[0]}=", problem) and (said in problem or len(pair[1]) > 2000)


def test_a_pattern_s_backslash_needs_no_other_one() -> None:
    condition = condition_of(r"matches~page~\.txt$")

    assert condition.values == (r"\.txt$",)
    assert text_of(condition) == r"matches~page~\\.txt$"


def test_a_property_of_events_is_a_tab_of_its_panel() -> None:
    view, problems = read([("events", "props:plan")])

    assert not problems
    assert view.tab("events") == "props:plan"
    assert written(view) == "?events=props:plan"


def test_a_filter_is_taken_off_alone() -> None:
    first, second = condition_of("is~country~DE"), condition_of("is~page~/")
    view = View().with_filter(first).with_filter(second).with_filter(first)

    assert view.filters == (first, second)
    assert view.without_filter(first) == View(filters=(second,))
    assert replace(view, page=3, search="x").of_page() == view
