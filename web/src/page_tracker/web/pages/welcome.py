"""`/welcome/…`: one-time links. The first account, an invitation, a new password."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from page_tracker.errors import AccountError, LinkError
from page_tracker.people.account import (
    Account,
    account_name,
    found_by_name,
    may,
    may_give,
    with_password,
    with_role,
)
from page_tracker.people.one_time import Link, Purpose
from page_tracker.people.passwords import SHORTEST, require_password
from page_tracker.web.pages.after_sign_in import HOME
from page_tracker.web.pages.guard import Person, open_to_anybody
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.render import SIGN_IN, problem, render, to, unkept

Change = Callable[[Account], Account]

SPENT = (
    "It was used already, or has expired.",
    "If you have made your account or your password by it, sign in. If not, ask whoever"
    " gave it to you for another one. Whoever runs the server makes them: page-tracker"
    " account link for the first account, page-tracker account reset NAME for a new"
    " password.",
)


def register_welcome(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes; a link is used up only by its form, not by opening it."""
    welcome = _Welcome(services)

    @blueprint.get("/welcome/<secret>")
    @open_to_anybody
    def show_welcome(secret: str) -> Response:
        link = welcome.link(secret)
        return welcome.form(link) if link else _spent()

    @blueprint.post("/welcome/<secret>")
    @open_to_anybody
    def take_welcome(secret: str) -> Response:
        link = welcome.link(secret)
        if link is None:
            return _spent()
        try:
            return welcome.take(link, secret)
        except AccountError as error:
            return welcome.form(link, error)
        except LinkError:
            return _spent()


class _Welcome:
    """What the links do."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def link(self, secret: str) -> Link | None:
        """The link with a secret, if it is still valid for its purpose."""
        link = self._services.links().find(secret)
        if link is None or not self._holds(link):
            return None
        return link

    def _holds(self, link: Link) -> bool:
        accounts = self._services.accounts()
        if link.purpose is Purpose.FIRST:
            return accounts.are_none()
        if link.purpose is Purpose.INVITATION:
            giver = accounts.get(link.giver)
            return giver is not None and may_give(giver, link.sites)
        return link.purpose is Purpose.PASSWORD and bool(accounts.get(link.account))

    def form(self, link: Link, error: AccountError | None = None) -> Response:
        account = self._services.accounts().get(link.account) if link.account else None
        invited = self._services.guard.person()
        return unkept(
            render(
                "welcome.html",
                400 if error else 200,
                link=link,
                account=account,
                invited=invited if link.purpose is Purpose.INVITATION else None,
                vouched=self._services.guard.proxy.name(),
                name=request.form.get("name", ""),
                error=error,
                shortest=SHORTEST,
            )
        )

    def take(self, link: Link, secret: str) -> Response:
        """Do what a link is for. Raises AccountError, LinkError."""
        if link.purpose is Purpose.PASSWORD:
            return self._choose_password(link, secret)
        person = self._services.guard.person()
        if link.purpose is Purpose.INVITATION and person:
            return self._accept(link, secret, person)
        return self._make_account(link, secret)

    def _make_account(self, link: Link, secret: str) -> Response:
        accounts = self._services.accounts()
        vouched = self._services.guard.proxy.name()
        name = account_name(vouched or request.form.get("name", ""))
        if found_by_name(accounts.all(), name):
            raise AccountError("this name is taken", "choose another one")
        # With a proxy vouching for them, they need no password.
        choose = _unchanged if vouched else self._chosen_password(name)

        def decide(account: Account) -> Account:
            return _with_given(choose(account), link)

        self._use(secret)
        is_first = link.purpose is Purpose.FIRST
        add = accounts.add_first if is_first else accounts.add
        return self._let_in(add(name, decide), "/sites/add" if is_first else HOME)

    def _accept(self, link: Link, secret: str, person: Person) -> Response:
        self._use(secret)
        self._services.accounts().change(
            person.account.id, lambda account: _with_given(account, link)
        )
        return to(HOME)

    def _choose_password(self, link: Link, secret: str) -> Response:
        account = self._services.accounts().get(link.account)
        choose = self._chosen_password(account.name if account else "")
        self._use(secret)
        account = self._services.accounts().change(link.account, choose)
        self._services.sessions().end_all(account.id)
        if account.totp:  # the link does not replace a second factor
            return to("/sign-in")
        return self._let_in(account, HOME)

    def _chosen_password(self, name: str) -> Change:
        password = require_password(request.form.get("password", ""), name)
        hashed = self._services.checking.hashing.hash(password)
        return lambda account: with_password(account, hashed)

    def _use(self, secret: str) -> None:
        if self._services.links().use(secret) is None:
            raise LinkError("this link was used already", "ask for another one")

    def _let_in(self, account: Account, onwards: str) -> Response:
        return unkept(self._services.guard.sign_in(to(onwards), account))


def _unchanged(account: Account) -> Account:
    return account


def _with_given(account: Account, link: Link) -> Account:
    """The account with the role of an invitation; nobody loses rights by it."""
    if link.role is None:
        return account
    if link.sites is None:
        return (
            account
            if may(account, link.role, None)
            else with_role(account, link.role, None)
        )
    less = [site for site in link.sites if not may(account, link.role, site)]
    return with_role(account, link.role, less)


def _spent() -> Response:
    return problem(404, "This link does nothing any more", *SPENT, onwards=SIGN_IN)
