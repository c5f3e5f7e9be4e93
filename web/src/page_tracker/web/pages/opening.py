"""How each page of a site is opened: by whom, at which address, in which view."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flask import Response, abort, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from page_tracker.people.roles import Role
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.web.pages.forms import meant
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import HEADERS
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.view import View, read, written

KINDS = {"csv": "text/csv", "json": "application/json"}


class Opened(NamedTuple):
    """What an address asks for: a site, how it is to be shown, and what in it is
    invalid."""

    site: Site
    view: View
    problems: tuple[str, ...]


# By a site's name as it was written, and what follows it in the address.
Open = Callable[[str, str], Opened]


def opening(admitted: Callable[[str], Site]) -> Open:
    """Opens pages of the sites that a person is admitted to."""

    def opened(name: str, rest: str) -> Opened:
        """Sends browsers to the one address of a page, and of what a form describes.

        Raises as `admitted`, and HTTPException, with where the page is.
        """
        site = admitted(name)
        if moved := elsewhere(site, rest):
            abort(moved)
        view, problems, is_form = said()
        if is_form and not problems:
            abort(redirect(home_of(site.id) + rest + written(view), 303))
        return Opened(site, view, problems)

    return opened


def admission(sites: Callable[[], Sites], guard: PageGuard) -> Callable[[str], Site]:
    """Admits people to the sites that they have a role for."""

    def admitted(name: str) -> Site:
        """The site with that name, if the person may see it. Raises NotAllowed."""
        found = named_site(sites(), name)
        if found is None:
            guard.require()  # who has not signed in is told nothing of sites
            raise no_such_site()
        guard.admit(Role.VIEWER, found.id)
        return found

    return admitted


def said() -> tuple[View, tuple[str, ...], bool]:
    """The view that the request's address, or a form, describes."""
    pairs = list(request.args.items(multi=True))
    known = meant(pairs)
    return (*read(known), known != pairs)


def named_site(sites: Sites, name: str) -> Site | None:
    """The site with that name, as if it were created just now."""
    return sites.directory().resolve(name) or sites.look_again().resolve(name)


def elsewhere(site: Site, rest: str) -> BaseResponse | None:
    """Redirect to the one address that a site's page has, from all others."""
    wanted = home_of(site.id) + rest
    if request.path == wanted:
        return None
    query = request.query_string.decode("latin-1")
    return redirect(f"{wanted}?{query}" if query else wanted, 308)


def as_file(text: str, name: str, ending: str) -> Response:
    """A file that browsers save."""
    response = Response(text, mimetype=KINDS[ending])
    response.headers.update(HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response
