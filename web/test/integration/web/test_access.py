"""Who may do what: every route × every kind of token × every site. Nothing leaks.

The routes are the application's own: a new one fails until it is in support/needs.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.protocols import PROTOCOLS
from page_tracker.sites.annotation import with_annotation
from page_tracker.sites.goal import with_goal, with_segment
from page_tracker.sites.token import Scope
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY
from support.application import application
from support.needs import BUY, NOTE, ROUTES, Need
from support.people import account_of
from support.store_as_it_was import StoreAsItWas

Headers = dict[str, dict[str, str]]
# The tokens' own site, one of others, and one that is none.
OWN, OTHERS, NONE = "a.example", "b.example", "x.example"
PLACES = (OWN, OTHERS, NONE)
# A token by its scope and sites, or why it is none.
TOKENS = [f"{scope} {sites}" for scope in Scope for sites in ("own", "others", "all")]
# What is answered beside a route's own status where a site is there twice, or not.
EXCUSES = {OTHERS: (409,), NONE: (404, 401, 409)}
NO_TOKENS = ("missing", "nonsense", "unknown", "another's secret", "expired", "removed")


@dataclass(frozen=True)
class Prepared:
    """The header that shows a token of each kind, or what is none; and the store."""

    headers: Headers
    store: StoreAsItWas


@pytest.fixture(scope="module")
def prepared(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prepared]:
    """The application with two sites that have a goal, a segment and a note."""
    goal, filters = BUY, [["is", "event:page", "/"]]
    with application(redis_url, tmp_path_factory.mktemp("access")):
        for domain in (OWN, OTHERS):
            site = app_module.sites().add(domain, {})
            app_module.sites().put_goals(domain, lambda known: with_goal(known, goal))
            app_module.sites().put_segments(
                domain, lambda known: with_segment(known, "s", filters)
            )
            app_module.annotation_store().change(
                site.id, lambda known: with_annotation(known, NOTE, "ada")
            )
        account_of("olga")  # for a store without any, the mirror's would be put back
        headers = {who: header_of(who) for who in (*TOKENS, *NO_TOKENS)}
        yield Prepared(headers, StoreAsItWas(app_module.redis()))


@pytest.fixture(autouse=True)
def headers(prepared: Prepared) -> Headers:
    """Who may be who, in a store that has nothing of what another test did."""
    prepared.store.put_back()
    return prepared.headers


@cache
def routes_of_all() -> Flask:
    """The application, made once: what it answers from is the environment's."""
    return create_app()


@pytest.fixture
def client() -> FlaskClient:
    return routes_of_all().test_client()


def header_of(who: str) -> dict[str, str]:
    """The header that shows a new token of this kind, or what is none."""
    if who == "missing":
        return {}
    return {"Authorization": f"Bearer {text_of(who)}"}


def text_of(who: str) -> str:
    tokens = app_module.tokens()
    if who in TOKENS:
        scope, sites = who.split()
        of = {"own": [OWN], "others": [OTHERS], "all": None}[sites]
        return tokens.add(scope, of)[1]
    if who == "expired":
        with pytest.MonkeyPatch.context() as long_ago:
            long_ago.setattr(
                "page_tracker.store.tokens.time.time", lambda: 1_700_000_000.0
            )
            return tokens.add("admin", None, days=1)[1]
    token, text = tokens.add("admin", None)
    if who == "removed":
        tokens.remove(token.id)
        return text
    return {
        "nonsense": "' OR 1=1",
        "unknown": "pt_0000000000_" + "0" * 48,
        "another's secret": text[:-48] + "0" * 48,
    }[who]


def may(who: str, need: Need, site: str) -> bool:
    """Whether a token suffices for a route, by the rule of docs/reference/http.md."""
    if need is Need.NOTHING:
        return True
    if who not in TOKENS:
        return False
    scope, sites = who.split()
    reaches = sites == "all" or {"own": OWN, "others": OTHERS}[sites] == site
    return {
        Need.ANY: True,
        Need.STATS: scope in ("stats", "admin") and reaches,
        Need.ADMIN: scope == "admin",
        Need.ADMIN_OF_SITE: scope == "admin" and reaches,
        Need.ADMIN_OF_ALL: scope == "admin" and sites == "all",
    }[need]


def ask(
    client: FlaskClient, method: str, rule: str, site: str, header: dict[str, str]
) -> TestResponse:
    """Ask a route about a site; TOKEN is the id of one that is for that site."""
    route = ROUTES[method, rule]
    path = (route.path or rule).replace("SITE", site)
    if "TOKEN" in path:
        known = app_module.tokens().add("stats", [site])[0].id if site != NONE else "0"
        path = path.replace("TOKEN", known)
    body = _filled(route.body, site)
    return client.open(path, method=method, json=body, headers=header)


def _filled(body: Any, site: str) -> Any:
    if isinstance(body, dict):
        return {key: _filled(value, site) for key, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, site) for value in body]
    return site if body == "SITE" else body


def state() -> object:
    """All sites and tokens, as the store has them."""
    asked = app_module.redis().pipeline()
    for key in (SITES_KEY, TOKENS_KEY):
        asked.hgetall(key)
    return asked.execute()


def test_every_route_for_programs_is_in_the_table() -> None:
    """Those of pages, and those that anybody may ask, are in pages/test_matrix.py."""
    routes = {
        (method, rule.rule)
        for rule in routes_of_all().url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule not in PROTOCOLS
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(ROUTES)


@pytest.mark.parametrize("who", [*TOKENS, *NO_TOKENS])
@pytest.mark.parametrize(("method", "rule"), ROUTES, ids=map(" ".join, ROUTES))
def test_a_token_does_what_its_scope_and_sites_allow_and_nothing_else(
    client: FlaskClient,
    headers: Headers,
    method: str,
    rule: str,
    who: str,
) -> None:
    """Who may not ask about a site is told the same whether there is such a site."""
    route, header = ROUTES[method, rule], headers[who]
    refusals, before = set(), state()
    # A site's last token goes with it: what is allowed comes last.
    for site in sorted(PLACES, key=lambda site: may(who, route.need, site)):
        response = ask(client, method, rule, site, header)
        if may(who, route.need, site):
            assert response.status_code in (route.status, *EXCUSES.get(site, ()))
            continue
        is_token = who in TOKENS
        wanted = 403 if is_token and route.need is not Need.STATS else 401
        assert response.status_code == wanted, response.text
        assert response.json and set(response.json) == {"error"}
        assert (wanted == 401) == ("WWW-Authenticate" in response.headers)
        assert "TOKEN" in route.path or state() == before
        refusals.add((response.data, tuple(response.headers)))

    assert len(refusals) <= 1


@pytest.mark.parametrize("who", ["stats own", "admin own", "missing"])
@pytest.mark.parametrize("rule", [rule for method, rule in ROUTES if method == "GET"])
def test_to_ask_without_the_body_is_guarded_alike(
    client: FlaskClient, headers: Headers, rule: str, who: str
) -> None:
    header, path = headers[who], (ROUTES["GET", rule].path or rule)

    for site in PLACES:
        full, bare = (
            client.open(path.replace("SITE", site), method=each, headers=header)
            for each in ("GET", "HEAD")
        )
        assert (bare.status_code, bare.data) == (full.status_code, b"")


def test_lists_tell_of_the_token_s_own_sites_alone(
    client: FlaskClient, headers: Headers
) -> None:
    for sites in ([OWN], [OTHERS], [OWN, OTHERS], None):
        app_module.tokens().add("stats", sites)
    header = headers["admin own"]

    for path in ("/api/sites", "/api/tokens"):
        response = client.get(path, headers=header)
        assert response.status_code == 200
        assert OWN in response.text and OTHERS not in response.text


def test_an_admin_of_one_site_gives_no_token_that_reaches_further(
    client: FlaskClient, headers: Headers
) -> None:
    header = headers["admin own"]
    before = state()

    for reach in (
        {"sites": [OWN, OTHERS]},
        {"sites": [OWN, NONE]},
        {"all_sites": True},
    ):
        body = {"scope": "stats", **reach}
        response = client.post("/api/tokens", json=body, headers=header)
        assert response.status_code == 403

    assert state() == before
