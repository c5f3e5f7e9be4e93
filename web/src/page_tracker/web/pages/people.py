"""`/people`, `/sites/<name>/people`: who has a role for all sites, or for one."""

from __future__ import annotations

from flask import Blueprint, Response, request

from page_tracker.errors import AccountError
from page_tracker.people.account import Account, role_at, with_role
from page_tracker.people.one_time import LIFETIMES, Link, Purpose
from page_tracker.people.roles import Role
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import render, to, unkept

DAY_SECONDS = 24 * 60 * 60


def register_people(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes; each is there for all sites and for a single one."""
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


class _People:
    """Who has a role for a site, or (None) for all of them."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def admitted(self, name: str | None) -> str | None:
        """The id of the site, which the person owns; None where they own all."""
        if name is None:
            self._services.guard.admit(Role.OWNER, None)
            return None
        self._services.guard.require()
        site = self._services.sites().look_again().resolve(name)
        if site is None:
            raise no_such_site()
        self._services.guard.admit(Role.OWNER, site.id)
        return site.id

    def page(self, site: str | None, link: str = "") -> Response:
        accounts = self._services.accounts().all()
        page = render(
            "people.html",
            site=site,
            path=_path(site),
            people=[
                (each, role_at(each, site)) for each in accounts if _is_in(each, site)
            ],
            roles=list(Role),
            link=link,
            days=LIFETIMES[Purpose.INVITATION] // DAY_SECONDS,
        )
        return unkept(page) if link else page

    def invitation(self, site: str | None, role: Role | None) -> str:
        """The whole address of a one-time link that gives a role."""
        if role is None:
            raise AccountError("an invitation is to a role", "choose one")
        link = Link(
            purpose=Purpose.INVITATION,
            role=role,
            sites=None if site is None else (site,),
            giver=self._services.guard.require().account.id,
        )
        secret = self._services.links().make(link)
        return self._services.guard.reached.link(f"/welcome/{secret}")

    def give(self, site: str | None, account_id: str, role: Role | None) -> None:
        """Give an account a role, or (None) take it away."""
        sites = None if site is None else [site]

        def decide(account: Account) -> Account:
            # Of others than those on the page it is not told that they are there.
            if not _is_in(account, site):
                raise AccountError("nobody here has this account", "load the page anew")
            return with_role(account, role, sites)

        self._services.accounts().change(account_id, decide)


def _is_in(account: Account, site: str | None) -> bool:
    return role_at(account, site) is not None


def _role() -> Role | None:
    """The role that a form names; raises AccountError."""
    text = request.form.get("role", "")
    if text not in (*Role, "none"):
        raise AccountError(f"{text[:100]!r} is no role", "choose one of the list")
    return None if text == "none" else Role(text)


def _path(site: str | None) -> str:
    return "/people" if site is None else f"/sites/{site}/people"
