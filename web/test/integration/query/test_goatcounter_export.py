"""GoatCounter's export over HTTP: begun, asked about, downloaded, and read back."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.lake.table import Lake
from page_tracker.query import goatcounter_export
from support.application import application
from support.asked import put, view

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADER = (
    "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,"
    "Screen size,Location,FirstVisit,Date"
)


def rows() -> list[dict[str, Any]]:
    """A visitor who reads a page twice and buys something, and one of the next day."""
    told = {"browser": "Firefox", "browser_version": "140", "os": "Linux"}
    came = {"referrer": "news.example/1", "country": "NL", "region": "NL-NB"}
    first = view(1, "/a") | told | came | {"title": 'He said "a, b"'}
    event = {"name": "buy", "view": 0, "arrival": False}
    return [
        first,
        first | {"step": 2, "view": 2, "time": NOON + timedelta(minutes=1)},
        first | event | {"step": 3, "time": NOON + timedelta(minutes=2)},
        first | {"name": "engagement", "step": 0, "view": 0},
        view(1, "/b", date(2026, 3, 3)) | {"utm_source": "letter", "country": "DE"},
        view(1, "/c", site="b.org"),
    ]


@pytest.fixture(name="client", scope="module")
def _client(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("data")
    with application(redis_url, Path(folder)):
        for site in ("a.org", "b.org"):
            app_module.sites().add(site, {})
        put(Lake(str(folder / "lake")), rows(), 1)
        client = create_app().test_client()
        token = app_module.tokens().add("admin", ["a.org"])[1]
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        yield client


def begun(client: FlaskClient, **said: Any) -> dict[str, Any]:
    answer = client.post("/api/v0/export", json=said)
    assert answer.status_code == 202 and answer.json
    assert client.get(f"/api/v0/export/{answer.json['id']}").json == answer.json
    return dict(answer.json)


def downloaded(client: FlaskClient, number: int) -> list[str]:
    answer = client.get(f"/api/v0/export/{number}/download")
    assert (answer.status_code, answer.mimetype) == (200, "application/gzip")
    assert "attachment" in answer.headers["Content-Disposition"]
    return gzip.decompress(answer.data).decode().splitlines()


def test_an_export_has_each_view_and_event_of_the_site(client: FlaskClient) -> None:
    export = begun(client)
    assert export["num_rows"] == 4 and export["finished_at"]
    noon, one, two = "2026-03-02T12", f"{20514:016x}{1:016x}", f"{20515:016x}{1:016x}"
    reader = f"Firefox 140,Linux,{one},0"
    quoted = '"He said ""a, b"""'
    assert downloaded(client, export["id"]) == [
        HEADER,
        f"/a,{quoted},false,,{reader},news.example/1,h,,NL-NB,true,{noon}:00:00Z",
        f"/a,{quoted},false,,{reader},,,,NL-NB,false,{noon}:01:00Z",
        f"buy,{quoted},true,,{reader},,,,NL-NB,true,{noon}:02:00Z",
        f"/b,,false,,,,{two},0,letter,c,,DE,true,2026-03-03T12:00:00Z",
    ]


def test_the_next_export_begins_where_the_last_one_ended(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are read at once, each is there once."""
    monkeypatch.setattr(goatcounter_export, "ROWS_AT_ONCE", 1)
    after = int((NOON + timedelta(minutes=1)).timestamp() * 1e6)
    rest = begun(client, format="csv", start_from_hit_id=after)
    lines = downloaded(client, rest["id"])
    assert [line.split(",")[0] for line in lines] == ["2Path", "buy", "/b"]

    nothing = begun(client, start_from_hit_id=rest["last_hit_id"])
    assert (nothing["num_rows"], nothing["last_hit_id"]) == (0, rest["last_hit_id"])
    assert downloaded(client, nothing["id"]) == [HEADER]


def test_an_export_is_the_admins_alone_and_not_for_ever(client: FlaskClient) -> None:
    number = begun(client)["id"]
    reader, other = (
        app_module.tokens().add(scope, [site])[1]
        for scope, site in (("stats", "a.org"), ("admin", "b.org"))
    )
    for token, status in ((reader, 403), (other, 404)):
        header = {"Authorization": f"Bearer {token}"}
        asked = client.get(f"/api/v0/export/{number}", headers=header)
        assert asked.status_code == status
    app_module.redis().delete(f"pt:export:{number}")
    assert client.get(f"/api/v0/export/{number}/download").status_code == 404
    for wrong in ({"format": "json"}, {"start_from_hit_id": "x"}):
        assert client.post("/api/v0/export", json=wrong).status_code == 400


def test_goatcounters_importer_brings_an_export_back(client: FlaskClient) -> None:
    """It sends each row's own words to `/api/v0/count`; no row is refused."""
    lines = downloaded(client, begun(client)["id"])
    hits = [
        {
            "path": row["2Path"],
            "title": row["Title"],
            "event": row["Event"] == "true",
            "ref": row["Referrer"],
            "location": row["Location"],
            "session": row["Session"],
            "created_at": row["Date"],
        }
        for row in csv.DictReader(io.StringIO("\n".join(lines)))
    ]
    body = {"no_sessions": True, "hits": hits}
    sent = client.post("/api/v0/count?site=a.org", json=body)
    assert (sent.status_code, sent.json) == (202, {"status": "ok"})
    assert "X-Goatcounter-Filter" not in sent.headers
