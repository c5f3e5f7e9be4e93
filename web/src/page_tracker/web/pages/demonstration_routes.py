"""`/sites/demo`: a site to look at before one has one's own, and its removal."""

from __future__ import annotations

from flask import Blueprint, Response

from page_tracker.people.roles import Role
from page_tracker.sites.demonstration import DOMAIN, found_demonstration
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.render import to
from page_tracker.web.pages.site_page import home_of


def register_demonstration(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes; if another site has the name, nothing is begun."""

    def run(*options: str) -> None:
        services.guard.admit(Role.OWNER, None)
        found_demonstration(services.sites().look())
        services.run_command("demo", *options)

    @blueprint.post("/sites/demo")
    def make_demonstration() -> Response:
        run()
        return to(home_of(DOMAIN))

    @blueprint.post("/sites/demo/renew")
    def renew_demonstration() -> Response:
        run("--renew")
        return to(home_of(DOMAIN))

    @blueprint.post("/sites/demo/remove")
    def remove_demonstration() -> Response:
        run("--remove")
        return to("/sites")
