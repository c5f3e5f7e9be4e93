"""Signing in by the word of a proxy, in a header that the settings name."""

import logging
import re

import pytest

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.people.account import Account
from page_tracker.people.one_time import Purpose
from page_tracker.people.roles import Role
from support.people import PASSWORD, Visitor, account_of, link_of, signed_in

SITE = "a.example"


@pytest.fixture(autouse=True)
def proxied(patched: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The test's client, at 127.0.0.1, is a proxy that is believed."""
    patched.setenv("PAGE_TRACKER_SIGN_IN_HEADER", "Remote-User")
    patched.setenv("PAGE_TRACKER_TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")
    return patched


def through_proxy(name: str) -> Visitor:
    return Visitor(**{"Remote-User": name})


def account_named(name: str) -> Account | None:
    return app_module.accounts().named(name)


def shown_name(visitor: Visitor) -> str:
    """Whom the page of one's own account is about; empty where nobody is let in."""
    found = re.search("<h1>(.*)</h1>", visitor.get("/account").text)
    return found[1] if found and visitor.is_signed_in() else ""


def test_whom_a_trusted_proxy_names_is_signed_in_and_listed() -> None:
    account_of("ada", Role.OWNER)
    ada = through_proxy("ada")
    assert ada.get("/sites").status_code == 200 and ada.cookie()
    kept = ada.cookie()
    page = ada.get("/account").text
    assert "<h1>ada</h1>" in page and ", by the proxy (this one)" in page
    assert ada.get("/sign-in?next=/account").location == "/account"
    assert ada.cookie() == kept
    assert ada.post("/people/invite", role="viewer").status_code == 200


@pytest.mark.parametrize(
    ("header", "proxies"),
    [("", "127.0.0.1"), ("Remote-User", ""), ("Remote-User", "10.0.0.0/8,unix")],
)
def test_nobody_else_s_header_lets_in(
    proxied: pytest.MonkeyPatch, header: str, proxies: str
) -> None:
    """None is named, none is trusted, or this is none of those."""
    proxied.setenv("PAGE_TRACKER_SIGN_IN_HEADER", header)
    proxied.setenv("PAGE_TRACKER_TRUSTED_PROXIES", proxies)
    account_of("ada", Role.OWNER)
    forged = ("Remote-User", "X-Remote-User", "X-WebAuth-User", "X-Forwarded-User")
    hops = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    visitor = Visitor(**dict.fromkeys(forged, "ada"), **hops)
    assert visitor.get("/account").location.startswith("/sign-in")
    assert not visitor.cookie()


@pytest.mark.parametrize(
    "said", ["", "  ", "(null)", "{http.reverse_proxy.header.Remote-User}"]
)
def test_what_a_proxy_has_not_filled_in_is_nobody(
    proxied: pytest.MonkeyPatch, said: str
) -> None:
    proxied.setenv("PAGE_TRACKER_SIGN_IN_NEW", "added")
    account_of("ada", Role.OWNER)
    visitor = through_proxy(said)
    assert visitor.get("/account").location.startswith("/sign-in")
    assert visitor.sign_in("ada").status_code == 303 and visitor.is_signed_in()
    assert len(app_module.accounts().all()) == 1


def test_another_header_lets_nobody_in() -> None:
    account_of("ada", Role.OWNER)
    visitor = Visitor(**{"X-WebAuth-User": "ada", "Remote-Users": "ada"})
    assert not visitor.is_signed_in()


def test_the_session_ends_with_the_proxy_s_word_or_with_another_one() -> None:
    account_of("ada", Role.OWNER)
    account_of("bob", Role.VIEWER)
    visitor = through_proxy("ada")
    assert shown_name(visitor) == "ada"
    first = visitor.cookie()
    visitor.headers = {"Remote-User": "bob"}
    assert shown_name(visitor) == "bob" and visitor.cookie() != first
    second = visitor.cookie()
    visitor.headers = {}
    assert not visitor.is_signed_in()
    for kept in (first, second):  # over for good, not only while it is silent
        thief = Visitor()
        thief.client.set_cookie("page-tracker", kept)
        assert not thief.is_signed_in()


def test_what_was_begun_by_a_password_outlives_the_header_and_no_other_person() -> None:
    ada = signed_in("ada", Role.OWNER)
    account_of("bob", Role.VIEWER)
    for headers, name in (
        ({"Remote-User": "ada"}, "ada"),
        ({}, "ada"),
        ({"Remote-User": "bob"}, "bob"),
        ({}, ""),
    ):
        ada.headers = headers
        assert shown_name(ada) == name


@pytest.mark.parametrize(
    "name",
    [
        "eve",
        "Ada",
        "ada\N{COMBINING ACUTE ACCENT}",
        "\N{FULLWIDTH LATIN SMALL LETTER A}da",
    ]
    + ["eve,ada", "ada,ada", "ada, ", ",", "x" * 5_000, "\u0430da"],
)
@pytest.mark.parametrize("new", ["refused", "added"])
def test_a_name_is_an_account_s_where_it_is_exactly_its(
    proxied: pytest.MonkeyPatch, name: str, new: str
) -> None:
    """Two people of the proxy are never one here; whose header is doubled is nobody."""
    proxied.setenv("PAGE_TRACKER_SIGN_IN_NEW", new)
    account_of("ada", Role.OWNER)
    visitor = through_proxy(name.encode().decode("latin-1"))
    refused = visitor.get("/people")
    assert refused.status_code == 403
    assert shown_name(visitor) != "ada"
    if new == "refused":
        assert "that you come through says" in refused.text and not visitor.cookie()
        assert visitor.get("/sign-in").location == "/sites"
        assert len(app_module.accounts().all()) == 1


def test_names_are_read_as_utf_8_and_any_other_bytes_are_nobody_s() -> None:
    account_of("Zoë", Role.OWNER)
    assert shown_name(through_proxy("Zoë".encode().decode("latin-1"))) == "Zoë"
    assert through_proxy("Zo\xeb").get("/sites").status_code == 403


def test_an_account_is_added_where_that_is_allowed_without_any_role(
    proxied: pytest.MonkeyPatch,
) -> None:
    app_module.sites().add(SITE, {})
    account_of("ada", Role.OWNER)
    assert through_proxy("eve").get("/sites").status_code == 403
    assert account_named("eve") is None
    proxied.setenv("PAGE_TRACKER_SIGN_IN_NEW", "added")
    eve = through_proxy("eve")
    assert SITE not in eve.get("/sites").text
    for path in (f"/{SITE}", f"/sites/{SITE}/people"):
        assert eve.get(path).status_code == 404
    assert eve.get("/people").status_code == 403
    account = account_named("eve")
    assert account and (account.everywhere, account.roles) == (None, {})
    assert not account.password and Visitor().sign_in("eve", "").status_code == 403


def test_the_first_account_is_its_link_s_and_no_header_s(
    proxied: pytest.MonkeyPatch,
) -> None:
    """It owns all sites: else whom the proxy lets in first would."""
    proxied.setenv("PAGE_TRACKER_SIGN_IN_NEW", "added")
    ada = through_proxy("ada")
    assert ada.get("/sites").status_code == 403 and not app_module.accounts().all()
    link = link_of(Purpose.FIRST)
    assert "that you are ada" in ada.get(link).text
    assert ada.send(link, name="somebody").location == "/sites/add"
    account = account_named("ada")
    assert account and account.everywhere is Role.OWNER and not account.password
    assert shown_name(ada) == "ada"


def test_an_invitation_makes_an_account_of_the_proxy_s_name() -> None:
    app_module.sites().add(SITE, {})
    ada = account_of("ada", Role.OWNER)
    given = {"role": Role.EDITOR, "sites": (SITE,), "giver": ada.id}
    eve, link = through_proxy("eve"), link_of(Purpose.INVITATION, **given)
    assert 'name="password"' not in eve.get(link).text
    assert eve.send(link, name="ada").status_code == 303
    account = account_named("eve")
    assert account and account.roles == {SITE: Role.EDITOR}
    again = link_of(Purpose.INVITATION, **given | {"role": Role.OWNER})
    assert "You are signed in as eve" in eve.get(again).text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}],
    ids=str,
)
def test_the_header_does_not_stand_in_for_a_form_s_token(
    headers: dict[str, str],
) -> None:
    """Any page can send a form through the person's proxy, which adds the header."""
    account_of("ada", Role.OWNER)
    ada = through_proxy("ada")
    token = ada.token() if headers else ""
    ada.headers |= headers
    refused = ada.send("/people/invite", role="owner", token=token)
    assert refused.status_code == 403 and "This form cannot be taken" in refused.text


def test_signing_out_says_that_the_proxy_still_says_who_one_is() -> None:
    account_of("ada", Role.OWNER)
    ada = through_proxy("ada")
    assert ada.is_signed_in()
    kept = ada.cookie()
    left = ada.post("/sign-out")
    assert left.status_code == 200 and "sign out there, too" in left.text
    assert 'action="/sign-out"' not in left.text and not ada.cookie()
    thief = Visitor(**{"Remote-User": ""})
    thief.client.set_cookie("page-tracker", kept)
    assert not thief.is_signed_in()


def test_another_password_keeps_the_session_the_proxy_s() -> None:
    account_of("ada", Role.OWNER)
    ada = through_proxy("ada")
    new = "another river under new bridges"
    changed = ada.post("/account/password", password=new, new=new)
    assert changed.status_code == 400
    changed = ada.post("/account/password", password=PASSWORD, new=new)
    assert changed.status_code == 303 and shown_name(ada) == "ada"
    ada.headers = {}
    assert not ada.is_signed_in()


def test_a_header_that_nobody_is_believed_with_is_logged(
    proxied: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proxied.setenv("PAGE_TRACKER_TRUSTED_PROXIES", "")
    with caplog.at_level(logging.WARNING):
        create_app()
    assert "SIGN_IN_HEADER lets nobody in" in caplog.text
