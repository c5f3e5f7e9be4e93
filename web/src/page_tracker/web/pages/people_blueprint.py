"""The blueprint of the pages about people: who may sign in, and with which role."""

from __future__ import annotations

from flask import Blueprint, request

from page_tracker.hits.facts import Lookups
from page_tracker.hits.hit import MAX_USER_AGENT
from page_tracker.web.pages.demonstration_routes import register_demonstration
from page_tracker.web.pages.first_site import register_first_site
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.import_routes import register_imports
from page_tracker.web.pages.one_account import register_one_account
from page_tracker.web.pages.own_account import register_own_account
from page_tracker.web.pages.people import register_people
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.sign_in import register_sign_in
from page_tracker.web.pages.welcome import register_welcome


def people_pages(services: PeopleServices) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("people", __name__)
    for register in (
        register_sign_in,
        register_welcome,
        register_own_account,
        register_first_site,
        register_demonstration,
        register_imports,
        register_people,
        register_one_account,
    ):
        register(blueprint, services)
    return blueprint


def closed(blueprint: Blueprint, guard: PageGuard) -> Blueprint:
    """The blueprint, whose pages need a person."""
    guard.protect(blueprint)
    return blueprint


def browser_name(lookups: Lookups) -> str:
    """The browser and the system that sent the request, for the list of sessions.

    No address and no full user agent is stored.
    """
    client = lookups.client_of(_user_agent())
    named = " on ".join(name for name in (client.browser, client.os) if name)
    return named or "an unknown browser"


def bot_name(lookups: Lookups) -> str:
    """The bot that the request's browser is taken for; empty if it is a person's."""
    bot = lookups.bot_of(_user_agent())
    return bot.label if bot else ""


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")[:MAX_USER_AGENT]
