"""`/people/<id>`: an account, for owners of all sites: a new password, its removal.

`/account/remove` is the same removal, of one's own account.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, Response, request

from page_tracker.errors import AccountError, LastOwnerError, UnknownAccountError
from page_tracker.people.account import (
    Account,
    require_an_owner,
    roles_in_words,
    signs_in_by,
    with_second_factor,
)
from page_tracker.people.one_time import LIFETIMES, Link, Purpose
from page_tracker.people.roles import Role
from page_tracker.web.pages.own_account import require_own_password
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.render import render, to, unkept


class Removal(NamedTuple):
    """What is removed with an account, and why it cannot be, if so."""

    sessions: int
    invitations: int
    is_only_one: bool
    refusal: LastOwnerError | None


def register_one_account(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes."""
    accounts = _OneAccount(services)

    @blueprint.get("/people/<account_id>")
    def show_one_account(account_id: str) -> Response:
        return accounts.page(accounts.admitted(account_id))

    @blueprint.post("/people/<account_id>/link")
    def make_password_link(account_id: str) -> Response:
        return accounts.let_in_again(accounts.admitted(account_id))

    @blueprint.post("/people/<account_id>/remove")
    def remove_account(account_id: str) -> Response:
        accounts.remove(accounts.admitted(account_id))
        return to("/people")

    @blueprint.get("/account/remove")
    def show_own_removal() -> Response:
        return accounts.own_removal()

    @blueprint.post("/account/remove")
    def remove_own_account() -> Response:
        return accounts.remove_own()


class _OneAccount:
    """What can be done with a single account."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def admitted(self, account_id: str) -> Account:
        """The account, for an owner of all sites. Raises UnknownAccountError."""
        self._services.guard.admit(Role.OWNER, None)
        account = self._services.accounts().get(account_id)
        if account is None:
            raise UnknownAccountError(
                "this account is gone", "see the list of people for those there are"
            )
        return account

    def page(self, account: Account, link: str = "") -> Response:
        page = render(
            "one_account.html",
            account=account,
            roles=roles_in_words(account),
            signs_in_by=signs_in_by(account),
            removal=self._removal(account),
            link=link,
            hours=LIFETIMES[Purpose.PASSWORD] // 3600,
        )
        return unkept(page) if link else page

    def let_in_again(self, account: Account) -> Response:
        """Make a link for choosing a new password, as `account reset` does."""
        if request.form.get("second-factor"):
            account = self._services.accounts().change(
                account.id, lambda each: with_second_factor(each, "", ())
            )
            self._services.sessions().end_all(account.id)
        made = Link(purpose=Purpose.PASSWORD, account=account.id)
        secret = self._services.links().make(made)
        link = self._services.guard.reached.link(f"/welcome/{secret}")
        return self.page(account, link)

    def remove(self, account: Account) -> None:
        self._services.accounts().remove(account.id)
        self._services.sessions().end_all(account.id)

    def own_removal(self, error: str = "") -> Response:
        account = self._services.guard.require().account
        return render(
            "remove_account.html",
            400 if error else 200,
            account=account,
            roles=roles_in_words(account),
            removal=self._removal(account),
            error=error,
        )

    def remove_own(self) -> Response:
        """Remove the person's account, once its password was given, if it has one."""
        account = self._services.guard.require().account
        if account.password:
            try:
                require_own_password(self._services)
            except AccountError as error:
                return self.own_removal(error.problem)
        self.remove(account)
        return self._services.guard.sign_out(to("/sign-in"))

    def _removal(self, account: Account) -> Removal:
        known = {each.id: each for each in self._services.accounts().all()}
        left = {i: each for i, each in known.items() if i != account.id}
        open_ = self._services.links().invitations().values()
        return Removal(
            len(self._services.sessions().of(account.id)),
            sum(each.link.giver == account.id for each in open_),
            not left,
            _refusal(known, left),
        )


def _refusal(
    before: dict[str, Account], after: dict[str, Account]
) -> LastOwnerError | None:
    try:
        require_an_owner(before, after)
    except LastOwnerError as error:
        return error
    return None
