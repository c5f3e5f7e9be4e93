"""A site's settings as its page has them: what the command line does, by forms."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from click.testing import CliRunner, Result

from page_tracker import app as app_module
from page_tracker.cli import main
from page_tracker.people.roles import Deed, Role
from page_tracker.sites.goal import with_segment
from page_tracker.sites.settings import SETTINGS, settings_of
from page_tracker.web.pages.settings.counting_forms import GROUPS, label
from support.people import Visitor, signed_in

# The one that the page changes, and the one that the command line does.
SITE, OTHER = "a.example", "b.example"
PAYLOADS = (
    "<script>document.title='run'</script>",
    '"><svg onload=alert(1)>',
    "</textarea></form><img src=x onerror=alert(1)>",
    "{{7*7}}",
)


@pytest.fixture(autouse=True)
def _sites(patched: pytest.MonkeyPatch) -> None:
    assert patched
    for domain in (SITE, OTHER):
        app_module.sites().add(domain, {"blocked_pages": "/old"})


@pytest.fixture
def ada() -> Visitor:
    """Who owns all sites."""
    return signed_in("ada", Role.OWNER)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def group_of(setting: str) -> str:
    return next(group.name for group in GROUPS if setting in group.settings)


def settings(site: str) -> dict[str, Any]:
    """All that is set of a site; who has set it is not the same."""
    same = {"domain": "", "created": 0, "let_in": []}
    return settings_of(app_module.sites().get(site)) | same


def text(page: str) -> str:
    """What a page says, without its tags."""
    return unescape(re.sub(r"<[^>]*>", "", page))


CHANGES = {
    "timezone": "Europe/Berlin",
    "hostnames": "shop.SITE,www.blog.SITE",
    "aliases": "7-SITE",
    "allowed_hostnames": "SITE",
    "page_schemes": "capacitor://",
    "own_addresses": "192.0.2.1,10.0.0.0/8",
    "blocked_addresses": "2001:db8::/32",
    "blocked_countries": "de,FR",
    "blocked_pages": "",
    "counted_bots": "GPTBot",
    "counted_referrers": "spam.example",
    "respect_dnt": "yes",
    "user_ids": "true",
    "public_counter": "false",
    "max_pages": "77",
    "group": "Shops & <b>more</b>",
}


def test_every_setting_does_from_the_page_what_it_does_from_the_command_line(
    ada: Visitor,
) -> None:
    in_groups = [name for group in GROUPS for name in group.settings]
    assert sorted(in_groups) == sorted(set(SETTINGS) - {"retention_days"})
    assert set(in_groups) == set(CHANGES)
    for name, change in CHANGES.items():
        typed = change.replace("SITE", SITE).replace(",", "\r\n")
        page = ada.post(f"/sites/{SITE}/settings/{group_of(name)}", **{name: typed})
        option = f"--{name.replace('_', '-')}"
        said = command("site", "set", OTHER, option, change.replace("SITE", OTHER))

        assert page.status_code == 200 and said.exit_code == 0, said.output
        for line in said.output.replace(OTHER, SITE).splitlines():
            assert line.replace(name, label(name), 1) in text(page.text)
        same = str(settings(OTHER)).replace(OTHER, SITE)
        assert str(settings(SITE)) == same


REFUSED = {
    "timezone": "Mars/Base",
    "hostnames": "https://x.example/shop",
    "aliases": "two words",
    "page_schemes": "javascript",
    "own_addresses": "192.0.2.1,10.0.0.1/8",
    "blocked_addresses": "here",
    "blocked_countries": "UK",
    "blocked_pages": "/fine,about",
    "max_pages": "0",
    "group": "x" * 61,
}


# So long that no field takes it.
@pytest.mark.parametrize("payload", ["", *(9 * each for each in PAYLOADS)])
def test_what_the_command_line_refuses_is_refused_at_its_field(
    ada: Visitor, payload: str
) -> None:
    for name, wrong in REFUSED.items():
        before, typed = settings(SITE), (payload or wrong).replace(",", "\n")
        page = ada.post(f"/sites/{SITE}/settings/{group_of(name)}", **{name: typed})
        option = f"--{name.replace('_', '-')}"
        said = command("site", "set", SITE, option, payload or wrong)

        assert page.status_code == 400 and said.exit_code == 2
        why = said.stderr.strip().rpartition("; ")
        assert f": {why[2]}." in text(page.text)
        [box] = re.findall(rf'<\w+ id="{name}".*?>', page.text)
        assert f'aria-describedby="{name}-error' in box and "aria-invalid" in box
        assert "\n".join(typed.split("\n")) in unescape(page.text) or name == "timezone"
        assert not payload or "{{7*7}}" in payload or payload not in page.text
        assert settings(SITE) == before


def test_what_was_not_typed_anew_stays_as_others_have_set_it_meanwhile(
    ada: Visitor,
) -> None:
    page = ada.get(f"/{SITE}/settings").text
    shown = dict(re.findall(r'name="(\w+-mark)" value="(\w+)"', page))
    app_module.sites().change(SITE, {"blocked_pages": "/new"}, by="a test")
    done = ada.post(
        f"/sites/{SITE}/settings/counting",
        **shown,
        blocked_pages="/old",
        blocked_countries="DE",
    )
    assert "Blocked countries: (none) → DE" in done.text
    assert app_module.sites().get(SITE).blocked_pages == ("/new",)
    assert (
        "Nothing was changed."
        in ada.post(f"/sites/{SITE}/settings/reach", **shown, max_pages="10000").text
    )


def test_a_box_that_is_ticked_is_true_and_one_that_is_not_false(ada: Visitor) -> None:
    """As browsers send it: what is not ticked stands before what is."""
    for sent, becomes in ((["false", "true"], True), (["false"], False)):
        fields = {"token": ada.token(), "respect_dnt": sent}
        ada.client.post(f"/sites/{SITE}/settings/counting", data=fields)
        assert app_module.sites().get(SITE).respect_dnt is becomes


def test_a_change_of_zone_says_when_it_holds_and_is_taken_back(ada: Visitor) -> None:
    for zone, told in (("Asia/Tokyo", True), ("UTC", False)):
        ada.post(f"/sites/{SITE}/settings/counting", timezone=zone)
        page = ada.get(f"/{SITE}/settings").text
        assert f"<option selected>{zone}</option>" in page
        assert ("until then UTC" in page) is told


def test_who_owns_one_site_gives_it_no_host_and_may_take_one_away() -> None:
    """Others would lose its hits; whether another site has it is not told."""
    hosts = "shop.a.example,blog.a.example"
    app_module.sites().change(SITE, {"hostnames": hosts}, by="a test")
    bob = signed_in("bob", Role.OWNER, [SITE])
    for host in (OTHER, "nobody.example"):
        page = bob.post(f"/sites/{SITE}/settings/reach", hostnames=host)
        assert "an owner of all sites: ask one of them." in page.text
    page = bob.post(f"/sites/{SITE}/settings/reach", aliases="17")
    assert 'id="aliases-error"' in page.text
    bob.post(f"/sites/{SITE}/settings/reach", hostnames="blog.a.example")
    assert app_module.sites().get(SITE).hostnames == ("blog.a.example",)


SEEN = {
    Role.VIEWER: {Deed.READ},
    Role.EDITOR: {Deed.READ, Deed.SET_COUNTING, Deed.ANNOTATE, Deed.KEEP_GOALS},
    Role.OWNER: set(Deed),
}
PAGES = ("", "/goals", "/tokens", "/deletion", "/own-visits")


@pytest.mark.parametrize("role", Role)
def test_nobody_is_shown_a_form_that_they_may_not_send(role: Role) -> None:
    """Nor a link to a page that they may not open."""
    visitor = signed_in("p", role, [SITE])
    opened = [visitor.get(f"/{SITE}/settings{path}") for path in PAGES]
    for page in opened:
        if page.status_code == 403:
            continue
        for path in set(
            re.findall(rf'(?:href|action)="(/[^"#]*{SITE}[^"#]*)', page.text)
        ):
            form = f'<form method="post" action="{path}' in page.text
            answer = visitor.post(path) if form else visitor.get(path)
            assert answer.status_code != 403, path
    has_form = [page.status_code == 200 and "Save" in page.text for page in opened]
    assert has_form[0] is (Deed.SET_COUNTING in SEEN[role])
    assert ('id="reach"' in opened[0].text) is (Deed.SET_REACH in SEEN[role])
    assert (opened[3].status_code == 200) is (Deed.DELETE in SEEN[role])
    link = "Settings" if Deed.SET_COUNTING in SEEN[role] else "Don’t count me"
    assert f">{link}</a>" in visitor.get(f"/{SITE}").text
    assert ("/settings" in visitor.get("/sites").text) is has_form[0]


def test_each_page_of_a_site_leads_to_the_others(ada: Visitor) -> None:
    tabs = [f"/{SITE}/settings{path}" for path in PAGES]
    tabs += [f"/{SITE}/import", f"/sites/{SITE}/people"]
    top = ("/sites", f"/{SITE}", f"/{SITE}/settings")
    for path in (*tabs, f"/{SITE}", f"/{SITE}/list/pages", f"/sites/{SITE}/install"):
        page = ada.get(path).text
        around = page.partition("</header>")[0], page.partition('class="sections')[2]
        for link in top:
            assert f'href="{link}"' in around[0], (path, link)
        for tab in tabs if path in tabs else ():
            is_here = ' aria-current="page"' if tab == path else ""
            assert f'href="{tab}"{is_here}>' in around[1], (path, tab)
    asked = ada.get(f"/{SITE}?events=goal").text
    assert f'<a href="/{SITE}/settings/goals">Add a goal</a>' in asked


GOALS: tuple[tuple[dict[str, str], tuple[str, ...]], ...] = (
    ({"event": "signup"}, ("--event", "signup")),
    ({"page": "/blog/**", "name": "Blog"}, ("--page", "/blog/**", "--name", "Blog")),
    (
        {"event": "buy", "name": "Blog", "props": "plan=pro\r\n", "currency": "eur"},
        ("--event", "buy", "--name", "Blog", "--prop", "plan=pro", "--currency", "eur"),
    ),
    ({}, ()),
    ({"event": "a", "page": "/a"}, ("--event", "a", "--page", "/a")),
    ({"page": "about"}, ("--page", "about")),
    ({"event": "a", "props": "plan"}, ("--event", "a", "--prop", "plan")),
    ({"event": "a", "currency": "euro"}, ("--event", "a", "--currency", "euro")),
)


def test_goals_are_added_replaced_refused_and_removed_as_by_the_command_line(
    ada: Visitor,
) -> None:
    path = f"/sites/{SITE}/settings/goals"
    for fields, arguments in GOALS:
        page = ada.post(path, **fields)
        said = command("goal", "add", OTHER, *arguments)
        assert (page.status_code == 200) is (said.exit_code == 0), said.output
        if said.exit_code:
            problem = (
                said.stderr.rpartition(": ")[2].strip().replace("; ", ": ").lower()
            )
            assert problem in text(page.text).lower() and "aria-invalid" in page.text
        elif "in place of" in said.output:
            assert "It stands in place of: page /blog/**." in text(page.text)
        mine, theirs = map(app_module.sites().get, (SITE, OTHER))
        assert mine.goals == theirs.goals
    listed = text(ada.get(f"/{SITE}/settings/goals").text)
    assert "event buy, plan=pro, revenue in EUR" in listed
    assert "no longer has the goal Blog" in ada.post(f"{path}/remove", name="Blog").text
    assert [goal.name for goal in app_module.sites().get(SITE).goals] == ["signup"]
    assert ada.post(f"{path}/remove", name="signin").status_code == 409


def test_segments_are_listed_and_removed(ada: Visitor) -> None:
    filters = [["is", "visit:source", [PAYLOADS[0]]]]
    app_module.sites().put_segments(
        SITE, lambda known: with_segment(known, PAYLOADS[0], filters)
    )
    page = ada.get(f"/{SITE}/settings/goals").text
    assert f'href="/{SITE}?f=is~segment~1"' in page
    assert PAYLOADS[0] in text(page) and PAYLOADS[0] not in page
    path = f"/sites/{SITE}/settings/segments/remove"
    assert "no longer has the segment 1" in ada.post(path, number="1").text
    assert not app_module.sites().get(SITE).segments
    for number in ("1", "x", "9" * 30):
        assert ada.post(path, number=number).status_code == 409


def secret_in(page: str) -> str:
    return "".join(re.findall(r'id="secret">(pt_\w+)<', page))


def test_a_token_is_shown_once_and_works_until_it_is_taken_back(ada: Visitor) -> None:
    path = f"/sites/{SITE}/settings/tokens"
    made = ada.post(path, scope="stats", name=PAYLOADS[1], days="7")
    secret = secret_in(made.text)
    assert made.headers["Cache-Control"] == "no-store"
    assert app_module.tokens().check(secret)
    listed = ada.get(f"/{SITE}/settings/tokens").text
    assert secret not in listed and "stats of a.example" in listed
    assert PAYLOADS[1] in text(listed) and PAYLOADS[1] not in listed
    [token] = app_module.tokens().all()
    assert token.expires == token.created + 7 * 24 * 60 * 60
    assert "is revoked" in ada.post(f"{path}/remove", id=token.id).text
    assert app_module.tokens().check(secret) is None


def test_a_token_reaches_no_further_than_who_makes_it(ada: Visitor) -> None:
    path = f"/sites/{SITE}/settings/tokens"
    assert secret_in(ada.post(path, scope="admin", reach="all").text)
    for sites in ([OTHER], [SITE, OTHER]):
        app_module.tokens().add("stats", sites)
    bob = signed_in("bob", Role.OWNER, [SITE])
    refused = bob.post(path, scope="stats", reach="all")
    assert refused.status_code == 400 and "all sites, later ones" not in refused.text
    seen = bob.get(f"/{SITE}/settings/tokens").text
    for token in app_module.tokens().all():
        assert token.id not in seen
        assert bob.post(f"{path}/remove", id=token.id).status_code == 409
    assert len(app_module.tokens().all()) == 3


@pytest.mark.parametrize(
    ("field", "typed"),
    [("scope", "root"), ("name", "x" * 101), ("days", "0"), ("days", "soon")],
)
def test_what_is_no_token_is_told_at_its_field(
    ada: Visitor, field: str, typed: str
) -> None:
    fields = {"scope": "stats", "name": "", "days": "", field: typed}
    page = ada.post(f"/sites/{SITE}/settings/tokens", **fields)
    assert page.status_code == 400 and f'id="{field}-error"' in page.text
    assert not app_module.tokens().all()


@pytest.mark.parametrize(
    ("sees", "leaves_out"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2a00:1450:4001:1::7", "2a00:1450:4001:1::/64"),
        ("::1", "::1"),
    ],
)
def test_a_person_s_own_address_is_left_out_and_counted_again(
    sees: str, leaves_out: str
) -> None:
    eve, bob = signed_in("eve", Role.EDITOR, [SITE]), signed_in("bob", Role.VIEWER)
    for visitor in (eve, bob):
        visitor.client.environ_base["REMOTE_ADDR"] = sees
    here, path = f"/{SITE}/settings/own-visits", f"/sites/{SITE}/settings/own-visits"
    assert f'value="{leaves_out}"' in eve.get(here).text
    page = eve.post(f"{path}/leave-out", address=leaves_out).text
    assert f"Own addresses: (none) → {leaves_out}" in page
    assert f"Hits from {leaves_out} do not count" in bob.get(here).text
    assert "<form" not in bob.get(here).text.partition("<main")[2]
    assert app_module.sites().get(SITE).own_addresses == (leaves_out,)
    eve.post(f"{path}/count", address=leaves_out)
    assert app_module.sites().get(SITE).own_addresses == ()
    refused = eve.post(f"{path}/leave-out", address="10.0.0.1/8")
    assert (
        refused.status_code == 400 and "write 10.0.0.0/8 for all of it" in refused.text
    )


def test_a_proxy_that_the_settings_do_not_name_is_told_before_it_is_left_out(
    ada: Visitor,
) -> None:
    here = f"/{SITE}/settings/own-visits"
    assert "TRUSTED_PROXIES" not in ada.get(here).text
    ada.headers = {"X-Forwarded-For": "192.0.2.1"}
    assert "TRUSTED_PROXIES" in ada.get(here).text


def test_a_site_without_a_dot_has_its_settings_too(ada: Visitor) -> None:
    app_module.sites().add("intranet", {})
    assert ada.get("/sites/intranet/settings").status_code == 200
    assert ada.get(f"/sites/{SITE}/settings").location == f"/{SITE}/settings"
