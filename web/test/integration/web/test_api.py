"""The owner's routes with a real Redis: what they do, and what they answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.history.register import Register
from page_tracker.lake.table import Lake, append
from page_tracker.schema import HITS
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from page_tracker.web.guesses import Guesses
from support.application import application
from support.hits import row
from support.lake import paths


@pytest.fixture(autouse=True)
def environment(redis_url: str, tmp_path: Path) -> Iterator[None]:
    trusted = {"PAGE_TRACKER_TRUSTED_PROXIES": "10.0.0.0/8"}
    with application(redis_url, tmp_path, **trusted):
        yield


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


@pytest.fixture
def sites() -> Sites:
    sites = app_module.sites()
    for domain in ("a.example", "b.example"):
        sites.add(domain, {})
    return sites


@pytest.fixture
def tokens(sites: Sites) -> Tokens:
    assert sites.all()
    return app_module.tokens()


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def admin(tokens: Tokens, *sites: str) -> dict[str, str]:
    return bearer(tokens.add("admin", sites or None)[1])


def answer(response: TestResponse) -> Any:
    assert response.mimetype == "application/json", response.text
    return response.get_json()


def test_a_site_is_not_removed_while_an_import_runs(
    client: FlaskClient, tokens: Tokens, tmp_path: Path
) -> None:
    with Register(tmp_path / "imports").locked():
        refused = client.delete("/api/sites/a.example", headers=admin(tokens))
    assert refused.status_code == 409
    assert "importing" in answer(refused)["error"]
    assert len(app_module.sites().all()) == 2


def test_a_removal_that_the_lake_stops_says_so_and_is_finished_by_the_next(
    client: FlaskClient, tokens: Tokens, tmp_path: Path
) -> None:
    headers, lake = admin(tokens), Lake(str(tmp_path / "lake"))
    for site, path in (("a.example", "/a"), ("b.example", "/b")):
        hits = lake.snapshot("hits")
        append(hits, HITS, [row(path, 20_700, 1, site)], site, 1)
    lake.snapshot("drops")
    log = tmp_path / "lake" / "drops" / "_delta_log"
    log.rename(log.with_name("away"))
    log.write_text("no folder")

    stopped = client.delete("/api/sites/a.example", headers=headers)
    log.unlink()
    log.with_name("away").rename(log)
    finished = client.delete("/api/sites/a.example", headers=headers)

    assert stopped.status_code == 503 and stopped.headers["Retry-After"]
    assert "removing a.example was stopped half-way" in answer(stopped)["error"]
    assert "the same once more finishes it" in answer(stopped)["error"]
    assert finished.status_code == 204
    assert paths(lake) == ["/b"]


def test_a_site_is_added_shown_changed_and_listed(
    client: FlaskClient, tokens: Tokens
) -> None:
    headers = admin(tokens)
    added = client.post(
        "/api/sites",
        json={"domain": "www.C.example", "timezone": "Asia/Tokyo"},
        headers=headers,
    )
    assert added.status_code == 201
    assert answer(added)["domain"] == "c.example"
    where = added.headers["Location"]
    assert answer(client.get(where, headers=headers)) == answer(added)
    changed = client.patch(
        where, json={"own_addresses": ["192.0.2.1"]}, headers=headers
    )
    assert answer(changed) == answer(added) | {"own_addresses": ["192.0.2.1"]}
    listed = answer(client.get("/api/sites", headers=headers))["sites"]
    assert [site["domain"] for site in listed] == [
        "a.example",
        "b.example",
        "c.example",
    ]
    assert listed[2] == answer(changed)


def test_an_admin_of_one_site_sees_that_one_alone(
    client: FlaskClient, tokens: Tokens
) -> None:
    tokens.add("stats", ["b.example"])
    tokens.add("stats", ["a.example", "b.example"])
    tokens.add("stats", None)
    mine = tokens.add("stats", ["a.example"])[0].id
    headers = admin(tokens, "a.example")
    listed = answer(client.get("/api/sites", headers=headers))["sites"]
    assert [site["domain"] for site in listed] == ["a.example"]
    shown = answer(client.get("/api/tokens", headers=headers))["tokens"]
    assert mine in [token["id"] for token in shown]
    assert {tuple(token["sites"]) for token in shown} == {("a.example",)}
    assert not any("hash" in token or "token" in token for token in shown)


@pytest.mark.parametrize("host", ["b.example", "free.example", "sub.a.example"])
def test_a_token_for_one_site_claims_no_host_and_learns_of_no_other(
    client: FlaskClient, tokens: Tokens, sites: Sites, host: str
) -> None:
    sites.change("a.example", {"hostnames": "x.example,y.example"}, by="a test")
    mine = admin(tokens, "a.example")

    def patch(headers: dict[str, str], *hosts: str) -> TestResponse:
        body = {"hostnames": list(hosts), "respect_dnt": True}
        return client.patch("/api/sites/a.example", json=body, headers=headers)

    refused = patch(mine, "x.example", host)
    assert refused.status_code == 403
    assert answer(refused) == {
        "error": "a site is given hosts and aliases by a token for all sites"
    }
    assert not sites.get("a.example").respect_dnt
    kept = patch(mine, "y.example")
    assert answer(kept)["hostnames"] == ["y.example"]
    assert patch(admin(tokens), "x.example").status_code == 200


def test_a_token_is_made_over_http_and_works_until_it_is_taken_back(
    client: FlaskClient, tokens: Tokens
) -> None:
    headers = admin(tokens)
    made = client.post(
        "/api/tokens",
        json={"scope": "admin", "sites": ["a.example"], "name": "deploy", "days": 1},
        headers=headers,
    )
    said = answer(made)
    assert (said["scope"], said["sites"], said["name"]) == (
        "admin",
        ["a.example"],
        "deploy",
    )
    assert said["expires"] == said["created"] + 86_400
    theirs = bearer(said["token"])
    assert client.get("/api/sites/a.example", headers=theirs).status_code == 200
    client.delete(f"/api/tokens/{said['id']}", headers=headers)
    assert client.get("/api/sites/a.example", headers=theirs).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/api/sites", {"domain": "c.example/"}, "write c.example"),
        ("/api/sites", {}, "domain: None is not a string"),
        ("/api/sites", {"domain": "c.example", "zone": 1}, "write timezone"),
        (
            "/api/tokens",
            {"scope": "root", "all_sites": True},
            "stats or events or admin",
        ),
        ("/api/tokens", {"scope": "stats"}, '"all_sites": true'),
        ("/api/tokens", {"scope": "stats", "sites": []}, '"all_sites": true'),
        ("/api/tokens", {"scope": "stats", "sites": "a.example"}, '"all_sites": true'),
        ("/api/tokens", {"scope": "stats", "sites": [1]}, '"all_sites": true'),
        (
            "/api/tokens",
            {"scope": "stats", "sites": ["a.example"], "all_sites": True},
            '"all_sites": true',
        ),
        (
            "/api/tokens",
            {"scope": ["x"], "all_sites": True},
            "stats or events or admin",
        ),
        (
            "/api/tokens",
            {"scope": "stats", "site": ["a.example"]},
            "write scope, sites",
        ),
        (
            "/api/tokens",
            {"scope": "stats", "all_sites": True, "days": "9"},
            "write 1 to",
        ),
        ("/api/tokens", {"scope": "stats", "all_sites": True, "name": 9}, "one line"),
        ("/api/tokens", [], "write it in braces"),
        (
            "/api/sites/a.example/segments",
            {"name": "x", "filter": []},
            "write name and filters",
        ),
        (
            "/api/sites/a.example/segments",
            {"name": "x", "filters": []},
            "at least one filter",
        ),
    ],
)
def test_nonsense_is_told_with_what_to_write(
    client: FlaskClient, tokens: Tokens, path: str, body: Any, told: str
) -> None:
    response = client.post(path, json=body, headers=admin(tokens))
    assert response.status_code == 400
    assert told in answer(response)["error"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"[" * 100_000, b"NaN"),
        b'{"domain":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_what_is_no_json_is_refused(
    client: FlaskClient, tokens: Tokens, body: bytes
) -> None:
    response = client.post("/api/sites", data=body, headers=admin(tokens))
    assert response.status_code == 400
    assert "JSON" in answer(response)["error"]


def test_a_body_without_end_is_refused(client: FlaskClient, tokens: Tokens) -> None:
    response = client.post("/api/sites", data=b" " * 300_000, headers=admin(tokens))
    assert response.status_code == 413
    assert "larger than" in answer(response)["error"]


def test_a_taken_domain_is_a_conflict(client: FlaskClient, tokens: Tokens) -> None:
    response = client.post(
        "/api/sites", json={"domain": "a.example"}, headers=admin(tokens)
    )
    assert response.status_code == 409
    assert "a.example is a site already" in answer(response)["error"]


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic abc", "Basic é", "Token x", "bearer é"],
)
def test_without_a_token_nothing_is_shown(
    client: FlaskClient, authorization: str
) -> None:
    response = client.get("/api/sites", headers={"Authorization": authorization})
    assert response.status_code == 401


def test_wrong_tokens_are_limited_by_address(
    client: FlaskClient, tokens: Tokens
) -> None:
    right = admin(tokens)

    def ask(headers: dict[str, str], address: str) -> TestResponse:
        return client.get(
            "/api/sites", headers=headers, environ_base={"REMOTE_ADDR": address}
        )

    wrong = bearer("pt_0000000000_" + "0" * 48)
    statuses = [ask(wrong, "192.0.2.1").status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    refused = ask(right, "192.0.2.1")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert ask(right, "192.0.2.2").status_code == 200


def test_a_subscriber_has_one_limit_for_all_of_its_ipv6_addresses(
    client: FlaskClient,
) -> None:
    wrong = bearer("pt_0000000000_" + "0" * 48)
    statuses = [
        client.get(
            "/api/sites",
            headers=wrong,
            environ_base={"REMOTE_ADDR": f"2001:db8::{number}"},
        ).status_code
        for number in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2


def test_guesses_that_come_at_once_are_ten_all_the_same(redis_client: Redis) -> None:
    processes = [Guesses(lambda: redis_client) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda n: processes[n % 2].note("192.0.2.9"), range(40)))
    assert waits.count(0) == 10
    assert all(1 <= wait <= 60 for wait in waits if wait)
    assert processes[0].wait("192.0.2.8") == 0


def test_no_address_is_written_down_for_a_wrong_token(
    client: FlaskClient, redis_client: Redis
) -> None:
    wrong = bearer("pt_0000000000_" + "0" * 48)
    address = "198.51.100.77"
    client.get("/api/sites", headers=wrong, environ_base={"REMOTE_ADDR": address})
    (key,) = redis_client.scan_iter("pt:guesses:*")
    assert address.encode() not in key
    assert 0 < redis_client.ttl(key) <= 60


def test_right_tokens_are_not_limited(client: FlaskClient, tokens: Tokens) -> None:
    headers = admin(tokens)
    statuses = {
        client.get("/api/sites", headers=headers).status_code for _ in range(40)
    }
    assert statuses == {200}


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("192.0.2.1", "203.0.113.9", ("192.0.2.1", "not believed")),
        ("192.0.2.1", "", ("192.0.2.1", "socket's other end")),
        ("10.1.2.3", "203.0.113.9", ("203.0.113.9", "trusted proxy 10.1.2.3 says so")),
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", ("203.0.113.9", "X-Forwarded-For")),
    ],
)
def test_the_owner_sees_which_address_is_seen_and_why(
    client: FlaskClient,
    tokens: Tokens,
    peer: str,
    forwarded: str,
    seen: tuple[str, str],
) -> None:
    headers = admin(tokens) | ({"X-Forwarded-For": forwarded} if forwarded else {})
    response = client.get(
        "/api/address", headers=headers, environ_base={"REMOTE_ADDR": peer}
    )
    assert answer(response)["address"] == seen[0]
    assert seen[1] in answer(response)["why"]


def test_without_redis_the_owner_is_told_to_try_again(
    client: FlaskClient, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = admin(tokens)
    client.get("/api/sites", headers=headers)
    pool = Redis(port=1, retry=Retry(NoBackoff(), 0)).connection_pool
    with monkeypatch.context() as away:
        away.setattr(app_module.redis(), "connection_pool", pool)
        response = client.get("/api/sites", headers=headers)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert "try again" in answer(response)["error"]
