"""Accounts and roles: the rules, without Redis."""

import itertools

import pytest

from page_tracker.errors import AccountError, LastOwnerError
from page_tracker.people.account import (
    LONGEST_NAME,
    Account,
    found_by_name,
    may,
    may_give,
    new_account,
    require_an_owner,
    role_at,
    with_password,
    with_role,
    with_second_factor,
)
from page_tracker.people.roles import Role

OWN, OTHER = "a.example", "b.example"


def account(name: str = "ada", everywhere: Role | None = None) -> Account:
    return Account(id=name, name=name, everywhere=everywhere, stamp="s")


def test_each_role_may_do_what_those_before_it_may() -> None:
    pairs = itertools.product(Role, Role)
    allowed = {(has, wants) for has, wants in pairs if has.includes(wants)}
    viewer, editor, owner = Role
    assert allowed == {
        *((owner, owner), (owner, editor), (owner, viewer)),
        *((editor, editor), (editor, viewer), (viewer, viewer)),
    }


@pytest.mark.parametrize("role", Role)
def test_a_role_for_a_site_reaches_no_other(role: Role) -> None:
    ada = with_role(account(), role, [OWN])
    assert role_at(ada, OWN) is role
    assert (role_at(ada, OTHER), role_at(ada, None)) == (None, None)
    assert not any(may(ada, wanted, OTHER) for wanted in Role)


def test_a_role_for_all_sites_holds_for_each_and_the_greater_one_counts() -> None:
    ada = with_role(account(everywhere=Role.VIEWER), Role.OWNER, [OWN])
    assert (role_at(ada, OWN), role_at(ada, OTHER)) == (Role.OWNER, Role.VIEWER)
    assert role_at(with_role(ada, None, None), OTHER) is None
    lesser = with_role(account(everywhere=Role.OWNER), Role.VIEWER, [OWN])
    assert role_at(lesser, OWN) is Role.OWNER


def test_a_role_is_taken_away_where_it_was_given() -> None:
    ada = with_role(account(), Role.EDITOR, [OWN, OTHER])
    assert with_role(ada, None, [OWN]).roles == {OTHER: Role.EDITOR}


def test_only_owners_of_sites_give_roles_for_them() -> None:
    ada = with_role(account(), Role.OWNER, [OWN])
    assert may_give(ada, [OWN])
    assert not may_give(ada, [OWN, OTHER])
    assert not may_give(ada, None)
    assert may_give(account(everywhere=Role.OWNER), None)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "a" * 101, None, 7])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(AccountError, match=rf"1 to {LONGEST_NAME} characters"):
        new_account(name, 0)


def test_names_that_look_alike_are_one() -> None:
    ada = new_account(" Ada@Example.com ", 0)
    assert ada.name == "Ada@Example.com"
    for name in ("ada@example.com", "ADA@EXAMPLE.COM", "ａda@example.com"):
        assert found_by_name([ada], name) == ada
    assert found_by_name([ada], "ada@example.org") is None


def test_another_password_or_second_factor_ends_all_sessions() -> None:
    ada = account()
    stamps = {ada.stamp, with_password(ada, "x").stamp}
    stamps.add(with_second_factor(ada, "x", ["y"]).stamp)
    assert len(stamps) == 3


def test_the_last_owner_stays_while_there_are_others() -> None:
    ada, bob = account("ada", Role.OWNER), account("bob", Role.VIEWER)
    both = {"ada": ada, "bob": bob}
    with pytest.raises(LastOwnerError, match="last owner"):
        require_an_owner(both, {"bob": bob})
    with pytest.raises(LastOwnerError):
        require_an_owner(both, {**both, "ada": account("ada", Role.EDITOR)})
    require_an_owner(both, {"ada": ada})
    require_an_owner({"ada": ada}, {})
    require_an_owner({"bob": bob}, {"bob": bob})
