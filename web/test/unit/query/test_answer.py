"""Answers have the documented shape."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from page_tracker.query.answer import as_json, before_of, change, money
from page_tracker.query.plan import plan
from page_tracker.query.query import Comparison, Query, Range
from page_tracker.query.report import Report, Row
from page_tracker.query.sql import Statement
from page_tracker.sites.goal import Goal

DAY = Range(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")


def report(query: Query, *rows: Row, **more: object) -> Report:
    planned, asked = plan(query, frozenset()), Statement("", {})
    found = Report(query, rows, len(rows), planned, {}, asked)
    return replace(found, **more)


def test_a_day_that_changes_the_clock_has_its_own_offsets() -> None:
    told = as_json(report(Query("a.org", ("visitors",), DAY), Row((), (3,))))

    assert told["results"] == [{"metrics": [3], "dimensions": []}]
    assert told["query"]["date_range"] == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-29T23:59:59+02:00",
    ]


def test_revenue_is_an_object_in_the_goals_currency() -> None:
    goals = (Goal(name="Sale", event="buy", currency="EUR"),)
    query = Query("a.org", ("total_revenue",), DAY, goals=goals)

    told = as_json(report(query, Row((), (1234.5,))))

    assert told["results"][0]["metrics"] == [
        {
            "value": 1234.5,
            "currency": "EUR",
            "short": "EUR 1.2K",
            "long": "EUR 1,234.50",
        }
    ]
    assert "metric_warnings" not in told["meta"]


def test_revenue_in_several_currencies_is_null_with_a_warning() -> None:
    goals = tuple(
        Goal(name=unit, event="buy", currency=unit) for unit in ("EUR", "USD")
    )
    query = Query("a.org", ("total_revenue",), DAY, goals=goals)

    told = as_json(report(query, Row((), (0.0,))))

    assert told["results"][0]["metrics"] == [None]
    warning = told["meta"]["metric_warnings"]["total_revenue"]
    assert warning.keys() == {"code", "warning"}
    assert warning["code"] == "no_single_revenue_currency"


def test_revenue_of_no_goal_that_has_one_is_null_with_another_warning() -> None:
    goals = (Goal(name="Signup", event="signup"),)
    query = Query("a.org", ("average_revenue",), DAY, goals=goals)

    told = as_json(report(query, Row((), (None,))))

    warning = told["meta"]["metric_warnings"]["average_revenue"]
    assert warning["code"] == "no_revenue_goals_matching"


def test_revenue_by_goal_is_each_in_its_own_currency_without_a_warning() -> None:
    goals = tuple(Goal(name=unit, event="buy", currency=unit) for unit in ("EUR", ""))
    goals = (*goals, Goal(name="USD", event="give", currency="USD"))
    query = Query("a.org", ("total_revenue",), DAY, ("event:goal",), goals=goals)

    told = as_json(report(query, Row(("USD",), (2.5,)), Row(("",), (None,))))

    assert "metric_warnings" not in told["meta"]
    assert told["results"][0]["metrics"][0]["currency"] == "USD"
    assert told["results"][1]["metrics"] == [None]


@pytest.mark.parametrize("why", ["", "no_imported_data", "out_of_range"])
def test_imports_are_said_to_be_included_only_where_they_are(why: str) -> None:
    query = Query("a.org", ("visitors",), DAY, imports=True)

    meta = as_json(report(query, Row((), (1,))), why)["meta"]

    assert meta["imports_included"] is not bool(why)
    assert meta.get("imports_skip_reason", "") == why


def test_a_group_that_was_not_there_had_no_revenue_without_a_currency_either() -> None:
    asked = ("visitors", "total_revenue")
    query = Query("a.org", asked, DAY, ("visit:source",), comparison=Comparison(DAY))
    row = Row(("Google",), (3, None))

    assert before_of(report(query, row, compared={}), row) == (0, None)


def test_a_comparison_stands_beside_each_row() -> None:
    query = Query(
        "a.org",
        ("visitors", "bounce_rate"),
        DAY,
        ("visit:source",),
        comparison=Comparison(DAY),
    )
    known = {("Google",): (10, 50)}

    told = as_json(
        report(query, Row(("Google",), (15, 40)), Row(("x",), (1, 0)), compared=known)
    )

    first, second = told["results"]
    assert first["comparison"] == {
        "dimensions": ["Google"],
        "metrics": [10, 50],
        "change": [50, -10],
    }
    assert second["comparison"]["metrics"] == [0, None]
    assert second["comparison"]["change"] == [100, None]


def test_a_comparison_names_its_own_days() -> None:
    """A day that the compared range, which is shorter, does not have is null there."""
    days = Range(date(2026, 3, 8), date(2026, 3, 9), "UTC")
    before = Range(date(2026, 2, 1), date(2026, 2, 1), "UTC")
    dimensions = ("time:day", "visit:source")
    query = Query(
        "a.org", ("visitors",), days, dimensions, comparison=Comparison(before)
    )
    first, second = ("2026-03-08", "Google"), ("2026-03-09", "Google")

    told = as_json(
        report(query, Row(first, (3,)), Row(second, (4,)), compared={first: (2,)})
    )

    assert [row["dimensions"] for row in told["results"]] == [[*first], [*second]]
    compared = [row["comparison"] for row in told["results"]]
    assert [each["dimensions"] for each in compared] == [
        ["2026-02-01", "Google"],
        [None, "Google"],
    ]
    assert [each["metrics"] for each in compared] == [[2], [0]]


def test_labels_and_totals_are_told_where_asked_for() -> None:
    query = Query(
        "a.org", ("visitors",), DAY, ("time:day",), time_labels=True, total_rows=True
    )

    assert as_json(report(query))["meta"] == {
        "time_labels": ["2026-03-29"],
        "total_rows": 0,
    }


@pytest.mark.parametrize(
    ("now", "before", "told"), [(3, 2, 50), (0, 0, 0), (1, 0, 100), (None, 1, None)]
)
def test_a_change_is_told_in_percent(
    now: int | None, before: int, told: int | None
) -> None:
    assert change("visitors", now, before) == told


def test_money_is_short_and_long() -> None:
    assert money(2_500_000, "USD") == {
        "value": 2_500_000,
        "currency": "USD",
        "short": "USD 2.5M",
        "long": "USD 2,500,000.00",
    }
    assert money(1.0, "") is None


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (999.94, "999.9"),
        (999.95, "1.0K"),
        (999_999.99, "1.0M"),
        (-999_999_999, "-1.0B"),
    ],
)
def test_short_money_that_rounds_up_takes_the_next_letter(
    value: float, short: str
) -> None:
    told = money(value, "EUR")

    assert told is not None and told["short"] == f"EUR {short}"
