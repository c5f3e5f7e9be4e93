"""What is no question is refused at its place, with what would be right."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from page_tracker.query.answer import query_as_json
from page_tracker.query.parse import Known, parse
from page_tracker.query.plan import can_use_tables
from page_tracker.query.problem import QueryError
from page_tracker.query.query import Query, all_leaves
from page_tracker.sites.goal import Goal

QUESTION: dict[str, Any] = {
    "site_id": "a.org",
    "metrics": ["visitors"],
    "date_range": "7d",
}
GOALS = (Goal(name="Signup", event="signup"),)
SEGMENTS = {1: [["is", "visit:country", ["DE"]]], 2: [["is", "segment", [2]]]}


KNOWN = Known(
    "a.org",
    "Europe/Berlin",
    datetime(2026, 3, 10, tzinfo=UTC),
    lambda: date(2026, 1, 1),
    GOALS,
    SEGMENTS,
)


def understood(goals: tuple[Goal, ...] = GOALS, **changes: object) -> Query:
    return parse({**QUESTION, **changes}, replace(KNOWN, goals=goals))


def leaf(*parts: object) -> dict[str, object]:
    return {"filters": [list(parts)]}


@pytest.mark.parametrize(
    ("changes", "pointer", "hint"),
    [
        ({"metrics": []}, "#/metrics", "at least one"),
        ({"metrics": ["vistors"]}, "#/metrics/0", '"visitors"'),
        ({"metrics": ["visits", "visits"]}, "#/metrics/1", "twice"),
        ({"metrics": "visitors"}, "#/metrics", "list"),
        ({"metrics": [None]}, "#/metrics/0", "Invalid metric"),
        ({"metrics": ["percentage"]}, "#/metrics/0", "needs a dimension"),
        ({"metrics": ["conversion_rate"]}, "#/metrics/0", "event:goal"),
        ({"metrics": ["time_on_page"]}, "#/metrics/0", "event:page"),
        (
            {"metrics": ["bounce_rate"], "dimensions": ["event:name"]},
            "#/metrics/0",
            "event:name",
        ),
        ({"dimensions": ["visit:sorce"]}, "#/dimensions/0", '"visit:source"'),
        ({"dimensions": ["event:props:"]}, "#/dimensions/0", "Invalid"),
        ({"dimensions": ["event:props:\0"]}, "#/dimensions/0", "Invalid"),
        ({"dimensions": ["site"]}, "#/dimensions/0", "Invalid"),
        ({"date_range": "8days"}, "#/date_range", "day"),
        ({"date_range": "0d"}, "#/date_range", "Invalid"),
        ({"date_range": "99999d"}, "#/date_range", "between"),
        ({"date_range": ["2026-01-02", "2026-01-01"]}, "#/date_range", "before"),
        (
            {"date_range": ["2026-01-01T00:00:00", "2026-01-02T00:00:00"]},
            "#/date_range",
            "offset",
        ),
        ({"date_range": ["0001-01-01", "9999-12-31"]}, "#/date_range", "between"),
        ({"date_range": ["2026-1-1", "2026-01-31"]}, "#/date_range", "like 2026-01-31"),
        ({"date_range": ["2026-02-30", "2026-03-01"]}, "#/date_range", "2026-02-30"),
        ({"filter": []}, "#/filter", '"filters"'),
        ({"a/b~": 1}, "#/a~1b~0", "unknown"),
        (leaf("iz", "visit:country", ["DE"]), "#/filters/0/0", "valid are is"),
        (leaf("is", "visit:county", ["DE"]), "#/filters/0/1", '"visit:country"'),
        (leaf("is", "time:day", ["DE"]), "#/filters/0/1", "date_range"),
        (leaf("is", "visit:country", []), "#/filters/0/2", "1 to"),
        (leaf("is", "visit:country", ["FR", "UK"]), "#/filters/0/2/1", "write GB"),
        (leaf("is_not", "visit:country", ["Germany"]), "#/filters/0/2/0", "write DE"),
        (leaf("is", "visit:country", ["de"]), "#/filters/0/2/0", "write DE"),
        (leaf("is", "visit:country", ["QQ"]), "#/filters/0/2/0", "ISO 3166-1"),
        (leaf("is", "visit:country_name", ["DE"]), "#/filters/0/2/0", '"Germany"'),
        (leaf("is", "visit:country_name", ["Germny"]), "#/filters/0/2/0", '"Germany"'),
        (leaf("is", "visit:country", [True]), "#/filters/0/2/0", "string"),
        (leaf("is", "visit:country", [10**400]), "#/filters/0/2/0", "large"),
        (leaf("is", "visit:country", ["\0"]), "#/filters/0/2/0", "text"),
        (leaf("is", "visit:country", ["\ud800"]), "#/filters/0/2/0", "text"),
        (leaf("matches", "event:page", ["("]), "#/filters/0/2/0", "RE2"),
        (
            leaf("matches", "event:page", ["((a{1000}){1000}){1000}"]),
            "#/filters/0/2/0",
            "RE2",
        ),
        (leaf("matches", "event:goal", ["a"]), "#/filters/0/1", "is and contains"),
        (
            leaf("matches", "event:page", ["a"], {"case_sensitive": False}),
            "#/filters/0/3",
            "modifier",
        ),
        (leaf("has_done", ["is", "visit:country", ["DE"]]), "#/filters/0/1", "events"),
        (leaf("is", "segment", [3]), "#/filters/0/2/0", "segment 3"),
        (leaf("is", "segment", [2]), "#/filters/0/2/0/0", "deep"),
        (leaf("is", "segment", []), "#/filters/0/2", "at least one"),
        (leaf("and", []), "#/filters/0/1", "at least one"),
        ({"order_by": None}, "#/order_by", "list"),
        ({"order_by": [["visits", "desc"]]}, "#/order_by/0/0", "neither"),
        ({"order_by": [["visitors", "down"]]}, "#/order_by/0", "asc"),
        ({"pagination": {"limit": 0}}, "#/pagination/limit", "1 to"),
        ({"pagination": {"limit": 10_001}}, "#/pagination/limit", "10000"),
        ({"pagination": {"limit": True}}, "#/pagination/limit", "number"),
        ({"include": {"time_labels": True}}, "#/include/time_labels", "time"),
        ({"include": {"imports": 1}}, "#/include/imports", "true or false"),
        ({"include": {"comparisons": None}}, "#/include/comparisons", "object"),
        (
            {"include": {"comparisons": {"mode": []}}},
            "#/include/comparisons/mode",
            "must be",
        ),
        (
            {
                "include": {
                    "comparisons": {"mode": "year_over_year", "date_range": "7d"}
                }
            },
            "#/include/comparisons/date_range",
            "custom only",
        ),
        (
            {"include": {"comparisons": {"mode": "x"}}},
            "#/include/comparisons/mode",
            "custom",
        ),
        (
            {
                "date_range": ["1970-01-01", "1970-02-01"],
                "include": {"comparisons": {"mode": "previous_period"}},
            },
            "#/include/comparisons",
            "between",
        ),
        (
            {
                "date_range": ["2000-01-01", "2026-01-01"],
                "dimensions": ["time:minute"],
                "include": {"time_labels": True},
            },
            "#/include/time_labels",
            "fewer days",
        ),
        (
            {
                "date_range": ["2026-01-01", "2026-01-02"],
                "dimensions": ["visit:source", "time:minute"],
                "include": {
                    "comparisons": {
                        "mode": "custom",
                        "date_range": ["2000-01-01", "2026-01-01"],
                    }
                },
            },
            "#/include/comparisons",
            "fewer days",
        ),
    ],
    ids=str,
)
def test_a_fault_is_told_at_its_place(
    changes: dict[str, Any], pointer: str, hint: str
) -> None:
    with pytest.raises(QueryError) as caught:
        understood(**changes)

    assert caught.value.pointer.startswith(pointer)
    assert hint in caught.value.problem


@pytest.mark.parametrize("key", ["site_id", "metrics", "date_range"])
def test_what_is_required_is_said(key: str) -> None:
    body = {name: value for name, value in QUESTION.items() if name != key}
    known = Known("a.org", "UTC", datetime.now(UTC), date.today)

    with pytest.raises(QueryError, match=f"#/{key}: is required"):
        parse(body, known)


def test_without_goals_there_are_none_to_tell_and_none_to_name() -> None:
    understood((), dimensions=["event:goal"], metrics=["conversion_rate"])
    understood((), filters=[["contains", "event:goal", ["a"]]])

    with pytest.raises(QueryError, match="this site has no goals"):
        understood((), filters=[["is", "event:goal", ["Signup"]]])


def test_a_country_may_be_unknown_or_written_in_small_letters() -> None:
    understood(filters=[["is_not", "visit:country_name", [""]]])
    understood(filters=[["is", "visit:country", ["(not set)", "XK"]]])
    understood(filters=[["is", "visit:country", ["de"], {"case_sensitive": False}]])
    understood(filters=[["contains", "visit:country", ["q"]]])


@pytest.mark.parametrize("name", ["event:props:plan", "event:name", "event:goal"])
def test_reading_is_told_by_anything_beside_a_filter_by_page(name: str) -> None:
    page = ["is", "event:page", ["/"]]

    understood(metrics=["scroll_depth"], dimensions=[name], filters=[page])


def test_how_a_whole_site_was_read_stands_in_day_tables() -> None:
    def by_day(pattern: str) -> Query:
        page = ["matches", "event:page", [pattern]]
        return understood(
            metrics=["scroll_depth"], dimensions=["time:day"], filters=[page]
        )

    assert can_use_tables(by_day(""))
    assert not can_use_tables(by_day("a"))


@pytest.mark.parametrize("nested", [False, True])
def test_a_goal_that_is_not_there_is_told_with_the_nearest(nested: bool) -> None:
    wrong = ["is", "event:goal", ["Signup", "Singup"]]
    with pytest.raises(QueryError, match='no goal "Singup"; did you mean "Signup"'):
        understood(filters=[["has_done", wrong] if nested else wrong])

    understood(filters=[["is", "event:goal", ["signup"], {"case_sensitive": False}]])
    understood(filters=[["contains", "event:goal", ["Sing"]]])


def test_what_has_done_asks_for_is_nothing_that_is_told_of() -> None:
    for metric, done in (
        ("conversion_rate", ["is", "event:goal", ["Signup"]]),
        ("scroll_depth", ["is", "event:page", ["/"]]),
    ):
        understood(metrics=[metric], filters=[done])
        with pytest.raises(QueryError, match="needs event:"):
            understood(metrics=[metric], filters=[["has_done", done]])


def test_filters_nest_only_so_deep_and_are_only_so_many() -> None:
    deep: list[Any] = ["is", "event:page", ["/"]]
    for _ in range(10_000):
        deep = ["not", deep]
    with pytest.raises(QueryError, match="deep"):
        understood(filters=[deep])
    with pytest.raises(QueryError, match="at most 200"):
        understood(filters=[["is", "event:page", ["/"]]] * 201)


def test_a_segment_stands_for_its_filters_and_is_told_as_it_was_written() -> None:
    query = understood(filters=[["is", "segment", [1]]])

    assert [leaf.values for leaf in all_leaves(query.filter)] == [("DE",)]
    assert query_as_json(query)["filters"] == [["is", "segment", [1]]]
    other = understood(filters=[["is_not", "segment", [1]]])
    assert other.filter == understood(filters=[["not", ["is", "segment", [1]]]]).filter


def test_rows_are_ordered_by_time_and_then_by_the_first_metric() -> None:
    metrics = ["pageviews", "visitors"]

    over_time = understood(metrics=metrics, dimensions=["visit:source", "time"])
    assert over_time.order == (("time:day", False), ("pageviews", True))
    assert understood(metrics=metrics).order == (("pageviews", True),)


def test_a_question_as_it_was_understood_means_the_same() -> None:
    query = understood(
        metrics=["visitors", "pageviews"],
        dimensions=["visit:source"],
        filters=[
            ["or", [["contains", "event:page", ["A"], {"case_sensitive": False}]]],
            ["not", ["has_done", ["is", "event:name", ["signup"]]]],
        ],
        order_by=[["visit:source", "asc"]],
        include={"total_rows": True},
        pagination={"limit": 5, "offset": 2},
    )

    again = understood(**query_as_json(query))
    assert query_as_json(again) == query_as_json(query)
    assert again.filter == query.filter and again.order == query.order


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["is", "and", "not", "event:page", "visit:country", "segment"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(
    key=st.sampled_from(
        [
            "metrics",
            "dimensions",
            "filters",
            "order_by",
            "include",
            "pagination",
            "date_range",
        ]
    ),
    value=ANYTHING,
)
def test_rubbish_is_refused_and_never_breaks(key: str, value: object) -> None:
    try:
        parse({**QUESTION, key: value}, KNOWN)
    except QueryError as error:
        assert error.pointer.startswith("#")
