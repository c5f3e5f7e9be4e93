"""Plausible's Sites API: sites, goals, properties and guests in its shapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.data_files import files_of
from page_tracker.lake.table import Lake
from page_tracker.web.path_converter import SiteBesideWords
from support.application import application
from support.asked import put, view

SITES = "/api/v1/sites"


@pytest.fixture(name="client")
def _client(redis_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    address = {"PAGE_TRACKER_URL": "https://stats.example"}
    with application(redis_url, tmp_path, **address):
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


def test_a_site_is_found_by_any_of_its_names_but_the_words_beside_it(
    client: FlaskClient,
) -> None:
    client.post(SITES, json={"domain": "intranet"})
    app_module.sites().change("intranet", {"aliases": ["1", "pa-mine"]}, by="a test")
    for name in ("intranet", "1", "pa-mine"):
        assert said(client.get(f"{SITES}/{name}"))["domain"] == "intranet"
        said(client.put(f"{SITES}/{name}", json={}))
    said(client.delete(f"{SITES}/intranet"))

    beside = {
        rule.rule.split("/")[4]
        for rule in create_app().url_map.iter_rules()
        if rule.rule.startswith(f"{SITES}/") and "<site:" not in rule.rule
    }
    assert beside == {*SiteBesideWords.WORDS}
    for word in beside:
        client.post(SITES, json={"domain": word})
        assert client.delete(f"{SITES}/{word}").status_code in (404, 405)
    assert {each.id for each in app_module.sites().all()} == beside


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


def test_a_site_is_found_by_its_new_domain_and_keeps_its_hits(
    client: FlaskClient,
) -> None:
    client.post(SITES, json={"domain": "a.example"})
    moved = said(client.put(f"{SITES}/a.example", json={"domain": "b.example"}))
    assert moved["domain"] == "a.example"
    assert said(client.get(f"{SITES}/b.example")) == moved
    same = said(client.put(f"{SITES}/b.example", json={"domain": "b.example"}))
    assert same == moved and app_module.sites().get("a.example").hostnames == (
        "b.example",
    )
    script = moved["tracker_script_configuration"]
    assert client.get(f"/js/{script['id']}.js").status_code == 200
    app_module.sites().change("a.example", {"aliases": ["pa-mine"]}, by="a test")
    named = said(client.get(f"{SITES}/a.example"))
    assert named["tracker_script_configuration"] == script | {"id": "pa-mine"}


def test_only_who_may_change_all_sites_moves_one(client: FlaskClient) -> None:
    """All other sites lose the host that one of them gets."""
    client.post(SITES, json={"domain": "a.example"})
    token = app_module.tokens().add("admin", ["a.example"])[1]
    header = {"Authorization": f"Bearer {token}"}
    body = {"domain": "b.example"}
    refused = client.put(f"{SITES}/a.example", json=body, headers=header)
    assert refused.status_code == 403
    assert client.put(f"{SITES}/a.example", json={}, headers=header).status_code == 200


def test_a_site_is_deleted_with_its_hits(client: FlaskClient, tmp_path: Path) -> None:
    client.post(SITES, json={"domain": "a.example"})
    lake = Lake(str(tmp_path / "lake"))
    put(lake, [view(1, site="a.example"), view(1, site="b.example")], 1)
    assert said(client.delete(f"{SITES}/a.example")) == {"deleted": "true"}
    assert sum(file.rows for file in files_of(lake.snapshot("hits"))) == 1
    assert client.get(f"{SITES}/a.example").status_code == 404


def test_properties_are_those_that_events_have(
    client: FlaskClient, tmp_path: Path
) -> None:
    client.post(SITES, json={"domain": "a.example"})
    named, path = {"site_id": "a.example"}, f"{SITES}/custom-props"
    assert said(client.get(path, query_string=named))["custom_properties"] == []
    row = view(1, site="a.example") | {"props": {"plan": "pro"}}
    put(Lake(str(tmp_path / "lake")), [row], 1)
    listed = said(client.get(path, query_string=named))
    assert listed["custom_properties"] == [{"property": "plan"}]
    # As its documentation sends it: a form.
    assert said(client.put(path, data=named | {"property": "plan"})) == {
        "created": True
    }
    refused = client.delete(f"{path}/plan", json=named)
    assert refused.status_code == 400 and "delete hits" in refused.text


def test_guests_are_let_in_listed_and_taken_out(client: FlaskClient) -> None:
    client.post(SITES, json={"domain": "a.example"})
    named, path = {"site_id": "a.example"}, f"{SITES}/guests"
    ada = {"email": "ada@example.org", "role": "viewer"}
    made = said(client.put(path, json=named | ada))
    assert made.items() >= (ada | {"status": "invited"}).items()
    secret = made["url"].removeprefix("https://stats.example/welcome/")
    assert client.get(f"/welcome/{secret}").status_code == 200

    again = said(client.put(path, data=named | ada | {"role": "editor"}))
    assert again == ada | {"role": "editor", "status": "invited"}
    listed = said(client.get(path, query_string=named))
    assert listed["guests"] == [again] and listed["meta"]["limit"] == 100
    gone = client.delete(f"{path}/ada@example.org", json=named)
    assert said(gone) == {"deleted": True}
    assert said(client.get(path, query_string=named))["guests"] == []
    assert client.delete(f"{path}/ada@example.org", json=named).status_code == 404


def test_nobody_is_let_in_by_a_token_for_one_site(client: FlaskClient) -> None:
    client.post(SITES, json={"domain": "a.example"})
    token = app_module.tokens().add("admin", ["a.example"])[1]
    header = {"Authorization": f"Bearer {token}"}
    body = {"site_id": "a.example", "email": "ada", "role": "editor"}
    refused = client.put(f"{SITES}/guests", json=body, headers=header)
    assert refused.status_code == 403 and not app_module.accounts().all()
    owner = client.put(f"{SITES}/guests", json=body | {"role": "owner"})
    assert owner.status_code == 400
    assert said(client.get(f"{SITES}/teams"))["teams"] == []


def test_a_shared_link_is_made_once_and_shows_the_site(client: FlaskClient) -> None:
    client.post(SITES, json={"domain": "a.example"})
    body = {"site_id": "a.example", "name": "Wordpress"}
    made = said(client.put(f"{SITES}/shared-links", json=body))
    assert made["name"] == "Wordpress"
    assert said(client.put(f"{SITES}/shared-links", data=body)) == made
    path = made["url"].removeprefix("https://stats.example")
    assert client.get(path).location == "/a.example"
    wrong = client.put(f"{SITES}/shared-links", json=body | {"name": ""})
    assert wrong.status_code == 400
