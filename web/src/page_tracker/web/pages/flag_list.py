"""`/flags`: what is turned on for whom, and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from page_tracker.people.roles import Role
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.render import render

if TYPE_CHECKING:  # OpenFeature is loaded with the first page that asks
    from page_tracker.flags.provider import Flags


def register_flags(
    blueprint: Blueprint, flags: Callable[[], Flags], guard: PageGuard
) -> None:
    """The route, for owners of all sites."""

    @blueprint.get("/flags")
    def show_flags() -> Response:
        """Every flag, for a person at a site where these are named."""
        # pylint: disable-next=import-outside-toplevel # it loads OpenFeature
        from page_tracker.flags.listing import listed

        guard.admit(Role.OWNER, None)
        person, site = (request.args.get(name, "") for name in ("person", "site"))
        opened, today = flags(), datetime.now(UTC).date()
        return render(
            "flags.html",
            lines=listed(opened, person, site, today),
            wanted={"person": person, "site": site},
            path=opened.file.path,
            wrong=opened.problem(),
        )
