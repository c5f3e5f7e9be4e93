"""What docs/guides/asking.md says differs from Plausible: a check of each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.sites.goal import new_goal, with_goal
from support.application import application
from support.asked import put, view
from support.documentation import page

TABLE = page("guides/asking").partition("### What differs")[2]
ROWS = re.findall(r"^\| ([^|]+) \|", TABLE.partition("###")[0], re.M)
DAYS = ["2026-03-01", "2026-03-07"]
QUESTION: dict[str, Any] = {
    "site_id": "a.org",
    "metrics": ["visitors"],
    "date_range": DAYS,
}

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def client(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """Of a site with a goal that has revenue, and some views."""
    folder = tmp_path_factory.mktemp("differences")
    placed = {"country": "DE", "region": "DE-BE", "city": "Berlin"}
    placed["hostname"] = placed["entry_hostname"] = "a.org"
    sizes = {"device": "Desktop", "screen": "Mobile"}
    money = {"name": "buy", "revenue": 5_000, "currency": "EUR"}
    rows = [
        view(1) | placed | sizes,
        view(2, "/docs"),
        view(3) | money | {"view": 0},
        view(4, day=date(2025, 3, 1)),
    ]
    for number, hour in ((5, 0), (6, 1)):
        night = view(number, day=date(2026, 10, 25))
        night["time"] = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        rows.append(night)
    with application(redis_url, folder):
        app_module.sites().add("a.org", {"timezone": "Europe/Berlin"})
        goal = new_goal({"event": "buy", "currency": "EUR"})
        app_module.sites().put_goals("a.org", partial(with_goal, goal=goal))
        put(Lake(str(folder / "lake")), rows, 1)
        yield create_app().test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    token = app_module.tokens().add("stats", ["a.org"])[1]

    def asked(path: str = "query", body: Any = None, **changes: Any) -> Any:
        answer = client.post(
            f"/api/v2/{path}",
            json=body or {**QUESTION, **changes},
            headers={"Authorization": f"Bearer {token}"},
        )
        return answer.json

    return asked


def told(answer: Any) -> dict[tuple[str, ...], list[Any]]:
    """Each row's metrics by its dimensions."""
    return {tuple(row["dimensions"]): row["metrics"] for row in answer["results"]}


def several_questions(ask: Ask) -> None:
    assert len(ask("queries", [QUESTION] * 50)["answers"]) == 50


def more_dimensions(ask: Ask) -> None:
    (row,) = [row for row in TABLE.splitlines() if "more dimensions" in row]
    for name in re.findall("`([a-z_:]+)`", row):
        assert ask(dimensions=[name])["results"], name


def city(ask: Ask) -> None:
    for name in ("visit:city", "visit:city_name"):
        assert told(ask(dimensions=[name]))["Berlin",] == [1]


def region(ask: Ask) -> None:
    for name in ("visit:region", "visit:region_name"):
        assert told(ask(dimensions=[name]))["DE-BE",] == [1]


def no_place(ask: Ask) -> None:
    for name in ("visit:country", "visit:city_name"):
        assert told(ask(dimensions=[name]))["(not set)",] == [2]


def device(ask: Ask) -> None:
    found = told(ask(dimensions=["visit:device", "visit:screen"]))
    assert found["Desktop", "Mobile"] == [1]


def visits_by_page(ask: Ask) -> None:
    metrics = ["views_per_visit", "visit_duration", "bounce_rate"]
    found = told(ask(metrics=metrics, dimensions=["event:page"]))
    assert found["/docs",] == [1, 0, 100]


def midnight(_ask: Ask) -> None:
    """The collector begins a visit anew, which `test_definitions` holds it to."""
    text = page("reference/metrics")
    assert "midnight in its time zone, and every visit and every visitor ends" in text


def revenue_without_goal(ask: Ask) -> None:
    assert told(ask(metrics=["total_revenue"]))[()][0]["value"] == 5


def revenue_texts(ask: Ask) -> None:
    amount = told(ask(metrics=["total_revenue"]))[()][0]
    assert (amount["short"], amount["long"]) == ("EUR 5.0", "EUR 5.00")


def comparisons(ask: Ask) -> None:
    answer = ask(include={"comparisons": {"mode": "year_over_year"}})
    (row,) = answer["results"]
    assert row["comparison"] == {"dimensions": [], "metrics": [1], "change": [200]}


def year_before(ask: Ask) -> None:
    answer = ask(
        date_range=["2025-02-26", "2025-03-02"],
        dimensions=["time:day"],
        include={"comparisons": {"mode": "year_over_year"}},
    )
    (row,) = answer["results"]
    assert row["comparison"]["dimensions"] == ["2024-03-01"]
    compared = answer["query"]["include"]["comparisons"]["date_range"]
    assert [day[:10] for day in compared] == ["2024-02-26", "2024-03-01"]


def hour_twice(ask: Ask) -> None:
    answer = ask(date_range=["2026-10-25"] * 2, dimensions=["time:hour"])
    assert told(answer) == {
        ("2026-10-25 02:00:00",): [1],
        ("2026-10-25 02:00:00+01:00",): [1],
    }


def imports(ask: Ask) -> None:
    answer = ask(include={"imports": True})
    assert answer["meta"] == {
        "imports_included": False,
        "imports_skip_reason": "no_imported_data",
    }


def no_country(ask: Ask) -> None:
    wrong = ["is", "visit:country", ["UK"]]
    assert "write GB" in ask(filters=[wrong])["error"]


# By the first cell of each row.
CHECKS: dict[str, Callable[[Ask], None]] = {
    "several questions": several_questions,
    "more dimensions": more_dimensions,
    "`visit:city`": city,
    "`visit:region_name`": region,
    "no place": no_place,
    "`visit:device`": device,
    "`views_per_visit`, `visit_duration` by page": visits_by_page,
    "a visit over midnight": midnight,
    "revenue without a goal in the question": revenue_without_goal,
    "revenue's texts": revenue_texts,
    "`comparisons`": comparisons,
    "a year before": year_before,
    "the hour that comes twice": hour_twice,
    "imports": imports,
    "a country that there is not": no_country,
}


def test_each_row_has_a_check() -> None:
    assert ROWS == list(CHECKS)


@pytest.mark.parametrize("row", CHECKS)
def test_what_differs_is_so(ask: Ask, row: str) -> None:
    CHECKS[row](ask)


def test_over_time_what_was_only_before_is_told_in_its_place(ask: Ask) -> None:
    answer = ask(
        date_range=["2026-02-27", "2026-03-03"],
        dimensions=["time:day"],
        include={"comparisons": {"mode": "year_over_year"}, "total_rows": True},
    )

    assert [
        (row["dimensions"], row["metrics"], row["comparison"])
        for row in answer["results"]
    ] == [
        (
            ["2026-03-01"],
            [0],
            {"dimensions": ["2025-03-01"], "metrics": [1], "change": [-100]},
        ),
        (
            ["2026-03-02"],
            [3],
            {"dimensions": ["2025-03-02"], "metrics": [0], "change": [100]},
        ),
    ]
    assert answer["meta"]["total_rows"] == 2


def test_rows_of_before_are_ordered_and_paged_with_the_others(ask: Ask) -> None:
    body = {
        "date_range": ["2026-02-27", "2026-03-03"],
        "dimensions": ["time:day"],
        "include": {"comparisons": {"mode": "year_over_year"}},
        "order_by": [["visitors", "desc"]],
    }

    every = ask(**body)["results"]
    second = ask(**body, pagination={"limit": 1, "offset": 1})["results"]

    assert [row["metrics"] for row in every] == [[3], [0]]
    assert second == every[1:]
