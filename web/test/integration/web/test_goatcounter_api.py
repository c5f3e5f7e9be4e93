"""What GoatCounter's importer and its users' servers send, and what is stored of it."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from page_tracker.errors import NotStoredError
from page_tracker.hits.hit import NOBODY
from page_tracker.protocols import goatcounter_api
from page_tracker.protocols.request import Request
from support.collecting import CHROME
from support.door import SITE, Door

DAY = 86_400
GO = {"User-Agent": "Go-http-client/1.1", "X-Goatcounter-Import": "yes"}


@pytest.fixture(name="token")
def _token(door: Door) -> str:
    door.sites.add("other.example", {})  # so that the token decides
    return door.tokens.add("events", [SITE])[1]


def count(
    door: Door, token: str, hits: list[Any], path: str = "/api/v0/count", **said: Any
) -> TestResponse:
    headers = GO | {"Authorization": f"Bearer {token}"}
    return door.send(path, json={"hits": hits, **said}, headers=headers)


def when(door: Door, ago: float) -> str:
    return (
        datetime.fromtimestamp(door.now - ago, UTC).isoformat().replace("+00:00", "Z")
    )


def test_an_export_is_imported_once_by_its_sessions(door: Door, token: str) -> None:
    """As `goatcounter import` sends one: with sessions, and without agents."""
    seen = [("/a", "f0"), ("/b?x=1", "f0"), ("c", "e1")]
    hits = [
        {"path": path, "title": "", "event": False, "ref": "https://t.co/", "bot": 0}
        | {"size": [1280, 720, 1], "query": "", "user_agent": "", "location": "NL-NB"}
        | {"created_at": when(door, 3 * DAY - n), "session": session, "ip": ""}
        for n, (path, session) in enumerate(seen)
    ]
    for _ in range(2):
        answer = count(door, token, hits, no_sessions=True)
        assert (answer.status_code, answer.json) == (202, {"status": "ok"})

    rows = door.rows()
    assert [(row.path, row.step) for row in rows] == [("/a", 1), ("/b", 2), ("/c", 1)]
    assert len({row.visitor for row in rows}) == 2
    assert {(row.country, row.region, row.screen) for row in rows} == {
        ("NL", "NL-NB", "Laptop")
    }
    assert [row.time // 10**6 for row in rows] == [
        int(door.now - 3 * DAY) + n for n in range(3)
    ]


def test_lines_of_a_log_are_visits_by_address_and_agent(door: Door, token: str) -> None:
    hits = [
        {"path": "/a", "host": SITE, "user_agent": agent, "ip": "192.0.2.7"}
        | {"created_at": when(door, 60 - n)}
        for n, agent in enumerate([CHROME, CHROME, "curl/8.0"])
    ]
    answer = count(door, token, hits, no_sessions=True)
    assert (answer.status_code, answer.headers["X-Goatcounter-Filter"]) == (202, "2")
    assert answer.headers["X-Page-Tracker-Dropped"].startswith("bot (")
    assert [(row.step, row.browser) for row in door.rows()] == [
        (1, "Chrome"),
        (2, "Chrome"),
    ]


def test_each_of_nobodys_hits_is_a_visitor_where_there_are_no_sessions(
    door: Door, token: str
) -> None:
    hits = [{"path": "/one"}, {"path": "bought", "event": True, "title": None}]
    assert count(door, token, hits).status_code == 400
    for _ in range(2):
        assert count(door, token, hits, no_sessions=True).status_code == 202
    assert [row.name for row in door.rows()] == ["pageview", "bought"] * 2
    assert len({row.visitor for row in door.rows()}) == 4


def test_what_is_wrong_is_said_by_its_place_and_all_else_is_stored(
    door: Door, token: str
) -> None:
    good = {"path": "/a", "session": "1"}
    bad: list[Any] = [{"path": " ", "session": "1"}, {"path": "/a", "created_at": "x"}]
    bad += [7, good | {"ip": "nobody's"}, good | {"size": {}}]
    answer = count(door, token, [good, *bad, good])
    assert answer.status_code == 400 and answer.json is not None
    assert set(answer.json["errors"]) == {"1", "2", "3", "4", "5"}
    assert len(door.rows()) == 2


def test_the_site_is_the_parameters_else_the_hosts_else_the_tokens(door: Door) -> None:
    other = "other.example"
    door.sites.add(other, {})
    token = door.tokens.add("events", None)[1]
    hit = {"path": "/a", "session": "1"}
    count(door, token, [hit], f"/api/v0/count?site={other}")
    count(door, token, [hit | {"host": SITE}])
    refused = count(door, token, [hit])
    assert [row.site for row in door.rows()] == [other, SITE]
    assert refused.status_code == 400 and "unknown_site" in refused.text


def test_a_token_is_needed_as_a_bearers_or_as_a_password(
    door: Door, token: str
) -> None:
    hits = {"hits": [{"path": "/a", "session": "1"}]}

    def status(shown: str) -> int:
        headers = GO | {"Authorization": shown}
        return door.send("/api/v0/count", json=hits, headers=headers).status_code

    basic = b64encode(f"x:{token}".encode()).decode()
    assert [status(f"Basic {basic}"), status(f"Bearer {token}")] == [202, 202]
    to_read = door.tokens.add("stats", [SITE])[1]
    shown = ["", "Basic ?", f"Bearer {token}0", f"Bearer {to_read}"]
    assert list(map(status, shown)) == [401, 401, 401, 403]
    assert len(door.rows()) == 2


def test_whoever_sends_waits_where_hits_are_not_stored() -> None:
    """GoatCounter's importer loses them on any other status, and reads this header."""
    body = b'{"hits": [{"path": "/a", "session": "1"}, {"path": "/b", "session": "1"}]}'
    headers = {b"authorization": b"Bearer pt_1_x"}
    request = Request("POST", "/api/v0/count", "", headers, body)
    bulk = goatcounter_api.PROTOCOL.decode(request, NOBODY)
    away = NotStoredError("Redis is away", 5)
    answer = bulk.accept([away, away])
    assert (answer.status, dict(answer.headers)[b"x-rate-limit-reset"]) == (429, b"5")
    partly = bulk.accept([(), away])
    assert partly.status == 400 and b'"1":"Redis is away' in partly.body
