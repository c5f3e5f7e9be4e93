"""Questions over HTTP: what is refused, what is answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.sites.goal import new_goal, with_goal
from support.application import application
from support.asked import put, view

DAYS = ["2026-03-01", "2026-03-03"]
QUESTION: dict[str, Any] = {
    "site_id": "a.org",
    "metrics": ["visitors", "pageviews"],
    "date_range": DAYS,
}


@pytest.fixture(autouse=True)
def environment(redis_url: str, tmp_path: Path) -> Iterator[None]:
    rows = [
        view(1),
        view(2, "/docs"),
        view(3, "/other"),
        view(1, site="b.org"),
    ]
    with application(redis_url, tmp_path):
        for domain in ("a.org", "b.org"):
            app_module.sites().add(domain, {})
        put(Lake(str(tmp_path / "lake")), rows, 1)
        yield


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def token(scope: str, *sites: str) -> str:
    return app_module.tokens().add(scope, list(sites) or None)[1]


def asked(
    client: FlaskClient, text: str | None = None, path: str = "query", **changes: object
) -> TestResponse:
    header = {"Authorization": f"Bearer {text or token('stats', 'a.org')}"}
    body = {**QUESTION, **changes}
    return client.post(f"/api/v2/{path}", json=body, headers=header)


def metrics(response: TestResponse) -> list[Any]:
    assert response.status_code == 200, response.text
    assert response.json is not None
    return [row["metrics"] for row in response.json["results"]]


def test_a_question_is_answered_in_the_documented_shape(client: FlaskClient) -> None:
    response = asked(
        client,
        dimensions=["event:page"],
        include={"total_rows": True},
        filters=[["is", "event:page", ["/", "/docs"]]],
    )

    assert response.json == {
        "results": [
            {"metrics": [1, 1], "dimensions": ["/"]},
            {"metrics": [1, 1], "dimensions": ["/docs"]},
        ],
        "meta": {"total_rows": 2},
        "query": {
            "site_id": "a.org",
            "metrics": ["visitors", "pageviews"],
            "date_range": ["2026-03-01T00:00:00+00:00", "2026-03-03T23:59:59+00:00"],
            "dimensions": ["event:page"],
            "filters": [["is", "event:page", ["/", "/docs"]]],
            "order_by": [["visitors", "desc"]],
            "include": {"total_rows": True},
            "pagination": {"limit": 10_000, "offset": 0},
        },
    }


def test_several_questions_are_answered_in_their_order(client: FlaskClient) -> None:
    header = {"Authorization": f"Bearer {token('stats', 'a.org')}"}
    narrow = {**QUESTION, "filters": [["is", "event:page", ["/docs"]]]}

    found = client.post("/api/v2/queries", json=[QUESTION, narrow], headers=header)

    assert found.json is not None
    answers = [each["results"][0]["metrics"] for each in found.json["answers"]]
    assert answers == [[3, 3], [1, 1]]


def test_the_fault_of_one_question_of_several_is_told_at_its_place(
    client: FlaskClient,
) -> None:
    header = {"Authorization": f"Bearer {token('stats', 'a.org')}"}
    wrong = {**QUESTION, "metrics": ["vistors"]}

    found = client.post("/api/v2/queries", json=[QUESTION, wrong], headers=header)

    assert found.status_code == 400 and found.json is not None
    assert found.json["error"].startswith("#/1/metrics/0: ")


def test_goals_are_told_once_there_are_some(client: FlaskClient) -> None:
    question = {
        "metrics": ["visitors", "conversion_rate"],
        "dimensions": ["event:goal"],
    }
    assert metrics(asked(client, None, "query", **question)) == []
    goal = new_goal({"name": "Docs", "page": "/docs"})
    app_module.sites().put_goals("a.org", lambda goals: with_goal(goals, goal))

    assert metrics(asked(client, None, "query", **question)) == [[1, 33.33]]


def test_the_number_of_rows_is_told_past_their_end_too(client: FlaskClient) -> None:
    question: dict[str, Any] = {
        "dimensions": ["event:page"],
        "include": {"total_rows": True},
    }

    first = asked(client, None, **question, pagination={"limit": 1})
    past = asked(client, None, **question, pagination={"offset": 9})

    assert first.json and past.json
    assert first.json["meta"] == past.json["meta"] == {"total_rows": 3}
    assert past.json["results"] == []


def test_a_row_is_compared_with_its_own_before_however_many_rows_there_were(
    client: FlaskClient, tmp_path: Path
) -> None:
    """Before, 10,000 pages had more visitors than the one that is asked about."""
    before = date(2026, 2, 27)
    others = [
        view(2 * page + n, f"/{page}", before) for page in range(10_000) for n in (0, 1)
    ]
    put(Lake(str(tmp_path / "lake")), [view(1, "/docs", before), *others], 2)

    found = asked(
        *(client, None, "query"),
        metrics=["visitors"],
        dimensions=["time:day", "event:page"],
        date_range=["2026-03-02", "2026-03-02"],
        include={
            "comparisons": {
                "mode": "custom",
                "date_range": [str(before), str(before)],
            }
        },
    )

    assert found.json
    compared = {
        tuple(row["dimensions"]): row["comparison"] for row in found.json["results"]
    }
    assert compared["2026-03-02", "/docs"] == {
        "dimensions": ["2026-02-27", "/docs"],
        "metrics": [1],
        "change": [0],
    }
    assert compared["2026-03-02", "/"]["metrics"] == [0]


@pytest.mark.parametrize("gone", ["*.parquet", "_delta_log/*.json"])
def test_a_lake_that_cannot_be_read_is_told_with_when_to_come_again(
    client: FlaskClient, tmp_path: Path, gone: str
) -> None:
    for path in (tmp_path / "lake" / "hits").rglob(gone):
        path.write_bytes(b"rubbish")

    response = asked(client)

    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.json and "lake" in response.json["error"]
