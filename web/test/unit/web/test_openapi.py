"""The interface's description is a valid OpenAPI document, and names what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from page_tracker.app import create_app
from page_tracker.protocols import PROTOCOLS
from page_tracker.query.catalog import DIMENSIONS, METRICS, OPERATORS, TIME_BUCKETS
from page_tracker.sites.settings import SETTINGS
from page_tracker.web.openapi.document import document
from page_tracker.web.openapi.operations import OPERATIONS


@pytest.fixture(scope="module")
def described() -> Any:
    return document()


def values_of(schema: Any, key: str) -> set[str]:
    """All that is said under a key, anywhere in a schema."""
    if isinstance(schema, list):
        return {each for part in schema for each in values_of(part, key)}
    if not isinstance(schema, dict):
        return set()
    own = schema.get(key, [])
    return set(own if isinstance(own, list) else [own]) | values_of(
        list(schema.values()), key
    )


def test_it_is_valid(described: Any) -> None:
    OpenAPIV31SpecValidator(described).validate()


def test_it_has_every_route_and_no_other() -> None:
    routes = {
        (method, rule.rule)
        for rule in create_app().url_map.iter_rules()
        if rule.rule.startswith("/api") and rule.rule not in PROTOCOLS
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert set(OPERATIONS) == routes


def test_it_names_all_that_can_be_asked(described: Any) -> None:
    schemas = described["components"]["schemas"]

    assert schemas["Metric"]["enum"] == list(METRICS)
    asked = values_of(schemas["Dimension"], "enum")
    assert asked == {*DIMENSIONS, *TIME_BUCKETS, "time"}
    filtered = values_of(schemas["Filter"], "enum")
    assert {*DIMENSIONS, *OPERATORS} <= filtered
    assert not filtered & set(TIME_BUCKETS)
    assert set(schemas["SiteSettings"]["properties"]) == {*SETTINGS, "delete_hits"}


def test_each_schema_is_used(described: Any) -> None:
    used = {each.rpartition("/")[2] for each in values_of(described, "$ref")}

    assert used == set(described["components"]["schemas"])


def test_it_is_given_to_anybody(described: Any) -> None:
    client = create_app().test_client()

    response = client.get("/api/openapi.json")

    assert response.status_code == 200
    assert response.json == json.loads(json.dumps(described))
    again = client.get(
        "/api/openapi.json", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("DELETE", "/api/sites", 405)],
)
def test_what_is_not_there_is_told_in_json(method: str, path: str, status: int) -> None:
    response = create_app().test_client().open(path, method=method)

    assert response.status_code == status
    assert response.json and response.json["error"]
    assert (status == 405) == ("Allow" in response.headers)


def test_what_fails_unforeseen_is_told_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("page_tracker.app.tokens", fail)
    header = {"Authorization": "Bearer x"}

    response = create_app().test_client().get("/api/sites", headers=header)

    assert response.status_code == 500
    assert response.json and "fault of ours" not in response.json["error"]
