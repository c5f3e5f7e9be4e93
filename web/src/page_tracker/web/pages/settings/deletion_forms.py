"""`/SITE/settings/deletion`: retention, hits and the site itself, after a warning.

what is meant → how many hits would go → their number, retyped by the person → gone
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError
from page_tracker.people.roles import Deed
from page_tracker.plural import counted
from page_tracker.sites.setting_changes import told_changes
from page_tracker.sites.settings import SETTINGS, changed_site
from page_tracker.sites.site import Site
from page_tracker.web.pages.render import render
from page_tracker.web.pages.settings.counting_forms import label
from page_tracker.web.pages.settings.section import (
    DELETION,
    SettingsServices,
    at_field,
    sent,
    shown,
)
from page_tracker.web.retention_agreement import WouldDelete, require_agreed

if TYPE_CHECKING:
    from page_tracker.upkeep.deletion_with_imports import CountedDeletion

RETENTION = "retention_days"
SELECTION = ("path", "from", "to")
NOT_THE_NUMBER = "This is not their number."


def register_deletion(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes."""
    _register_retention(blueprint, services)
    _register_hits(blueprint, services)
    _register_removal(blueprint, services)


def _register_retention(blueprint: Blueprint, services: SettingsServices) -> None:
    @blueprint.get("/<domain:name>/settings/deletion")
    @blueprint.get("/sites/<name>/settings/deletion")
    def show_deletion(name: str) -> ResponseReturnValue:
        return services.opened(name, DELETION, _page)

    @blueprint.post("/sites/<name>/settings/deletion/retention")
    def set_retention(name: str) -> Response:
        """Change how long hits are kept; what that deletes is shown first."""
        site = services.admitted(name, Deed.DELETE)
        said, now = {RETENTION: sent(RETENTION)}, time.time()
        try:
            wanted = changed_site(site, said, int(now))
            require_agreed(services.preview_retention, wanted, now, _agreed())
        except SiteError as error:
            return _page(site, typed=said, error=error)
        except WouldDelete as would:
            wrong = NOT_THE_NUMBER if "agreed" in request.form else ""
            return _page(site, typed=said, going=would.going, wrong_number=wrong)
        who = services.guard.require().name
        after = services.sites().change(site.id, said, by=who)
        return _page(after, list(told_changes(site, after, said, label)))


def _register_hits(blueprint: Blueprint, services: SettingsServices) -> None:
    @blueprint.get("/<domain:name>/settings/deletion/hits")
    @blueprint.get("/sites/<name>/settings/deletion/hits")
    def count_hits(name: str) -> ResponseReturnValue:
        """How many hits of a page, or of some days, would be deleted."""

        def page(site: Site) -> Response:
            return _hits(services, site, request.args)

        return services.opened(name, DELETION, page, "/hits")

    @blueprint.post("/sites/<name>/settings/deletion/hits")
    def delete_hits(name: str) -> Response:
        site = services.admitted(name, Deed.DELETE)
        chosen = _chosen(services, site, request.form)
        if not chosen.preview.is_meant_by(_agreed()):
            return _hits(services, site, request.form)
        deleted = chosen.run(current_app.logger.debug)
        return _page(site, [f"{counted(deleted, 'hit')} of {chosen.name} went."])


def _register_removal(blueprint: Blueprint, services: SettingsServices) -> None:
    @blueprint.get("/<domain:name>/settings/deletion/site")
    @blueprint.get("/sites/<name>/settings/deletion/site")
    def count_site(name: str) -> ResponseReturnValue:
        """What would be deleted with the site."""
        return services.opened(name, DELETION, partial(_removal, services), "/site")

    @blueprint.post("/sites/<name>/settings/deletion/site")
    def remove_site(name: str) -> Response:
        """Remove a site and all of its hits; answers once they are gone."""
        site = services.admitted(name, Deed.DELETE)
        chosen = services.hits_deletion(site.id, None, None, None)
        if not chosen.preview.is_meant_by(_agreed()):
            return _removal(services, site)
        services.site_deletion(site.id).run(current_app.logger.debug)
        return render(
            "problem.html",
            title=f"{site.id} is gone",
            sentences=(
                f"{counted(chosen.preview.hits, 'hit')} went with it, for good.",
                "Its pages may still have the line that counts: take it out of them.",
            ),
        )


def _hits(services: SettingsServices, site: Site, said: Mapping[str, str]) -> Response:
    """What a selection of hits would delete, and the form that does it."""
    typed = {field: said.get(field, "").strip() for field in SELECTION}
    try:
        chosen = _chosen(services, site, typed)
    except SiteError as error:
        return _page(site, typed=typed, error=error)
    return _counted(
        site,
        chosen,
        title="Delete these hits?",
        lines=chosen.lines(),
        what="hits",
        typed=typed,
        is_any=bool(chosen),
        button="Delete them for good",
    )


def _removal(services: SettingsServices, site: Site) -> Response:
    """What would be deleted with a site, and the form that does it."""
    chosen = services.hits_deletion(site.id, None, None, None)
    number = counted(chosen.preview.hits, "hit")
    return _counted(
        site,
        chosen,
        title="Remove the site?",
        lines=[
            f"{site.id} and its {number} in the lake would go, for good.",
            "So would its goals and segments, and the tokens and roles that are for it"
            " alone. Its imports are forgotten: its logs may be imported again.",
        ],
        what="site",
        typed={},
        is_any=True,
        button="Remove the site for good",
    )


def _chosen(
    services: SettingsServices, site: Site, said: Mapping[str, str]
) -> CountedDeletion:
    """The hits that a form selects. Raises SiteError."""
    path, first, last = (said.get(field, "").strip() or None for field in SELECTION)
    return services.hits_deletion(site.id, path, first, last)


def _agreed() -> int | None:
    """The number that a person has retyped, as people write it; else None."""
    digits = "".join(sent("agreed").replace(",", "").split())
    if digits.isascii() and digits.isdecimal() and len(digits) < 20:
        return int(digits)
    return None


def _counted(site: Site, chosen: CountedDeletion, **context: Any) -> Response:
    is_wrong = request.method == "POST"
    return shown(
        site,
        DELETION,
        "chosen.html",
        409 if is_wrong else 200,
        number=chosen.preview.hits,
        wrong_number=NOT_THE_NUMBER if is_wrong else "",
        error=is_wrong,
        **context,
    )


def _page(  # pylint: disable=too-many-arguments # each is shown
    site: Site,
    done: Sequence[str] = (),
    *,
    typed: Mapping[str, str] | None = None,
    error: SiteError | None = None,
    going: object = None,
    wrong_number: str = "",
) -> Response:
    kept = "all" if site.retention_days is None else str(site.retention_days)
    fields = {**dict.fromkeys(SELECTION, ""), RETENTION: kept, **(typed or {})}
    return shown(
        site,
        DELETION,
        "deletion.html",
        400 if error else 409 if going else 200,
        done=done,
        typed=fields,
        error=error,
        at_field=at_field(error) if error else "",
        going=going,
        wrong_number=wrong_number,
        retention_hint=SETTINGS[RETENTION].help,
    )
