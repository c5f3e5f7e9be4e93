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
from page_tracker.query.goatcounter_paths import path_id
from page_tracker.query.goatcounter_stats import PANELS
from support.application import application
from support.asked import put, view

# As its dashboard writes them.
DAYS = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-03T23:59:59Z"}
NOTHING_BUT_NOON = [0] * 12 + [3] + [0] * 11


@pytest.fixture(name="client", scope="module")
def _client(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """Three visitors at noon on the 2nd of March, two of whom read the same page.

    One of these came from a page elsewhere with Firefox 140, and buys something.
    """
    folder = tmp_path_factory.mktemp("data")
    with application(redis_url, Path(folder)):
        app_module.sites().add("a.org", {})
        app_module.sites().add("b.org", {})
        told = {"browser": "Firefox", "browser_version": "140", "country": "NL"}
        came = {"referrer": "news.example/1", "source": "news.example"}
        known = told | came | {"region": "NL-NB", "utm_campaign": "spring"}
        bought = {"name": "buy", "view": 0, "step": 2, "arrival": False}
        rows = [view(1, "/a") | known, view(2, "/a"), view(3, "/b")]
        rows.append(view(1, "/a") | known | bought)
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
    assert asked(client, f"sites/{site['id']}") == site
    assert asked(client, f"sites/{path_id('b.org')}") == 404


def test_its_dashboard_finds_all_that_it_asks_for(client: FlaskClient) -> None:
    """What `goatcounter dashboard` sends, in its order, and what it reads of it."""
    assert asked(client, "stats/total", **DAYS).keys() >= {"total", "total_utc"}
    pages = asked(client, "stats/hits", limit="8", **DAYS)
    assert pages.keys() == {"hits", "total", "more"}
    assert pages["hits"][0].keys() >= {"count", "path", "title"}
    panels = ("toprefs", "browsers", "systems", "sizes", "locations", "languages")
    for name in (*panels, "campaigns"):
        found = asked(client, f"stats/{name}", limit="4", **DAYS)
        assert all(row.keys() >= {"name", "count"} for row in found["stats"])


def test_a_browser_may_show_a_token_as_a_password(client: FlaskClient) -> None:
    token = app_module.tokens().add("stats", ["a.org"])[1]
    assert client.get("/api/v0/me", auth=("", token)).status_code == 200
    assert client.get("/api/v0/me", auth=("", f"{token}0")).status_code == 401
    sent = client.post("/api/v1/sites", auth=("", token), data={"domain": "c.org"})
    assert sent.status_code == 401  # another site's form may have sent it


def test_the_total_has_its_days_and_hours(client: FlaskClient) -> None:
    assert asked(client, "stats/total", **DAYS) == {
        "total": 3,
        "total_events": 1,
        "total_utc": 3,
        "stats": [{"day": "2026-03-02", "daily": 3, "hourly": NOTHING_BUT_NOON}],
    }


def test_pages_and_events_are_counted_by_their_visitors(client: FlaskClient) -> None:
    found = asked(client, "stats/hits", limit="1", **DAYS)
    (page,) = found["hits"]
    assert (page["path"], page["count"], page["max"]) == ("/a", 2, 2)
    assert [(day["day"], day["daily"]) for day in page["stats"]] == [("2026-03-02", 2)]
    assert (found["total"], found["more"]) == (2, True)

    rest = asked(client, "stats/hits", exclude_paths=str(path_id("/a")), **DAYS)
    paths = [(page["path"], page["event"], page["max"]) for page in rest["hits"]]
    assert paths == [("/b", False, 1), ("buy", True, 1)]
    assert asked(client, "stats/hits")["hits"] == []


def test_all_paths_are_listed_in_the_order_of_their_numbers(
    client: FlaskClient,
) -> None:
    found = asked(client, "paths", limit="2")
    rest = asked(client, "paths", after=str(found["paths"][-1]["id"]))
    listed = [*found["paths"], *rest["paths"]]
    assert {path["path"] for path in listed} == {"/a", "/b", "buy"}
    assert [path["id"] for path in listed] == sorted(path["id"] for path in listed)
    assert (found["more"], rest["more"]) == (True, False)


@pytest.mark.parametrize(
    ("said", "visitors"),
    [
        ({"include_paths": str(path_id("/a"))}, 2),
        ({"include_paths": f"{path_id('/b')},{path_id('buy')}"}, 2),
        ({"include_paths": "/b", "path_by_name": "true"}, 1),
        ({"include_paths": "/never", "path_by_name": "true"}, 0),
    ],
)
def test_what_is_counted_may_be_about_some_paths_only(
    client: FlaskClient, said: dict[str, str], visitors: int
) -> None:
    assert asked(client, "stats/total", **said, **DAYS)["total"] == visitors
    rows = asked(client, "stats/sizes", **said, **DAYS)["stats"]
    assert sum(row["count"] for row in rows) == visitors
    hits = asked(client, "stats/hits", **said, **DAYS)["hits"]
    assert sum(page["count"] for page in hits) >= visitors


@pytest.mark.parametrize("group", ["day", "week", "month"])
def test_the_most_visitors_are_of_hours_days_weeks_or_months(
    client: FlaskClient, group: str
) -> None:
    found = asked(client, "stats/hits", group=group, **DAYS)
    assert found["hits"][0]["max"] == 2
    assert asked(client, "stats/hits", group="year", **DAYS) == 400


@pytest.mark.parametrize("name", PANELS)
def test_all_else_is_counted_by_its_name(client: FlaskClient, name: str) -> None:
    found = asked(client, f"stats/{name}", **DAYS)
    counts = [row["count"] for row in found["stats"]]
    assert sum(counts) == (1 if name == "campaigns" else 3)
    assert found["more"] is False
    assert asked(client, f"stats/{name}", limit="1", **DAYS)["more"] is (
        len(counts) > 1
    )


@pytest.mark.parametrize(
    ("name", "row", "details"),
    [
        ("browsers", "Firefox", [{"name": "Firefox 140", "count": 1}]),
        ("locations", "NL", [{"name": "NL-NB", "count": 1}]),
        ("toprefs", "news.example", [{"name": "/a", "count": 1}]),
        ("campaigns", "spring", [{"name": "news.example/1", "count": 1}]),
        ("sizes", "(not set)", []),
    ],
)
def test_a_row_has_its_details(
    client: FlaskClient, name: str, row: str, details: list[dict[str, Any]]
) -> None:
    rows = asked(client, f"stats/{name}", **DAYS)["stats"]
    assert row in {each["id"] for each in rows}
    assert asked(client, f"stats/{name}/{row}", **DAYS)["stats"] == details


def test_a_path_knows_where_its_visitors_came_from(client: FlaskClient) -> None:
    found = asked(client, f"stats/hits/{path_id('/a')}", **DAYS)
    news = {"id": "news.example/1", "name": "news.example/1", "ref_scheme": "h"}
    assert found["refs"] == [{"id": "", "name": "", "count": 1}, news | {"count": 1}]
    assert found["more"] is False
    places = asked(client, "stats/locations", **DAYS)["stats"]
    assert {"id": "NL", "name": "Netherlands", "count": 1} in places


def test_what_cannot_be_asked_is_refused(client: FlaskClient) -> None:
    assert asked(client, "stats/languages") == {"stats": [], "more": False}
    assert asked(client, "stats/colours") == 404
    assert asked(client, "stats/colours/red") == 404
    assert asked(client, "stats/hits/7") == 404
    assert asked(client, "stats/total", include_paths="7") == 400
    assert asked(client, "stats/browsers", limit="many") == 400
    assert asked(client, "stats/total", start="soon") == 400
    assert asked(client, "stats/total", site="b.org") == 401
    assert asked(client, "stats/total", "a.org", "b.org") == 400
    assert asked(client, "stats/total", "a.org", "b.org", site="b.org") != 400
