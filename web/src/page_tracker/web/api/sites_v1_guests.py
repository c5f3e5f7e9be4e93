"""`/api/v1/sites/guests`: who may see a site besides those who see all, as Plausible
has it. A guest is an account, whose name is the address of their e-mail.

No mail is sent: whoever adds a guest hands on the link that the answer has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec
from flask import Blueprint, Response, jsonify

from page_tracker.people.account import Account, role_at, with_role
from page_tracker.people.one_time import Link, Purpose
from page_tracker.people.roles import Role
from page_tracker.sites.token import Scope
from page_tracker.store.accounts import Accounts, found_named
from page_tracker.store.links import Links
from page_tracker.store.sites import Sites
from page_tracker.web.api.sites_v1_requests import one_page, said, site_named
from page_tracker.web.token_guard import Guard, Refused


class GuestServices(NamedTuple):
    """Where people are kept, and the address that a path of ours has for others."""

    accounts: Callable[[], Accounts]
    links: Callable[[], Links]
    address_of: Callable[[str], str]


class _NewGuest(msgspec.Struct):
    """A guest in Plausible's words."""

    site_id: str
    email: str
    role: Literal["viewer", "editor"]


def register_guests(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    people: GuestServices,
    guard: Guard,
) -> None:
    """The routes; they tell names and let people in: for an admin of all sites."""

    def named(sent: str | None = None) -> str:
        guard.admit(Scope.ADMIN, None)
        return site_named(guard, sites, sent)

    @blueprint.get("/guests")
    def list_guests() -> Response:
        site = named()
        accounts = people.accounts().all()
        return one_page(
            "guests", [_as_json(each, site) for each in _of(accounts, site)]
        )

    @blueprint.put("/guests")
    def put_guest() -> Response:
        """Let somebody in, or change their role here."""
        guard.admit(Scope.ADMIN, None)
        guest = said(_NewGuest)
        site = named(guest.site_id)
        account, link = _let_in(people, guest.email, Role(guest.role), site)
        return jsonify(_as_json(account, site) | link)

    @blueprint.delete("/guests/<email>")
    def remove_guest(email: str) -> Response:
        """Take the role for the site; the account stays."""
        site = named()
        guests = _of(people.accounts().all(), site)
        account = found_named(guests, email)
        people.accounts().change(account.id, lambda each: with_role(each, None, [site]))
        return jsonify(deleted=True)


def _of(accounts: list[Account], site: str) -> list[Account]:
    return [each for each in accounts if site in each.roles]


def _let_in(
    people: GuestServices, name: str, role: Role, site: str
) -> tuple[Account, dict[str, str]]:
    """The account with the role; if it is new, also the link for its password."""
    accounts = people.accounts()
    known = accounts.named(name)
    if known is None:
        made = accounts.add(name, lambda new: with_role(new, role, [site]))
        link = Link(purpose=Purpose.PASSWORD, account=made.id)
        secret = people.links().make(link)
        return made, {"url": people.address_of(f"/welcome/{secret}")}
    if role_at(known, None):
        raise Refused(400, f"{known.name} has a role for all sites already")
    return accounts.change(known.id, lambda each: with_role(each, role, [site])), {}


def _as_json(account: Account, site: str) -> dict[str, Any]:
    return {
        "email": account.name,
        "role": account.roles[site],
        "status": "accepted" if account.password else "invited",
    }
