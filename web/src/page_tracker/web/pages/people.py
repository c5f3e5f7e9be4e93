"""`/people`, `/sites/<name>/people`: who has a role for all sites, or for one.

Owners of all sites see every account; owners of one see those with a role for it.
Unused invitations are listed, and can be withdrawn.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from page_tracker.days import DAY_SECONDS
from page_tracker.errors import AccountError
from page_tracker.people.account import (
    Account,
    may_give,
    role_at,
    roles_in_words,
    with_role,
)
from page_tracker.people.one_time import LIFETIMES, LONGEST_GUEST, Link, Purpose
from page_tracker.people.roles import NEEDED, Deed, Role
from page_tracker.plural import counted
from page_tracker.store.links import Invitation
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import render, to, unkept
from page_tracker.web.pages.settings.section import SECTIONS
from page_tracker.web.pages.site_page import home_of


class Listed(NamedTuple):
    """An account on the page: its role there, and all of its roles in words."""

    account: Account
    role: Role | None
    words: str


class OpenInvitation(NamedTuple):
    """An invitation in the list; `left` is the time until it expires, in words."""

    id: str
    guest: str
    gives: str
    giver: str
    left: str


def register_people(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes; each exists for all sites and for a single one."""
    people = _People(services)

    @blueprint.get("/people")
    @blueprint.get("/sites/<name>/people")
    def show_people(name: str | None = None) -> Response:
        return people.page(people.admitted(name))

    @blueprint.post("/people/invite")
    @blueprint.post("/sites/<name>/people/invite")
    def invite(name: str | None = None) -> Response:
        site = people.admitted(name)
        return people.page(site, people.invitation(site, _role()))

    @blueprint.post("/people/role")
    @blueprint.post("/sites/<name>/people/role")
    def give_role(name: str | None = None) -> Response:
        site = people.admitted(name)
        people.give(site, request.form.get("account", ""), _role())
        return to(_path(site))

    @blueprint.post("/people/withdraw")
    @blueprint.post("/sites/<name>/people/withdraw")
    def withdraw(name: str | None = None) -> Response:
        site = people.admitted(name)
        people.withdraw(site, request.form.get("invitation", ""))
        return to(_path(site))


class _People:
    """Who has a role for a site, or (None) for all of them."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def admitted(self, name: str | None) -> str | None:
        """The id of the site, which the person owns; None if they own all."""
        if name is None:
            self._services.guard.admit(Role.OWNER, None)
            return None
        self._services.guard.require()
        site = self._services.sites().look_again().resolve(name)
        if site is None:
            raise no_such_site()
        self._services.guard.admit(NEEDED[Deed.GIVE_ROLES], site.id)
        return site.id

    def page(self, site: str | None, link: str = "") -> Response:
        accounts = self._services.accounts().all()
        listed = [
            Listed(each, role_at(each, site), roles_in_words(each)) for each in accounts
        ]
        page = render(
            "people.html",
            site=site,
            path=_path(site),
            **(self._of_site(site) if site else {}),
            people=[each for each in listed if site is None or each.role],
            others=[each for each in listed if not each.role],
            owns_all=self._owns_all(),
            invitations=self._open_invitations(site, accounts),
            roles=list(Role),
            link=link,
            days=LIFETIMES[Purpose.INVITATION] // DAY_SECONDS,
        )
        return unkept(page) if link else page

    def _of_site(self, site: str) -> dict[str, Any]:
        """What the site's other pages are found by."""
        return {
            "home": home_of(site),
            "sections": SECTIONS,
            "is_demonstration": self._services.sites().get(site).demonstration,
        }

    def _owns_all(self) -> bool:
        return self._services.guard.require().may(Role.OWNER, None)

    def _open_invitations(
        self, site: str | None, accounts: list[Account]
    ) -> list[OpenInvitation]:
        """Those to this site, or (None) all, whose givers may still give the role."""
        givers = {each.id: each for each in accounts}
        return [
            _as_listed(i, each, givers[each.link.giver])
            for i, each in self._services.links().invitations().items()
            if _is_to(each.link, site)
            and each.link.giver in givers
            and may_give(givers[each.link.giver], each.link.sites)
        ]

    def withdraw(self, site: str | None, invitation_id: str) -> None:
        """Withdraw an invitation to this site, or (None) any."""
        found = self._services.links().invitations().get(invitation_id)
        if found is None or not _is_to(found.link, site):
            raise AccountError(
                "this invitation was used, or has expired", "reload the page"
            )
        self._services.links().withdraw(invitation_id)

    def invitation(self, site: str | None, role: Role | None) -> str:
        """The full address of a one-time link that gives a role."""
        if role is None:
            raise AccountError("an invitation is to a role", "choose one")
        link = Link(
            purpose=Purpose.INVITATION,
            role=role,
            sites=None if site is None else (site,),
            giver=self._services.guard.require().account.id,
            guest=" ".join(request.form.get("guest", "").split())[:LONGEST_GUEST],
        )
        secret = self._services.links().make(link)
        return self._services.guard.reached.link(f"/welcome/{secret}")

    def give(self, site: str | None, account_id: str, role: Role | None) -> None:
        """Give an account a role, or (None) take it away."""
        sites = None if site is None else [site]

        def decide(account: Account) -> Account:
            # The existence of accounts that are not on the page is not revealed.
            if not (self._owns_all() or role_at(account, site)):
                raise AccountError("nobody here has this account", "reload the page")
            return with_role(account, role, sites)

        self._services.accounts().change(account_id, decide)


def _is_to(link: Link, site: str | None) -> bool:
    return site is None or link.sites == (site,)


def _as_listed(
    invitation_id: str, invitation: Invitation, giver: Account
) -> OpenInvitation:
    link = invitation.link
    where = "all sites" if link.sites is None else ", ".join(link.sites)
    left = max(0, invitation.expires - int(time.time()))
    days = counted(-(-left // DAY_SECONDS), "day")
    return OpenInvitation(
        invitation_id, link.guest, f"{link.role} of {where}", giver.name, days
    )


def _role() -> Role | None:
    """The role that a form names. Raises AccountError."""
    text = request.form.get("role", "")
    if text not in (*Role, "none"):
        raise AccountError(f"{text[:100]!r} is no role", "choose one of the list")
    return None if text == "none" else Role(text)


def _path(site: str | None) -> str:
    return "/people" if site is None else f"/sites/{site}/people"
