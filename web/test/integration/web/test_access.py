"""Who may do what: every route × every kind of token × every site. Nothing leaks.

The routes are the application's own: a new one fails until it is in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
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
from page_tracker.sites.goal import new_goal, with_goal, with_segment
from page_tracker.sites.token import Scope
from page_tracker.web.api.sites_v1 import id_of
from support.application import application
from support.people import account_of
from support.store_as_it_was import StoreAsItWas

Headers = dict[str, dict[str, str]]
# The tokens' own site, one of others, and one that is none.
OWN, OTHERS, NONE = "a.example", "b.example", "x.example"
PLACES = (OWN, OTHERS, NONE)


class Need(Enum):
    """What a route asks for."""

    NOTHING = "nobody needs a token"
    ANY = "any token"
    STATS = "a token that reads the site's counts"
    ADMIN = "an admin's token"
    ADMIN_OF_SITE = "an admin's token for the site"
    ADMIN_OF_ALL = "an admin's token for all sites"


@dataclass(frozen=True)
class Route:
    """What a route needs, how it is asked about a site, and what it answers then."""

    need: Need
    path: str = ""
    body: Any = None
    status: int = 200


QUESTION = {
    "site_id": "SITE",
    "metrics": ["visitors"],
    "date_range": ["2026-03-01", "2026-03-02"],
}
EXPERIMENT = {
    "site_id": "SITE",
    "dimension": "visit:browser",
    "goal": "buy",
    "date_range": ["2026-03-01", "2026-03-02"],
}
NOTE = {"date": "2026-03-01", "text": "x"}
SITE_PATH = "/api/sites/SITE"
BUY = new_goal({"event": "buy"})
ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/api/v2/query"): Route(Need.STATS, body=QUESTION),
    ("POST", "/api/v2/queries"): Route(Need.STATS, body=[QUESTION]),
    ("POST", "/api/v2/experiment"): Route(Need.STATS, body=EXPERIMENT),
    ("GET", "/api/v1/stats/realtime/visitors"): Route(
        Need.STATS, "/api/v1/stats/realtime/visitors?site_id=SITE"
    ),
    ("GET", "/api/v1/sites"): Route(Need.ADMIN),
    ("POST", "/api/v1/sites"): Route(Need.ADMIN_OF_ALL, body={"domain": "c.example"}),
    ("GET", "/api/v1/sites/<domain:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE"
    ),
    ("PUT", "/api/v1/sites/<domain:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE", {}
    ),
    ("DELETE", "/api/v1/sites/<domain:site_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/SITE"
    ),
    ("GET", "/api/v1/sites/teams"): Route(Need.ADMIN),
    ("GET", "/api/v1/sites/custom-props"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/custom-props?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/custom-props"): Route(
        Need.ADMIN_OF_SITE, body={"site_id": "SITE", "property": "plan"}
    ),
    ("DELETE", "/api/v1/sites/custom-props/<path:name>"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/custom-props/x?site_id=SITE", status=400
    ),
    ("PUT", "/api/v1/sites/shared-links"): Route(
        Need.ADMIN_OF_SITE, body={"site_id": "SITE", "name": "x"}
    ),
    ("GET", "/api/v1/sites/guests"): Route(
        Need.ADMIN_OF_ALL, "/api/v1/sites/guests?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/guests"): Route(
        Need.ADMIN_OF_ALL,
        body={"site_id": "SITE", "email": "ada", "role": "viewer"},
    ),
    ("DELETE", "/api/v1/sites/guests/<email>"): Route(
        Need.ADMIN_OF_ALL, "/api/v1/sites/guests/ada?site_id=SITE", status=404
    ),
    ("GET", "/api/v1/sites/goals"): Route(
        Need.ADMIN_OF_SITE, "/api/v1/sites/goals?site_id=SITE"
    ),
    ("PUT", "/api/v1/sites/goals"): Route(
        Need.ADMIN_OF_SITE,
        body={"site_id": "SITE", "goal_type": "event", "event_name": "signup"},
    ),
    ("DELETE", "/api/v1/sites/goals/<goal_id>"): Route(
        Need.ADMIN_OF_SITE, f"/api/v1/sites/goals/{id_of(BUY)}?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/aggregate"): Route(
        Need.STATS, "/api/v1/stats/aggregate?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/timeseries"): Route(
        Need.STATS, "/api/v1/stats/timeseries?site_id=SITE"
    ),
    ("GET", "/api/v1/stats/breakdown"): Route(
        Need.STATS, "/api/v1/stats/breakdown?site_id=SITE&property=event:page"
    ),
    ("GET", "/api/v2/realtime"): Route(Need.STATS, "/api/v2/realtime?site_id=SITE"),
    ("GET", "/api/health"): Route(Need.NOTHING),
    ("GET", "/api/address"): Route(Need.ANY),
    ("GET", "/api/v0/me"): Route(Need.ANY),
    ("GET", "/api/v0/sites"): Route(Need.ANY),
    ("GET", "/api/v0/sites/<int:number>"): Route(
        Need.ANY, "/api/v0/sites/7", status=404
    ),
    ("POST", "/api/v0/export"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export?site=SITE", status=202
    ),
    ("GET", "/api/v0/export/<int:number>"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export/7?site=SITE", status=404
    ),
    ("GET", "/api/v0/export/<int:number>/download"): Route(
        Need.ADMIN_OF_SITE, "/api/v0/export/7/download?site=SITE", status=404
    ),
    ("GET", "/api/v0/paths"): Route(Need.STATS, "/api/v0/paths?site=SITE"),
    ("GET", "/api/v0/stats/total"): Route(Need.STATS, "/api/v0/stats/total?site=SITE"),
    ("GET", "/api/v0/stats/hits"): Route(Need.STATS, "/api/v0/stats/hits?site=SITE"),
    ("GET", "/api/v0/stats/hits/<int:number>"): Route(
        Need.STATS, "/api/v0/stats/hits/7?site=SITE", status=404
    ),
    ("GET", "/api/v0/stats/<name>"): Route(
        Need.STATS, "/api/v0/stats/browsers?site=SITE"
    ),
    ("GET", "/api/v0/stats/<name>/<path:row_id>"): Route(
        Need.STATS, "/api/v0/stats/browsers/Firefox?site=SITE"
    ),
    ("GET", "/api/openapi.json"): Route(Need.NOTHING),
    ("GET", "/api/sites"): Route(Need.ADMIN),
    ("POST", "/api/sites"): Route(
        Need.ADMIN_OF_ALL, body={"domain": "c.example"}, status=201
    ),
    ("GET", "/api/sites/<domain>"): Route(Need.ADMIN_OF_SITE, SITE_PATH),
    ("PATCH", "/api/sites/<domain>"): Route(
        Need.ADMIN_OF_SITE, SITE_PATH, {"respect_dnt": True}
    ),
    ("DELETE", "/api/sites/<domain>"): Route(Need.ADMIN_OF_SITE, SITE_PATH, status=204),
    ("GET", "/api/sites/<domain>/goals"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals"
    ),
    ("POST", "/api/sites/<domain>/goals"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals", {"event": "signup"}, 201
    ),
    ("DELETE", "/api/sites/<domain>/goals/<anything:name>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/goals/buy", status=204
    ),
    ("GET", "/api/sites/<domain>/segments"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/segments"
    ),
    ("POST", "/api/sites/<domain>/segments"): Route(
        Need.ADMIN_OF_SITE,
        f"{SITE_PATH}/segments",
        {"name": "x", "filters": [["is", "event:page", ["/"]]]},
        201,
    ),
    ("DELETE", "/api/sites/<domain>/segments/<int:number>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/segments/1", status=204
    ),
    ("GET", "/api/sites/<domain>/annotations"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/annotations"
    ),
    ("POST", "/api/sites/<domain>/annotations"): Route(
        Need.ADMIN_OF_SITE,
        f"{SITE_PATH}/annotations",
        NOTE,
        201,
    ),
    ("DELETE", "/api/sites/<domain>/annotations/<int:number>"): Route(
        Need.ADMIN_OF_SITE, f"{SITE_PATH}/annotations/1", status=204
    ),
    ("GET", "/api/tokens"): Route(Need.ADMIN),
    ("POST", "/api/tokens"): Route(
        Need.ADMIN_OF_SITE, body={"scope": "stats", "sites": ["SITE"]}, status=201
    ),
    ("DELETE", "/api/tokens/<token_id>"): Route(
        Need.ADMIN_OF_SITE, "/api/tokens/TOKEN", status=204
    ),
}
# A token by its scope and sites, or why it is none.
TOKENS = [f"{scope} {sites}" for scope in Scope for sites in ("own", "others", "all")]
# What is answered beside a route's own status where a site is there twice, or not.
EXCUSES = {OTHERS: (409,), NONE: (404, 401, 409)}
NO_TOKENS = ("missing", "nonsense", "unknown", "another's secret", "expired", "removed")


@pytest.fixture(scope="module")
def environment(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
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
        yield


@pytest.fixture(scope="module", name="headers")
def headers_of_everybody(environment: None) -> Headers:
    """The header that shows a token of each kind, or what is none."""
    texts = {who: text_of(who) for who in (*TOKENS, *NO_TOKENS) if who != "missing"}
    shown = {who: {"Authorization": f"Bearer {text}"} for who, text in texts.items()}
    return {"missing": {}, **shown}


@pytest.fixture(scope="module")
def prepared(headers: Headers) -> StoreAsItWas:
    """The sites, and the tokens that the headers show."""
    return StoreAsItWas(app_module.redis())


@pytest.fixture(autouse=True)
def begin_with_what_is_prepared(prepared: StoreAsItWas) -> None:
    """No test finds what another one did."""
    prepared.put_back()


@cache
def routes_of_all() -> Flask:
    """The application, made once: what it answers from is the environment's."""
    return create_app()


@pytest.fixture
def client() -> FlaskClient:
    return routes_of_all().test_client()


def text_of(who: str) -> str:
    """The text of a new token of this kind."""
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
    return app_module.sites().all(), app_module.tokens().all()


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
    refusals = set()
    # A site's last token goes with it: what is allowed comes last.
    for site in sorted(PLACES, key=lambda site: may(who, route.need, site)):
        before = state()
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
