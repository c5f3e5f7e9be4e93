"""Deleting hits, or a whole site, together with the records of its imports.

    hits   unfinished imports are finished → deleted → the register notes how many views
           of each import remain; their lines stay known, and never come back
    site   taken out of the registry → collectors have sent off what they had → its
           imports are forgotten, so that its logs may be imported again → deleted

No import runs meanwhile. If it is stopped halfway, running it again finishes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deltalake.exceptions import DeltaError

from page_tracker.days import last_day, utc_day
from page_tracker.errors import LakeError
from page_tracker.history.imports import Imports
from page_tracker.history.register import Register
from page_tracker.sites.site import Directory, bare_host
from page_tracker.store.sites import Sites
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.upkeep.deletion import Deletion
from page_tracker.upkeep.deletion_preview import DeletionPreview, lines_of, named
from page_tracker.writer.service import one_line, reporting_lake_failures

# Until every collector knows that a site is gone, and has sent what it had.
FORGET_SECONDS = 3.0

Say = Callable[[str], None]


class HitsDeletion:
    """Deletes the selected hits."""

    def __init__(
        self,
        deletion: Deletion,
        imports: Imports,
        sites: Sites,
        note: Callable[[int, int], None],
    ) -> None:
        """`note` receives how many hits were deleted, and the day since 1970 (UTC)."""
        self.deletion = deletion
        self._note = note
        self._imports = imports
        self._sites = sites

    def run(self, say: Say) -> int:
        """Delete; returns how many hits were deleted.

        Raises ImportsBusyError, ImportRefusedError (nothing was deleted), LakeError
        (something was), RedisError, LogNotRewrittenError.
        """
        with self._imports.register.locked(), _told_half_done("the deletion"):
            self._imports.finish(self._sites.all())
            chosen = self.deletion.selection
            if chosen.path is None:
                self._imports.register.forget_drops(chosen.site, chosen.has_day)
            deleted = self.deletion.run(last_day(time.time()), say)
            if deleted:
                self._note(deleted, utc_day(time.time()))
            return deleted

    def finish(self, say: Say) -> int:
        """Finish an interrupted deletion when nothing is selected any more.

        No open visit ends for it. Raises as `run`.
        """
        with self._imports.register.locked():
            self._imports.finish(self._sites.all())
            return self.deletion.finish(last_day(time.time()), say)


class CountedDeletion:
    """A deletion of hits, and how many there were when it was opened."""

    def __init__(self, preview: DeletionPreview, deletion: HitsDeletion) -> None:
        self.preview = preview
        self._deletion = deletion
        self._selection = deletion.deletion.selection

    def __bool__(self) -> bool:
        return any(self.preview)

    @property
    def name(self) -> str:
        """Which hits, in words."""
        return named(self._selection)

    def lines(self) -> list[str]:
        """What would be deleted, sentence by sentence."""
        return list(lines_of(self._selection, self.preview))

    def run(self, say: Say) -> int:
        """Delete them, or finish that; returns how many were deleted.

        Raises as `HitsDeletion.run`.
        """
        return (self._deletion.run if self else self._deletion.finish)(say)


class SiteDeletion:
    """Removes a site, or finishes that."""

    def __init__(
        self,
        domain: str,
        deletion_of: Callable[[str], Deletion],
        store: StoreDeletion,
        register: Register,
        sites: Sites,
    ) -> None:
        known = Directory(sites.all()).resolve(domain)
        self.site = known.id if known else bare_host(domain)
        self._is_known = known is not None
        self._domain = domain
        self._deletion = deletion_of(self.site)
        self._store = store
        self._register = register
        self._sites = sites

    def count(self) -> int:
        """How many hits in the lake would be deleted.

        Raises UnknownSiteError if there is neither the site nor anything left of it,
        LakeError.
        """
        with reporting_lake_failures():
            number = self._deletion.count()
        if not (self._is_known or number or self._store.is_begun(self.site)):
            self._sites.get(self._domain)
        return number

    def run(self, say: Say) -> None:
        """Remove the site.

        Raises ImportsBusyError (nothing was removed), LakeError (something was),
        RedisError, LogNotRewrittenError.
        """
        with self._register.locked(), _told_half_done(f"removing {self.site}"):
            self._store.begin(self.site)
            if self._is_known:
                self._sites.remove(self.site)
                time.sleep(FORGET_SECONDS)
            self._register.forget(self.site)
            self._deletion.run(last_day(time.time()), say)
            self._store.end(self.site)


@contextmanager
def _told_half_done(what: str) -> Iterator[None]:
    """Raise LakeError if the lake stops `what` halfway."""
    try:
        yield
    except (DeltaError, OSError, LakeError) as error:
        raise LakeError(
            f"{what} was stopped half-way ({one_line(error)})",
            "check that the lake is there, whole and has room; the same once more"
            " finishes it",
        ) from error
