"""Open invitations, a way in again, and removing accounts, in a browser."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from page_tracker import app as app_module
from page_tracker.commands.account import account as commands
from page_tracker.errors import LastOwnerError
from page_tracker.people import totp
from page_tracker.people.account import Account, with_second_factor
from page_tracker.people.one_time import Purpose
from page_tracker.people.roles import Role
from support.people import PASSWORD, Visitor, account_of, link_of, signed_in

SITE, OTHER = "a.example", "b.example"


@pytest.fixture(autouse=True)
def _sites(patched: pytest.MonkeyPatch) -> None:
    assert patched
    for domain in (SITE, OTHER):
        app_module.sites().add(domain, {})


def account_named(name: str) -> Account:
    found = app_module.accounts().named(name)
    assert found
    return found


def invitation_ids(text: str) -> list[str]:
    return re.findall(r'name="invitation" value="([0-9a-f]{64})"', text)


def link_in(text: str) -> str:
    found = re.search(r"http://localhost(/welcome/[\w-]+)", text)
    assert found
    return found[1]


def test_open_invitations_are_listed_and_taken_back() -> None:
    ada = signed_in("ada", Role.OWNER)
    made = ada.post(f"/sites/{SITE}/people/invite", role="editor", guest=" Bob\tB. ")
    for path in (f"/sites/{SITE}/people", "/people"):
        page = ada.get(path).text
        for told in ("Bob B.", f"editor of {SITE}", "<td>ada</td>", "7 days"):
            assert told in page
    assert link_in(made.text) not in page
    (invitation,) = invitation_ids(page)
    assert not invitation_ids(ada.get(f"/sites/{OTHER}/people").text)
    refused = ada.post(f"/sites/{OTHER}/people/withdraw", invitation=invitation)
    assert refused.status_code == 400 and "was used, or has expired" in refused.text
    assert Visitor().get(link_in(made.text)).status_code == 200
    taken = ada.post(f"/sites/{SITE}/people/withdraw", invitation=invitation)
    assert taken.status_code == 303
    assert Visitor().get(link_in(made.text)).status_code == 404
    assert not invitation_ids(ada.get("/people").text)


def test_an_owner_of_one_site_sees_its_invitations_alone_and_takes_no_other_back() -> (
    None
):
    ada, bob = signed_in("ada", Role.OWNER), signed_in("bob", Role.OWNER, [SITE])
    ada.post(f"/sites/{OTHER}/people/invite", role="viewer", guest="secretguest")
    ada.post("/people/invite", role="viewer", guest="secretguest")
    assert "secretguest" not in bob.get(f"/sites/{SITE}/people").text
    for invitation in invitation_ids(ada.get("/people").text):
        path = f"/sites/{SITE}/people/withdraw"
        assert bob.post(path, invitation=invitation).status_code == 400
    assert len(invitation_ids(ada.get("/people").text)) == 2


def test_what_is_no_open_invitation_is_not_taken_back() -> None:
    """Neither a link for a password, nor one that was used, nor what is none."""
    ada = signed_in("ada", Role.OWNER)
    link = link_of(Purpose.PASSWORD, account=account_named("ada").id)
    keys = [each.decode() for each in app_module.redis().scan_iter("pt:link:*")]
    used = link_in(ada.post("/people/invite", role="viewer").text)
    (invitation,) = invitation_ids(ada.get("/people").text)
    assert Visitor().send(used, name="bob", password=PASSWORD).status_code == 303
    for each in (invitation, keys[0].rpartition(":")[2], "", "x"):
        assert ada.post("/people/withdraw", invitation=each).status_code == 400
    assert Visitor().get(link).status_code == 200
    assert not invitation_ids(ada.get("/people").text)


def test_all_accounts_are_listed_for_who_owns_all_sites_who_gives_them_roles() -> None:
    ada = signed_in("ada", Role.OWNER)
    eve = account_of("eve")
    account_of("bob", Role.VIEWER, [SITE])
    page = ada.get("/people").text
    assert "no role" in page and f"viewer of {SITE}" in page
    assert f'value="{eve.id}">eve' in ada.get(f"/sites/{SITE}/people").text
    ada.post(f"/sites/{SITE}/people/role", account=eve.id, role="editor")
    assert account_named("eve").roles == {SITE: Role.EDITOR}


def test_an_account_is_let_in_again_by_a_link() -> None:
    ada = signed_in("ada", Role.OWNER)
    bob = account_of("bob", Role.VIEWER, [SITE])
    secret = totp.new_secret()
    app_module.accounts().change(
        bob.id, lambda each: with_second_factor(each, secret, ())
    )
    made = ada.post(f"/people/{bob.id}/link")
    assert made.headers["Cache-Control"] == "no-store"
    assert account_named("bob").totp == secret
    ada.post(f"/people/{bob.id}/link", **{"second-factor": "off"})
    assert not account_named("bob").totp
    visitor = Visitor()
    chosen = visitor.send(link_in(made.text), password=PASSWORD)
    assert chosen.status_code == 303 and visitor.is_signed_in()


def test_an_account_is_removed_after_it_was_said_what_goes() -> None:
    ada, bob = signed_in("ada", Role.OWNER), signed_in("bob", Role.OWNER, [SITE])
    invited = bob.post(f"/sites/{SITE}/people/invite", role="viewer")
    page = ada.get(f"/people/{account_named('bob').id}").text
    for told in (f"owner of {SITE}", "1 session,", "1 open invitation", "hits"):
        assert told in page
    removed = ada.post(f"/people/{account_named('bob').id}/remove")
    assert (removed.status_code, removed.location) == (303, "/people")
    assert app_module.accounts().named("bob") is None and not bob.is_signed_in()
    assert Visitor().get(link_in(invited.text)).status_code == 404
    assert not invitation_ids(ada.get("/people").text)


def test_one_s_own_account_goes_with_its_password_and_its_session() -> None:
    account_of("ada", Role.OWNER)
    bob = signed_in("bob", Role.VIEWER, [SITE])
    assert "Remove bob" in bob.get("/account/remove").text
    refused = bob.post("/account/remove", password=PASSWORD[1:])
    assert refused.status_code == 400 and "not your present password" in refused.text
    left = bob.post("/account/remove", password=PASSWORD)
    assert (left.status_code, left.location) == (303, "/sign-in") and not bob.cookie()
    assert app_module.accounts().named("bob") is None


def test_the_last_owner_of_all_is_not_removed_in_the_words_of_the_command(
    tmp_path: Path,
) -> None:
    ada = signed_in("ada", Role.OWNER)
    account_of("bob", Role.OWNER, [SITE])
    refused = (
        CliRunner()
        .invoke(commands, ["remove", "ada", "--yes", "--data", str(tmp_path)])
        .exception
    )
    assert isinstance(refused, LastOwnerError)
    problem, remedy = refused.problem, refused.remedy
    own = account_named("ada").id
    for page in (ada.get("/account/remove").text, ada.get(f"/people/{own}").text):
        assert problem in page and remedy in page and "Remove ada" not in page
    for answer in (
        ada.post("/account/remove", password=PASSWORD),
        ada.post(f"/people/{own}/remove"),
    ):
        assert answer.status_code == 409 and problem[1:] in answer.text
    assert ada.is_signed_in()


def test_the_only_account_goes_and_says_how_the_next_one_is_made() -> None:
    ada = signed_in("ada", Role.OWNER)
    assert "page-tracker account link" in ada.get("/account/remove").text
    assert ada.post("/account/remove", password=PASSWORD).status_code == 303
    assert not app_module.accounts().all()
