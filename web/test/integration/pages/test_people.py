"""One-time links and roles, as people use them in a browser."""

import re

import pytest

from page_tracker import app as app_module
from page_tracker.people.one_time import Purpose
from page_tracker.people.roles import Role
from support.people import PASSWORD, Visitor, account_of, link_of, signed_in

SITE = "a.example"


@pytest.fixture(autouse=True)
def _site(patched: pytest.MonkeyPatch) -> None:
    assert patched
    app_module.sites().add(SITE, {})


def role_of(name: str) -> Role | None:
    account = app_module.accounts().named(name)
    assert account
    return account.everywhere or account.roles.get(SITE)


def invited(visitor: Visitor, role: str, path: str = f"/sites/{SITE}/people") -> str:
    """The path of a link that invites to a role."""
    page = visitor.post(f"{path}/invite", role=role)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    found = re.search(r"http://localhost(/welcome/[\w-]+)", page.text)
    assert found
    return found[1]


def test_the_first_link_makes_an_owner_who_is_signed_in_and_adds_a_site() -> None:
    visitor, link = Visitor(), link_of(Purpose.FIRST)
    assert visitor.get(link).status_code == 200  # to look at it uses nothing up
    for name, password, why in (
        ("", PASSWORD, "is no name"),
        ("ada", "short", "at least 12"),
        ("ada", "123456789012", "first that are tried"),
    ):
        refused = visitor.send(link, name=name, password=password)
        assert refused.status_code == 400 and why in refused.text
    made = visitor.send(link, name="ada", password=PASSWORD)
    assert (made.status_code, made.location) == (303, "/sites/add")
    assert visitor.is_signed_in() and role_of("ada") is Role.OWNER
    spent = visitor.get(link)
    assert spent.status_code == 404 and ">Sign in</a>" in spent.text


def test_no_link_claims_a_server_that_has_an_account() -> None:
    link = link_of(Purpose.FIRST)
    account_of("ada", Role.OWNER)
    assert Visitor().get(link).status_code == 404
    taken = Visitor().send(link, name="eve", password=PASSWORD)
    assert taken.status_code == 404 and len(app_module.accounts().all()) == 1


@pytest.mark.parametrize("secret", ["x", "a" * 5_000, "..%2f", "%00"])
def test_what_is_no_link_does_nothing(secret: str) -> None:
    for answer in (
        Visitor().get(f"/welcome/{secret}"),
        Visitor().send(f"/welcome/{secret}", name="eve", password=PASSWORD),
    ):
        assert answer.status_code == 404
    assert not app_module.accounts().all()


def test_an_invitation_makes_an_account_with_its_role_alone() -> None:
    link = invited(signed_in("ada", Role.OWNER, [SITE]), "editor")
    bob = Visitor()
    assert f"As editor of {SITE}" in bob.get(link).text
    assert "taken" in bob.send(link, name="ADA", password=PASSWORD).text
    assert bob.send(link, name="bob", password=PASSWORD).status_code == 303
    assert bob.is_signed_in() and role_of("bob") is Role.EDITOR
    assert Visitor().get(link).status_code == 404


def test_who_has_an_account_adds_it_to_that_and_loses_nothing() -> None:
    ada, bob = signed_in("ada", Role.OWNER), signed_in("bob", Role.EDITOR, [SITE])
    for given, has in (("viewer", Role.EDITOR), ("owner", Role.OWNER)):
        assert bob.send(invited(ada, given)).status_code == 303
        assert role_of("bob") is has
    assert len(app_module.accounts().all()) == 2


def test_an_invitation_is_over_with_its_giver_s_right() -> None:
    ada = signed_in("ada", Role.OWNER, [SITE])
    link = invited(ada, "owner")
    account = app_module.accounts().named("ada")
    assert account
    app_module.accounts().remove(account.id)
    assert Visitor().get(link).status_code == 404


def test_roles_are_changed_and_taken_away() -> None:
    ada = signed_in("ada", Role.OWNER)
    bob = account_of("bob", Role.VIEWER, [SITE])
    page = ada.get(f"/sites/{SITE}/people").text
    assert ">bob</a>" in page and "(as owner of all sites)" in page
    for role, has in (("editor", Role.EDITOR), ("none", None)):
        ada.post(f"/sites/{SITE}/people/role", account=bob.id, role=role)
        assert role_of("bob") is has
    assert ">bob</a>" not in ada.get(f"/sites/{SITE}/people").text


def test_an_owner_of_one_site_sees_and_changes_its_people_alone() -> None:
    ada = signed_in("ada", Role.OWNER, [SITE])
    eve = account_of("eve", Role.VIEWER, ["b.example"])
    assert "eve" not in ada.get(f"/sites/{SITE}/people").text
    refused = ada.post(f"/sites/{SITE}/people/role", account=eve.id, role="owner")
    assert refused.status_code == 400 and role_of("eve") is None


def test_the_last_owner_of_all_is_told_why_not() -> None:
    ada = signed_in("ada", Role.OWNER)
    account_of("bob", Role.VIEWER, [SITE])
    account = app_module.accounts().named("ada")
    assert account
    refused = ada.post("/people/role", account=account.id, role="none")
    assert refused.status_code == 409 and "last owner of all sites" in refused.text
    assert role_of("ada") is Role.OWNER


def test_a_new_password_ends_the_sessions_and_is_no_second_factor() -> None:
    ada = signed_in("ada", Role.OWNER)
    account = app_module.accounts().named("ada")
    assert account
    link = link_of(Purpose.PASSWORD, account=account.id)
    new = "another river under new bridges"
    other = Visitor()
    assert other.send(link, password=new).status_code == 303
    assert other.is_signed_in() and not ada.is_signed_in()
    assert Visitor().sign_in("ada").status_code == 403
    assert Visitor().sign_in("ada", new).status_code == 303


def test_a_removed_site_takes_its_roles_along() -> None:
    """One of its name that is added later is somebody else's."""
    account_of("ada", Role.OWNER)
    account_of("bob", Role.OWNER, [SITE])
    app_module.site_deletion(SITE).run(lambda _: None)
    assert role_of("bob") is None and role_of("ada") is Role.OWNER
