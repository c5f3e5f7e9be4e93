"""The sections of a site's settings: who may open each, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, request
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError
from page_tracker.hits.client_address import ClientAddress
from page_tracker.people.roles import NEEDED, Deed
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from page_tracker.web.pages.guard import PageGuard
from page_tracker.web.pages.opening import elsewhere, named_site
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import render
from page_tracker.web.pages.site_page import home_of

if TYPE_CHECKING:  # Delta is loaded with the first that is looked for
    from page_tracker.upkeep.deletion_with_imports import CountedDeletion, SiteDeletion
    from page_tracker.upkeep.retention_preview import PreviewRetention


class Section(msgspec.Struct, frozen=True):
    """A page of the settings; `path` is below `/SITE/settings`."""

    path: str
    label: str
    deed: Deed


COUNTING = Section("", "Counting", Deed.SET_COUNTING)
GOALS = Section("/goals", "Goals and segments", Deed.KEEP_GOALS)
TOKENS = Section("/tokens", "Tokens", Deed.KEEP_TOKENS)
SHARING = Section("/sharing", "Sharing", Deed.GIVE_ROLES)
DELETION = Section("/deletion", "Deletion", Deed.DELETE)
OWN_VISITS = Section("/own-visits", "Don’t count me", Deed.READ)
SECTIONS = (COUNTING, GOALS, TOKENS, SHARING, DELETION, OWN_VISITS)


class SettingsServices(msgspec.Struct, frozen=True):
    """The guard, and what the settings change; each part is requested when needed."""

    guard: PageGuard
    sites: Callable[[], Sites]
    tokens: Callable[[], Tokens]
    # The address that the request comes from.
    seen: Callable[[], ClientAddress]
    preview_retention: PreviewRetention
    # By site, page, first and last day, as a person wrote them.
    hits_deletion: Callable[[str, str | None, str | None, str | None], CountedDeletion]
    site_deletion: Callable[[str], SiteDeletion]

    def admitted(self, name: str, deed: Deed) -> Site:
        """The site as it is now, if the person may do this with it.

        Raises SignInFirst, NotAllowed.
        """
        self.guard.require()
        found = named_site(self.sites(), name)
        if found is None:
            raise no_such_site()
        self.guard.admit(NEEDED[deed], found.id)
        return self.sites().get(found.id)

    def opened(
        self,
        name: str,
        section: Section,
        page: Callable[[Site], Response],
        below: str = "",
    ) -> ResponseReturnValue:
        """A section's page, at its one address."""
        site = self.admitted(name, section.deed)
        moved = elsewhere(site, f"/settings{section.path}{below}")
        return moved or page(site)


def shown(
    site: Site, section: Section, template: str, status: int = 200, **context: Any
) -> Response:
    """A page of a section."""
    return render(
        f"settings/{template}",
        status,
        site=site,
        home=home_of(site.id),
        action=f"/sites/{site.id}/settings",
        section=section,
        sections=SECTIONS,
        **context,
    )


def sent(name: str) -> str:
    """A form's field; line ends are \\n."""
    # For a checkbox the last value counts: its value when unticked comes before it.
    texts = request.form.getlist(name)
    return "\n".join(texts[-1].splitlines()).strip() if texts else ""


def at_field(error: SiteError) -> str:
    """What is wrong, to be shown beside the field."""
    problem = error.problem.removeprefix(f"{error.field}: ")
    return f"{problem[:1].upper()}{problem[1:]}: {error.remedy}."
