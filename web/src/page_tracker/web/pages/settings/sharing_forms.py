"""`/SITE/settings/sharing`: links that show the site's page to whoever has one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError
from page_tracker.people.roles import Deed
from page_tracker.sites.shared_link import (
    MAX_NAME,
    SharedLink,
    new_link,
    path_of,
    with_link,
    without_link,
)
from page_tracker.sites.site import Site
from page_tracker.web.pages.render import unkept
from page_tracker.web.pages.settings.section import (
    SHARING,
    SettingsServices,
    at_field,
    sent,
    shown,
)


class Listed(NamedTuple):
    """A link in the list: what it is called, its whole address, and since when."""

    name: str
    address: str
    since: str


def register_sharing(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes."""
    page = partial(_page, services)

    @blueprint.get("/<domain:name>/settings/sharing")
    @blueprint.get("/sites/<name>/settings/sharing")
    def show_sharing(name: str) -> ResponseReturnValue:
        return services.opened(name, SHARING, page)

    @blueprint.post("/sites/<name>/settings/sharing")
    def share_page(name: str) -> Response:
        site, typed = services.admitted(name, Deed.GIVE_ROLES), sent("name")
        try:
            made = new_link(typed, int(time.time()))
            put = services.sites().put_shared_links
            return page(put(site.id, lambda links: with_link(links, made)))
        except SiteError as error:
            return page(site, typed=typed, wrong=at_field(error))

    @blueprint.post("/sites/<name>/settings/sharing/revoke")
    def revoke(name: str) -> Response:
        site, link = services.admitted(name, Deed.GIVE_ROLES), sent("name")
        put = services.sites().put_shared_links
        after = put(site.id, lambda links: without_link(links, link))
        return page(after, [f"The link {link} shows nothing any more."])


def _page(
    services: SettingsServices,
    site: Site,
    done: Sequence[str] = (),
    *,
    typed: str = "",
    wrong: str = "",
) -> Response:
    def listed(link: SharedLink) -> Listed:
        since = f"{datetime.fromtimestamp(link.created, UTC):%Y-%m-%d}"
        address = services.guard.reached.link(path_of(site.id, link))
        return Listed(link.name, address, since)

    return unkept(
        shown(
            site,
            SHARING,
            "sharing.html",
            400 if wrong else 200,
            links=[listed(each) for each in site.shared_links],
            longest=MAX_NAME,
            typed=typed,
            wrong=wrong,
            done=done,
        )
    )
