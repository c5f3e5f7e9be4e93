"""Plausible's Sites API: sites and goals by its paths, in its shapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from support.application import application

SITES = "/api/v1/sites"


@pytest.fixture(name="client")
def _client(redis_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    with application(redis_url, tmp_path):
        client = create_app().test_client()
        token = app_module.tokens().add("admin", None)[1]
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        yield client


def said(response: TestResponse) -> Any:
    assert response.status_code == 200, response.text
    return response.json


def test_sites_are_made_shown_and_listed(client: FlaskClient) -> None:
    site = {"domain": "a.example", "timezone": "Europe/Berlin"}
    assert said(client.post(SITES, json=site)).items() >= site.items()
    assert said(client.get(f"{SITES}/a.example")).items() >= site.items()
    meta = {"after": None, "before": None, "limit": 100}
    assert said(client.get(SITES)) == {"sites": [site], "meta": meta}
    assert client.post(SITES, json=site).status_code == 409
    assert client.post(SITES, json={"domain": "b.example/x"}).status_code == 400


def test_goals_are_put_listed_and_removed(client: FlaskClient) -> None:
    client.post(SITES, json={"domain": "a.example"})
    named = {"site_id": "a.example"}
    event = {"goal_type": "event", "event_name": "Signup", "display_name": "New"}
    page = {"goal_type": "page", "page_path": "/docs/**"}
    for goal in (event, event):  # twice is once
        first = said(client.put(f"{SITES}/goals", json=named | goal))
    assert first.items() >= {"domain": "a.example", **event}.items()
    said(client.put(f"{SITES}/goals", data=named | page))  # a form, as curl sends it

    goals = said(client.get(f"{SITES}/goals", query_string=named))["goals"]
    assert [goal["display_name"] for goal in goals] == ["New", "Visit /docs/**"]
    assert said(client.delete(f"{SITES}/goals/{first['id']}", json=named)) == {
        "deleted": "true"
    }
    again = client.delete(f"{SITES}/goals/{first['id']}", json=named)
    assert again.status_code == 404
    wrong = client.put(f"{SITES}/goals", json=named | {"goal_type": "revenue"})
    assert wrong.status_code == 400 and "goal_type" in wrong.text
