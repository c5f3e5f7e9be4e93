"""`/share/example.org?auth=…`: a link that shows a site's page to whoever has it.

It leads to the page itself: its secret is kept in a cookie until the browser closes, so
it stands in no other address.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from page_tracker.sites.shared_link import opens
from page_tracker.store.sites import Sites
from page_tracker.web.pages.error_pages import NoSuchPage
from page_tracker.web.pages.guard import PageGuard, open_to_anybody
from page_tracker.web.pages.render import to, unkept
from page_tracker.web.pages.site_page import home_of


def register_shared(
    blueprint: Blueprint, sites: Callable[[], Sites], guard: PageGuard
) -> None:
    """The route."""

    @blueprint.get("/share/<name>")
    @open_to_anybody
    def share(name: str) -> Response:
        """Let a guest in, to this site's page alone."""
        site, secret = sites().look_again().resolve(name), request.args.get("auth", "")
        if site is None or not opens(site.shared_links, [secret]):
            raise NoSuchPage(
                "This link shows nothing",
                "It is not complete, or it was revoked: ask for another one.",
            )
        return unkept(guard.let_guest_in(to(home_of(site.id)), secret))
