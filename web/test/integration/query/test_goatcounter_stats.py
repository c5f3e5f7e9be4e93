"""GoatCounter's statistics API over HTTP: what its dashboard in a terminal asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.query.goatcounter_stats import DIMENSIONS, path_id
from support.application import application
from support.asked import put, view

# As its dashboard writes them.
DAYS = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-03T23:59:59Z"}
NOTHING_BUT_NOON = [0] * 12 + [3] + [0] * 11


@pytest.fixture(name="client", scope="module")
def _client(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """Three visitors at noon on the 2nd of March, two of whom read the same page."""
    folder = tmp_path_factory.mktemp("data")
    with application(redis_url, Path(folder)):
        app_module.sites().add("a.org", {})
        app_module.sites().add("b.org", {})
        rows = [view(1, "/a"), view(2, "/a"), view(3, "/b")]
        put(Lake(str(folder / "lake")), rows, 1)
        yield create_app().test_client()


def asked(client: FlaskClient, path: str, *sites: str, **said: str) -> Any:
    token = app_module.tokens().add("stats", list(sites) or ["a.org"])[1]
    header = {"Authorization": f"Bearer {token}"}
    response = client.get(f"/api/v0/{path}", query_string=said, headers=header)
    return response.json if response.status_code == 200 else response.status_code


def test_its_dashboard_may_read_sites_and_statistics(client: FlaskClient) -> None:
    """It asks first: 8 is to read sites, 64 to read statistics."""
    assert asked(client, "me")["token"]["permissions"] == 8 | 64
    (site,) = asked(client, "sites")["sites"]
    assert site["code"] == "a.org"


def test_the_total_has_its_days_and_hours(client: FlaskClient) -> None:
    assert asked(client, "stats/total", **DAYS) == {
        "total": 3,
        "total_events": 0,
        "total_utc": 3,
        "stats": [{"day": "2026-03-02", "daily": 3, "hourly": NOTHING_BUT_NOON}],
    }


def test_pages_are_counted_by_their_visitors(client: FlaskClient) -> None:
    found = asked(client, "stats/hits", limit="1", **DAYS)
    (page,) = found["hits"]
    assert (page["path"], page["count"], page["max"]) == ("/a", 2, 2)
    assert [(day["day"], day["daily"]) for day in page["stats"]] == [("2026-03-02", 2)]
    assert (found["total"], found["more"]) == (2, True)

    rest = asked(client, "stats/hits", exclude_paths=str(path_id("/a")), **DAYS)
    assert [page["path"] for page in rest["hits"]] == ["/b"]
    assert asked(client, "stats/hits")["hits"] == []


@pytest.mark.parametrize("name", DIMENSIONS)
def test_all_else_is_counted_by_its_name(client: FlaskClient, name: str) -> None:
    found = asked(client, f"stats/{name}", **DAYS)
    counts = [row["count"] for row in found["stats"]]
    assert counts == ([] if name == "campaigns" else [3])
    assert found["more"] is False


def test_what_cannot_be_asked_is_refused(client: FlaskClient) -> None:
    assert asked(client, "stats/languages") == {"stats": [], "more": False}
    assert asked(client, "stats/colours") == 404
    assert asked(client, "stats/browsers", limit="many") == 400
    assert asked(client, "stats/total", start="soon") == 400
    assert asked(client, "stats/total", site="b.org") == 401
    assert asked(client, "stats/total", "a.org", "b.org") == 400
    assert asked(client, "stats/total", "a.org", "b.org", site="b.org") != 400
