"""What deletes: hits, and whole sites."""

from functools import partial

from page_tracker.history.register import Register
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.accounts import Accounts
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.store_deletion import Removal
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.upkeep.deletion_preview import Chosen, chosen
from page_tracker.upkeep.deletion_with_imports import HitsEraser, SiteEraser
from page_tracker.upkeep.recount import Recount
from page_tracker.upkeep.retention_preview import Expiring, FindExpiring, expiring
from page_tracker.wiring.history import Unwatched, open_imports
from page_tracker.wiring.lake import (
    open_lake,
    open_recount,
    open_streams,
    open_writers,
)
from page_tracker.wiring.store import open_people
from page_tracker.writer.service import told_plainly


def open_hits_eraser(
    settings: Settings, registry: Registry, selection: Selection
) -> HitsEraser:
    """Open the deletion of some hits from lake and store."""
    imports = open_imports(settings, registry.redis, Unwatched())
    sites, lake = Sites(registry), open_lake(settings)
    deletion = Deletion(
        selection,
        lake,
        open_writers(settings, lake),
        _open_removal(settings, registry),
        partial(
            _recount,
            open_recount(settings, lake),
            imports.register,
            sites.directory().by_id.get(selection.site, Site(id=selection.site)),
        ),
    )
    return HitsEraser(deletion, imports, sites)


def open_site_eraser(settings: Settings, registry: Registry, domain: str) -> SiteEraser:
    """Open the removal of a site."""
    removal, lake = _open_removal(settings, registry), open_lake(settings)

    def deletion_of(site: str) -> Deletion:
        writers = open_writers(settings, lake)

        def forget() -> None:
            removal.remove_site(site)
            Accounts(open_people(settings, registry.redis)).forget_site(site)

        return Deletion(Selection(site), lake, writers, removal, forget)

    register = Register(settings.data / "imports")
    return SiteEraser(domain, deletion_of, removal, register, Sites(registry))


def what_is_chosen(settings: Settings, selection: Selection) -> Chosen:
    """What a deletion would delete; deletes nothing."""
    return chosen(selection, open_lake(settings), open_streams(settings))


def open_expiring(settings: Settings) -> FindExpiring:
    """Open the search for hits that a site's retention would delete.

    Calling it raises LakeError.
    """
    lake = open_lake(settings)

    def find(site: Site, now: float) -> Expiring | None:
        with told_plainly():
            return expiring(lake, site, now)

    return find


def _open_removal(settings: Settings, registry: Registry) -> Removal:
    return Removal(registry.redis, range(settings.shards))


def _recount(recount: Recount, register: Register, site: Site) -> None:
    register.note_left(recount.recount(site))
