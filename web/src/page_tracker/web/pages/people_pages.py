"""The blueprint of the pages about people: who may come in, and as what."""

from __future__ import annotations

from flask import Blueprint, request

from page_tracker.hits.facts import Lookups
from page_tracker.protocols.sender import USER_AGENT_LIMIT
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.own_account import register_own_account
from page_tracker.web.pages.parts import Parts
from page_tracker.web.pages.sign_in import register_sign_in
from page_tracker.web.pages.welcome import register_welcome


def people_pages(parts: Parts) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("people", __name__)
    for register in (register_sign_in, register_welcome, register_own_account):
        register(blueprint, parts)
    return blueprint


def closed(blueprint: Blueprint, guard: PageGuard) -> Blueprint:
    """The blueprint, whose pages need a person."""
    guard.protect(blueprint)
    return blueprint


def browser_name(lookups: Lookups) -> str:
    """The browser and the system that have sent the request, as sessions are listed.

    No address and no whole user agent is written down.
    """
    client = lookups.client_of(request.headers.get("User-Agent", "")[:USER_AGENT_LIMIT])
    named = " on ".join(name for name in (client.browser, client.os) if name)
    return named or "an unknown browser"
