"""Who may open what: every page × every role × every site, and forms of other sites.

The routes are the application's own: a new one fails until it is in the table below.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pytest
from werkzeug.test import TestResponse

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.people.roles import Role
from page_tracker.protocols import PROTOCOLS
from page_tracker.sites.demonstration import DOMAIN
from page_tracker.sites.goal import new_goal, with_goal
from page_tracker.store.tokens import Tokens
from page_tracker.web.script_names import BY_PATH
from support.people import Visitor, signed_in

# The person's own site, one of others, and one that is none.
OWN, OTHERS, NONE = "a.example", "b.example", "x.example"
SITES = (OWN, OTHERS, NONE)


class Need(Enum):
    """What a page asks for."""

    NOTHING = "anybody"
    PERSON = "who has signed in"
    VIEWER = "a viewer of the site"
    EDITOR = "an editor of the site"
    OWNER = "an owner of the site"
    OWNER_OF_ALL = "an owner of all sites"


@dataclass(frozen=True)
class Route:
    """What a page needs; its path with SITE in it, where it is about one."""

    need: Need
    path: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def section(path: str, need: Need) -> dict[tuple[str, str], Route]:
    """A page of a site's settings, at both of its addresses."""
    rest = f"/settings{path}"
    return {
        ("GET", f"/<domain:name>{rest}"): Route(need, f"/SITE{rest}"),
        ("GET", f"/sites/<name>{rest}"): Route(need, f"/sites/SITE{rest}"),
    }


def setting(path: str, need: Need, **fields: str) -> dict[tuple[str, str], Route]:
    """A form of a site's settings."""
    route = Route(need, f"/sites/SITE/settings/{path}", tuple(fields.items()))
    return {("POST", f"/sites/<name>/settings/{path}"): route}


EXPERIMENT = "?groups=browser&goal=Sale"
PAGES: dict[tuple[str, str], Route] = {
    ("GET", "/sign-in"): Route(Need.NOTHING),
    ("POST", "/sign-in"): Route(Need.NOTHING),
    ("POST", "/sign-in/code"): Route(Need.NOTHING),
    ("GET", "/welcome/<secret>"): Route(Need.NOTHING, "/welcome/x"),
    ("POST", "/welcome/<secret>"): Route(Need.NOTHING, "/welcome/x"),
    ("GET", "/share/<name>"): Route(Need.NOTHING, "/share/SITE"),
    ("POST", "/sign-out"): Route(Need.PERSON),
    ("GET", "/account"): Route(Need.PERSON),
    ("POST", "/account/password"): Route(Need.PERSON),
    ("GET", "/account/second-factor"): Route(Need.PERSON),
    ("POST", "/account/second-factor"): Route(Need.PERSON),
    ("POST", "/account/second-factor/remove"): Route(Need.PERSON),
    ("POST", "/account/recovery-codes"): Route(Need.PERSON),
    ("POST", "/account/sessions/end"): Route(Need.PERSON),
    ("GET", "/sites"): Route(Need.PERSON),
    ("GET", "/<domain:name>"): Route(Need.VIEWER, "/SITE"),
    ("GET", "/sites/<name>"): Route(Need.VIEWER, "/sites/SITE"),
    ("GET", "/<domain:name>/list/<panel>"): Route(Need.VIEWER, "/SITE/list/pages"),
    ("GET", "/sites/<name>/list/<panel>"): Route(
        Need.VIEWER, "/sites/SITE/list/pages.csv"
    ),
    ("GET", "/<domain:name>/export/<part>.<ending>"): Route(
        Need.VIEWER, "/SITE/export/chart.csv"
    ),
    ("GET", "/sites/<name>/export/<part>.<ending>"): Route(
        Need.VIEWER, "/sites/SITE/export/figures.json"
    ),
    ("GET", "/<domain:name>/properties"): Route(Need.VIEWER, "/SITE/properties"),
    ("GET", "/sites/<name>/properties"): Route(Need.VIEWER, "/sites/SITE/properties"),
    ("GET", "/<domain:name>/experiments"): Route(Need.VIEWER, "/SITE/experiments"),
    ("GET", "/sites/<name>/experiments"): Route(Need.VIEWER, "/sites/SITE/experiments"),
    **{
        ("GET", f"/{name}{rule}"): Route(Need.VIEWER, f"/{path}{rest}{EXPERIMENT}")
        for name, path in (("<domain:name>", "SITE"), ("sites/<name>", "sites/SITE"))
        for rule, rest in (
            ("/how/experiments", "/how/experiments"),
            (
                "/export/experiments.<any(csv, json):ending>",
                "/export/experiments.csv",
            ),
        )
    },
    ("GET", "/<domain:name>/how/<part>"): Route(Need.VIEWER, "/SITE/how/chart"),
    ("GET", "/sites/<name>/how/<part>"): Route(Need.VIEWER, "/sites/SITE/how/pages"),
    ("GET", "/sites/add"): Route(Need.OWNER_OF_ALL),
    ("POST", "/sites/add"): Route(
        Need.OWNER_OF_ALL, fields=(("domain", "c.example"), ("timezone", "UTC"))
    ),
    ("POST", "/sites/demo"): Route(Need.OWNER_OF_ALL),
    ("POST", "/sites/demo/renew"): Route(Need.OWNER_OF_ALL),
    ("POST", "/sites/demo/remove"): Route(Need.OWNER_OF_ALL),
    ("GET", "/people"): Route(Need.OWNER_OF_ALL),
    ("GET", "/flags"): Route(Need.OWNER_OF_ALL),
    ("POST", "/people/invite"): Route(Need.OWNER_OF_ALL, fields=(("role", "viewer"),)),
    ("POST", "/people/role"): Route(Need.OWNER_OF_ALL, fields=(("role", "viewer"),)),
    ("POST", "/people/withdraw"): Route(Need.OWNER_OF_ALL),
    ("GET", "/people/<account_id>"): Route(Need.OWNER_OF_ALL, "/people/x"),
    ("POST", "/people/<account_id>/link"): Route(Need.OWNER_OF_ALL, "/people/x/link"),
    ("POST", "/people/<account_id>/remove"): Route(
        Need.OWNER_OF_ALL, "/people/x/remove"
    ),
    ("GET", "/account/remove"): Route(Need.PERSON),
    ("POST", "/account/remove"): Route(Need.PERSON),
    ("GET", "/<domain:name>/import"): Route(Need.EDITOR, "/SITE/import"),
    ("GET", "/sites/<name>/import"): Route(Need.EDITOR, "/sites/SITE/import"),
    # Without a log, or an import, they say so.
    ("POST", "/sites/<name>/import/log"): Route(Need.EDITOR, "/sites/SITE/import/log"),
    ("POST", "/sites/<name>/import/read"): Route(
        Need.EDITOR, "/sites/SITE/import/read"
    ),
    ("POST", "/sites/<name>/import/run"): Route(Need.EDITOR, "/sites/SITE/import/run"),
    ("POST", "/sites/<name>/import/discard"): Route(
        Need.EDITOR, "/sites/SITE/import/discard"
    ),
    ("POST", "/sites/<name>/import/undo"): Route(
        Need.OWNER, "/sites/SITE/import/undo", (("import", "1"),)
    ),
    ("GET", "/sites/<name>/people"): Route(Need.OWNER, "/sites/SITE/people"),
    ("POST", "/sites/<name>/people/invite"): Route(
        Need.OWNER, "/sites/SITE/people/invite", (("role", "viewer"),)
    ),
    ("POST", "/sites/<name>/people/role"): Route(
        Need.OWNER, "/sites/SITE/people/role", (("role", "viewer"),)
    ),
    ("POST", "/sites/<name>/people/withdraw"): Route(
        Need.OWNER, "/sites/SITE/people/withdraw"
    ),
    ("GET", "/sites/<name>/install"): Route(Need.VIEWER, "/sites/SITE/install"),
    ("GET", "/sites/<name>/install/news"): Route(
        Need.VIEWER, "/sites/SITE/install/news"
    ),
    **{
        ("POST", f"/{name}/{way}"): Route(
            Need.EDITOR, f"/{path}/{way}", (("reason", "bot"), ("name", "GPTBot"))
        )
        for name, path in (("<domain:name>", "SITE"), ("sites/<name>", "sites/SITE"))
        for way in ("let-in", "leave-out")
    },
    **{
        ("POST", f"/{name}/annotations{way}"): Route(
            Need.EDITOR,
            f"/{path}/annotations{way.replace('<int:number>', '1')}",
            (("date", "2026-03-01"), ("text", "what happened")),
        )
        for name, path in (("<domain:name>", "SITE"), ("sites/<name>", "sites/SITE"))
        for way in ("", "/<int:number>", "/<int:number>/remove")
    },
    ("POST", "/<domain:name>/segments"): Route(
        Need.EDITOR, "/SITE/segments", (("name", "Ours"), ("query", "f=is~page~/"))
    ),
    ("POST", "/sites/<name>/segments"): Route(
        Need.EDITOR, "/sites/SITE/segments", (("name", "x"), ("query", "f=is~page~/"))
    ),
    ("POST", "/sites/<name>/hosts"): Route(
        Need.OWNER_OF_ALL, "/sites/SITE/hosts", (("host", "shop.SITE"),)
    ),
    **section("", Need.EDITOR),
    **section("/goals", Need.EDITOR),
    **section("/tokens", Need.OWNER),
    **section("/sharing", Need.OWNER),
    **section("/deletion", Need.OWNER),
    **section("/deletion/hits", Need.OWNER),
    **section("/deletion/site", Need.OWNER),
    **section("/own-visits", Need.VIEWER),
    **setting("counting", Need.EDITOR, blocked_pages="/private"),
    **setting("reach", Need.OWNER, max_pages="7"),
    **setting("goals", Need.EDITOR, event="signup"),
    **setting("goals/remove", Need.EDITOR, name="Sale"),
    **setting("segments/remove", Need.EDITOR, number="1"),
    **setting("tokens", Need.OWNER, scope="stats"),
    **setting("tokens/remove", Need.OWNER, id="x"),
    **setting("sharing", Need.OWNER, name="x"),
    **setting("sharing/revoke", Need.OWNER, name="x"),
    **setting("deletion/retention", Need.OWNER, retention_days="30"),
    **setting("deletion/hits", Need.OWNER),
    **setting("deletion/site", Need.OWNER),
    **setting("own-visits/leave-out", Need.EDITOR, address="192.0.2.7"),
    **setting("own-visits/count", Need.EDITOR, address="192.0.2.7"),
}
# What is no page: anybody may ask for it, and senders send to it.
OPEN = {
    *(
        "/",
        "/livez",
        "/readyz",
        "/js/<name>.js",
        *BY_PATH,
        "/static/<path:filename>",
    ),
    *("/js/variant.js", "/js/variant.json"),
    *("/counter/<anything:name>", "/hit/<anything:name>"),
    *PROTOCOLS,
}
PEOPLE = [f"{role} {where}" for role in Role for where in ("own", "all")]
RANKS = {Need.VIEWER: Role.VIEWER, Need.EDITOR: Role.EDITOR, Need.OWNER: Role.OWNER}
CLOSED = [key for key, route in PAGES.items() if route.need is not Need.NOTHING]


@pytest.fixture(autouse=True)
def _two_sites(patched: pytest.MonkeyPatch) -> None:
    assert patched
    # The last one keeps its name from a demonstration, which would take its time.
    for domain in (OWN, OTHERS, DOMAIN):
        app_module.sites().add(domain, {"own_addresses": "192.0.2.7"})
        put = app_module.sites().put_goals
        put(domain, lambda goals: with_goal(goals, new_goal({"event": "Sale"})))


def person(who: str) -> Visitor:
    role, where = who.split()
    return signed_in("p", Role(role), [OWN] if where == "own" else None)


def may(who: str, need: Need, site: str) -> bool:
    """Whether a person is let in; the rule that the documentation tells."""
    role, where = who.split()
    if need is Need.PERSON:
        return True
    if need is Need.OWNER_OF_ALL:
        return who == "owner all" and site != NONE
    reaches = site == OWN or (where == "all" and site == OTHERS)
    return reaches and Role(role).includes(RANKS[need])


def ask(  # nosec B107 # no token of a form is none
    visitor: Visitor, method: str, rule: str, site: str, token: str = ""
) -> TestResponse:
    route = PAGES[method, rule]
    path = (route.path or rule).replace("SITE", site)
    fields = {name: text.replace("SITE", site) for name, text in route.fields}
    if method == "GET":
        return visitor.get(path)
    return visitor.send(path, token=token, **fields)


def state() -> object:
    sites, tokens = app_module.sites().all(), app_module.tokens().all()
    notes = [app_module.annotation_store().known(site) for site in SITES]
    return sites, tokens, app_module.accounts().all(), notes


def test_every_route_that_is_neither_open_nor_the_programs_is_in_the_table() -> None:
    routes = {
        (method, rule.rule)
        for rule in create_app().url_map.iter_rules()
        if rule.rule not in OPEN and not rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(PAGES)
    assert {rule.rule for rule in create_app().url_map.iter_rules()} >= OPEN


@pytest.mark.parametrize("who", PEOPLE)
def test_a_role_does_what_it_may_and_nothing_else(who: str) -> None:
    """Who has no role for a site is told what is told of one that there is not."""
    visitor = person(who)
    token = visitor.token()
    for method, rule in CLOSED:
        if rule == "/sign-out":
            continue
        refusals = set()
        is_about_a_site = "SITE" in PAGES[method, rule].path
        for site in SITES if is_about_a_site else (OWN,):
            before = state()
            answer = ask(visitor, method, rule, site, token)
            if may(who, PAGES[method, rule].need, site):
                allowed = (200, 303, 308, 400, 409)
                assert answer.status_code in allowed, (method, rule, site)
                assert "/sign-in" not in answer.headers.get("Location", "")
                continue
            has_role = site == OWN or (who.endswith("all") and site == OTHERS)
            assert answer.status_code == (403 if has_role else 404), (rule, site)
            assert state() == before
            if not has_role:
                refusals.add(answer.text)
        assert len(refusals) <= 1


def test_nobody_opens_what_is_closed() -> None:
    """Neither without a session, nor with a program's token."""
    _, text = Tokens(app_module.registry()).add("admin", None)
    before = state()
    for visitor in (Visitor(), Visitor(Authorization=f"Bearer {text}")):
        for method, rule in CLOSED:
            answer = ask(visitor, method, rule, OWN)
            assert answer.status_code == 303, (method, rule)
            assert answer.location.startswith("/sign-in")
            assert state() == before, (method, rule)


def test_no_session_is_a_program_s_token() -> None:
    """What a page's cookie opens is no way into the interface for programs."""
    visitor = person("owner all")
    for rule in create_app().url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.rule not in PROTOCOLS:
            if rule.rule in ("/api/openapi.json", "/api/health"):
                continue
            path = rule.rule.replace("<domain>", OWN).replace("<token_id>", "x")
            path = path.replace("<anything:name>", "x").replace("<int:number>", "1")
            path = path.replace("<site:site_id>", OWN)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                answer = visitor.client.open(path, method=method, json={})
                assert answer.status_code == 401, (method, path)


FORMS = [key for key in PAGES if key[0] == "POST"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
    ids=str,
)
def test_a_form_of_another_site_does_nothing(headers: dict[str, str]) -> None:
    visitor = person("owner all")
    token, before = visitor.token(), state()
    visitor.headers = headers
    for method, rule in FORMS:
        answer = ask(visitor, method, rule, OWN, token)
        assert answer.status_code == 403, rule
        assert state() == before, rule
    visitor.headers = {}
    assert visitor.is_signed_in()


def test_a_form_without_the_session_s_own_token_does_nothing() -> None:
    visitor = person("owner all")
    other = signed_in("other", Role.VIEWER, [OWN])
    before = state()
    tokens = ("", "x", other.token(), visitor.token()[:-1])
    for method, rule in [key for key in CLOSED if key[0] == "POST"]:
        for token in tokens:
            answer = ask(visitor, method, rule, OWN, token)
            assert answer.status_code == 403, rule
            assert "This form cannot be taken" in answer.text
        assert state() == before, rule
    assert visitor.is_signed_in()


def test_our_own_pages_forms_are_taken_also_behind_a_proxy_that_changes_the_host(
    patched: pytest.MonkeyPatch,
) -> None:
    patched.setenv("PAGE_TRACKER_URL", "https://stats.example.com")
    visitor = person("owner all")
    token = visitor.token()
    for origin in ("http://localhost", "https://stats.example.com"):
        visitor.headers = {"Origin": origin}
        if origin.startswith("https"):
            visitor.client.set_cookie("page-tracker", visitor.cookie())
        answer = ask(visitor, "POST", "/sites/<name>/hosts", OWN, token)
        assert answer.status_code == 303


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1_000_000])
def test_a_form_is_bounded(size: int) -> None:
    visitor = person("owner all")
    token = visitor.token()
    answer = visitor.send("/sites/add", token=token, domain="x" * size)
    assert answer.status_code == 413 and "at most 64 KiB" in answer.text
