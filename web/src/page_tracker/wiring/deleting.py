"""What deletes: hits, and whole sites."""

import time
from functools import partial

from page_tracker.days import date_of
from page_tracker.history.register import Register
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.sites.annotation import with_annotation
from page_tracker.sites.site import Site
from page_tracker.store.accounts import Accounts
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.upkeep.deletion_preview import preview_deletion
from page_tracker.upkeep.deletion_with_imports import (
    CountedDeletion,
    HitsDeletion,
    SiteDeletion,
)
from page_tracker.upkeep.recount import Recount
from page_tracker.upkeep.retention_preview import (
    PreviewRetention,
    RetentionPreview,
    preview_retention,
)
from page_tracker.wiring.history import Unwatched, open_imports
from page_tracker.wiring.lake import open_lake, open_writers
from page_tracker.wiring.register import open_register
from page_tracker.wiring.store import open_annotations, open_people, open_streams
from page_tracker.wiring.upkeep import open_recount
from page_tracker.writer.service import reporting_lake_failures


def open_hits_deletion(
    settings: Settings, registry: Registry, selection: Selection
) -> CountedDeletion:
    """Open the deletion of some hits from lake and store, counted as they are now.

    Raises LakeError, StreamAwayError.
    """
    imports = open_imports(settings, registry.redis, Unwatched())
    sites, lake = Sites(registry), open_lake(settings)
    deletion = Deletion(
        selection,
        lake,
        open_writers(settings, lake),
        _open_store_deletion(settings, registry),
        partial(
            _recount,
            open_recount(settings, lake),
            imports.register,
            sites.directory().by_id.get(selection.site, Site(id=selection.site)),
        ),
    )
    with reporting_lake_failures():
        preview = preview_deletion(selection, lake, open_streams(settings), time.time())
    note = partial(_note_deletion, _annotations(settings, registry), selection)
    return CountedDeletion(preview, HitsDeletion(deletion, imports, sites, note))


def open_site_deletion(
    settings: Settings, registry: Registry, domain: str
) -> SiteDeletion:
    """Open the deletion of a site."""
    store_deletion, lake = _open_store_deletion(settings, registry), open_lake(settings)

    def deletion_of(site: str) -> Deletion:
        writers = open_writers(settings, lake)

        def forget() -> None:
            store_deletion.remove_site(site)
            Accounts(open_people(settings, registry.redis)).forget_site(site)
            _annotations(settings, registry).forget(site)

        return Deletion(Selection(site), lake, writers, store_deletion, forget)

    register = open_register(settings)
    return SiteDeletion(domain, deletion_of, store_deletion, register, Sites(registry))


def open_retention_preview(settings: Settings) -> PreviewRetention:
    """Open the search for hits that a site's retention would delete.

    Calling it raises LakeError.
    """
    lake = open_lake(settings)

    def find(site: Site, now: float) -> RetentionPreview | None:
        with reporting_lake_failures():
            return preview_retention(lake, site, now)

    return find


def _open_store_deletion(settings: Settings, registry: Registry) -> StoreDeletion:
    return StoreDeletion(registry.redis, range(settings.shards))


def _annotations(settings: Settings, registry: Registry) -> AnnotationStore:
    return AnnotationStore(open_annotations(settings, registry.redis))


def _note_deletion(
    annotations: AnnotationStore, selection: Selection, hits: int, today: int
) -> None:
    """Annotate the first day of a deletion; what was deleted is not named again."""
    first, last = selection.first, selection.last
    day = next((each for each in (first, last) if each is not None), today)
    of = "of one page " if selection.path is not None else ""
    days = [f"from {date_of(first)}"] if first is not None else []
    days += [f"to {date_of(last)}"] if last is not None else []
    text = f"{counted(hits, 'hit')} {of}deleted on {date_of(today)}"
    said = {"date": str(date_of(day)), "text": ", ".join([text, *days])}
    annotations.change(selection.site, lambda known: with_annotation(known, said, ""))


def _recount(recount: Recount, register: Register, site: Site) -> None:
    register.note_left(recount.recount(site))
