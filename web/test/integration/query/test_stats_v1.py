"""Plausible's Stats API v1 over HTTP: its shapes, and the figures of v2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.sites.goal import new_goal
from support.application import application
from support.asked import put, view

MARCH = {"period": "custom", "date": "2026-03-01,2026-03-03"}


@pytest.fixture(name="client", scope="module")
def _client(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """Four visitors, each with a page of its own, on the 2nd of March.

    One of them has come from Germany with Firefox 140, by a letter, and buys something.
    """
    folder = tmp_path_factory.mktemp("data")
    known = {"country": "DE", "utm_campaign": "letter", "source": "Mail"}
    device = {"browser": "Firefox", "browser_version": "140"}
    buyer = view(1) | known | device
    event = {"name": "buy", "step": 2, "view": 0, "interaction": 2, "arrival": False}
    rows = [buyer, view(2, "/docs"), view(3, "/docs/a/b"), view(4, "/other")]
    rows.append(buyer | event)
    with application(redis_url, Path(folder)):
        app_module.sites().add("a.org", {})
        goals = (new_goal({"event": "buy"}),)
        app_module.sites().put_goals("a.org", lambda _: goals)
        put(Lake(str(folder / "lake")), rows, 1)
        yield create_app().test_client()


@pytest.fixture(name="token", scope="module")
def _token(client: FlaskClient) -> str:
    assert client
    return app_module.tokens().add("stats", ["a.org"])[1]


def asked(client: FlaskClient, token: str, path: str, **said: str) -> Any:
    header = {"Authorization": f"Bearer {token}"}
    said = {"site_id": "a.org"} | said
    response = client.get(f"/api/v1/stats/{path}", query_string=said, headers=header)
    return response.json if response.status_code == 200 else response.status_code


def results(client: FlaskClient, token: str, path: str, **said: str) -> Any:
    return asked(client, token, path, **{**MARCH, **said})["results"]


def test_totals_are_named_and_may_be_compared(client: FlaskClient, token: str) -> None:
    metrics = {"metrics": "visitors,pageviews,bounce_rate"}
    found = results(client, token, "aggregate", **metrics)
    assert found["pageviews"] == {"value": 4} and found["visitors"] == {"value": 4}
    compared = results(client, token, "aggregate", compare="previous_period", **metrics)
    assert compared["visitors"] == {"value": 4, "change": 100}

    header = {"Authorization": f"Bearer {token}"}
    body = {"site_id": "a.org", "metrics": metrics["metrics"].split(",")}
    days = MARCH["date"].split(",")
    v2 = client.post("/api/v2/query", json=body | {"date_range": days}, headers=header)
    assert v2.json is not None
    values = [found[name]["value"] for name in body["metrics"]]
    assert v2.json["results"][0]["metrics"] == values


def test_a_series_has_its_empty_days_too(client: FlaskClient, token: str) -> None:
    assert results(client, token, "timeseries", metrics="visitors,bounce_rate") == [
        {"date": "2026-03-01", "visitors": 0, "bounce_rate": None},
        {"date": "2026-03-02", "visitors": 4, "bounce_rate": 75},
        {"date": "2026-03-03", "visitors": 0, "bounce_rate": None},
    ]
    year = {"period": "12mo", "date": "2026-03-15"}
    months = results(client, token, "timeseries", **year)
    assert [row["date"] for row in months[-2:]] == ["2026-02-01", "2026-03-01"]
    assert (len(months), months[-1]["visitors"]) == (12, 4)


def test_a_breakdown_calls_its_key_as_the_property(
    client: FlaskClient, token: str
) -> None:
    rows = results(client, token, "breakdown", property="event:page", limit="3")
    assert {row["page"] for row in rows} == {"/", "/docs", "/docs/a/b"}
    rest = {"property": "event:page", "limit": "3", "page": "2"}
    assert results(client, token, "breakdown", **rest) == [
        {"page": "/other", "visitors": 1}
    ]
    props = results(client, token, "breakdown", property="event:props:plan")
    assert props == [{"plan": "(none)", "visitors": 4}]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("visit:country", [{"country": "DE", "visitors": 1}]),
        ("visit:utm_campaign", [{"utm_campaign": "letter", "visitors": 1}]),
        (
            "visit:browser_version",
            [
                {"browser": "(not set)", "browser_version": "(not set)", "visitors": 3},
                {"browser": "Firefox", "browser_version": "140", "visitors": 1},
            ],
        ),
    ],
)
def test_a_breakdown_has_the_rows_that_v1_has(
    client: FlaskClient, token: str, name: str, rows: list[dict[str, Any]]
) -> None:
    """Campaigns and places have none for visits without one; versions name whose."""
    assert results(client, token, "breakdown", property=name) == rows


def test_a_rate_is_that_of_the_row_s_own_visitors(
    client: FlaskClient, token: str
) -> None:
    said = {"metrics": "visitors,conversion_rate", "filters": "event:goal==buy"}
    (row,) = results(client, token, "breakdown", property="visit:source", **said)
    assert row == {"source": "Mail", "visitors": 1, "conversion_rate": 100.0}
    whole = results(client, token, "aggregate", **said)
    assert whole["conversion_rate"] == {"value": 25.0}
    said = {"metrics": "conversion_rate", "property": "event:goal"}
    assert results(client, token, "breakdown", **said) == [
        {"goal": "buy", "conversion_rate": 25.0}
    ]


@pytest.mark.parametrize(
    ("filters", "visitors"),
    [
        ("event:page==/docs", 1),
        ("event:page==/docs|/other", 2),
        (r"event:page==/docs\|/other", 0),
        ("event:page==/docs/**", 1),
        ("event:page==/docs/*", 0),
        ("event:page==/*", 3),
        ("event:page!=/docs", 3),
        ("event:page==/docs;visit:entry_page==/", 0),
    ],
)
def test_filters_are_those_of_v1(
    client: FlaskClient, token: str, filters: str, visitors: int
) -> None:
    found = results(client, token, "aggregate", filters=filters)
    assert found["visitors"]["value"] == visitors


@pytest.mark.parametrize(
    "said",
    [
        {"period": "5d"},
        {"period": "custom", "date": "2026-03-01"},
        {"metrics": "visits,nothing"},
        {"filters": "page=/"},
        {"filters": "event:page!=/a|/b"},
        {"filters": "event:goal!=a"},
        {"compare": "ever"},
    ],
)
def test_what_cannot_be_asked_is_refused(
    client: FlaskClient, token: str, said: dict[str, str]
) -> None:
    assert asked(client, token, "aggregate", **said) == 400


def test_the_usual_period_is_thirty_days_with_today(
    client: FlaskClient, token: str
) -> None:
    said = {"date": "2026-03-30"}
    days = asked(client, token, "timeseries", **said)["results"]
    assert (days[0]["date"], days[-1]["date"]) == ("2026-03-01", "2026-03-30")
    assert asked(client, token, "breakdown", property="event:hostname") == 400
    assert asked(client, token, "breakdown", property="event:page", limit="0") == 400
    assert asked(client, token, "timeseries", interval="week") == 400
    assert asked(client, token, "aggregate", site_id="b.org") == 401


def test_whether_it_is_well_may_be_asked_by_anybody(client: FlaskClient) -> None:
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
