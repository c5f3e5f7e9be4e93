"""The demonstration: a site with a real log, created and removed by one command.

    site added → its log moved to the last weeks → imported, like any log

It is complete once its import is. What a killed process has left is removed before it
is created again, so that it exists once or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from page_tracker.errors import UnknownSiteError
from page_tracker.files import exclusive_lock
from page_tracker.history.demonstration_log import lines_until
from page_tracker.history.imports import Imports, Order
from page_tracker.sites.demonstration import (
    DOMAIN,
    demonstration,
    found_demonstration,
)
from page_tracker.sites.site import Directory, Site
from page_tracker.store.sites import Sites
from page_tracker.upkeep.deletion_with_imports import SiteDeletion


class Demonstration:
    """The demonstration of a data folder; `open_deletion` opens what removes it.

    All methods raise SiteExistsError if its name is that of another site, or of another
    site's host, and what a site's removal raises.
    """

    def __init__(
        self,
        sites: Sites,
        imports: Imports,
        lookups: Path,
        open_deletion: Callable[[], SiteDeletion],
    ) -> None:
        self._sites = sites
        self._imports = imports
        self._lookups = lookups
        self._open_deletion = open_deletion

    def make(self, now: float) -> Site:
        """The existing one; else a new one whose days end `now` (UTC, seconds).

        Raises as an import.
        """
        with self._alone() as known:
            return known if known and self._is_whole() else self._replace(now)

    def renew(self, now: float) -> Site:
        """A new one whose days end `now`, replacing the existing one."""
        with self._alone():
            return self._replace(now)

    def remove(self) -> int | None:
        """Remove it completely: how many hits were deleted; None if there was none."""
        with self._alone():
            return self._erase()

    @contextmanager
    def _alone(self) -> Iterator[Site | None]:
        """Wait until no other process creates or removes it; yields the current one."""
        folder = self._imports.register.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive_lock(folder / "demonstration.lock"):
            yield found_demonstration(Directory(self._sites.all()))

    def _is_whole(self) -> bool:
        imported = self._imports.register.present(DOMAIN)
        return any(each.state == "done" for each in imported)

    def _replace(self, now: float) -> Site:
        self._erase()
        site = self._sites.put_in(demonstration(int(now)))
        with TemporaryDirectory() as folder:
            log = Path(folder) / "demonstration.log"
            log.write_text("".join(lines_until(datetime.fromtimestamp(now, UTC))))
            order = Order(site, [str(log)])
            self._imports.run(order, self._lookups, self._sites.all())
        return site

    def _erase(self) -> int | None:
        deletion = self._open_deletion()
        try:
            hits = deletion.count()
        except UnknownSiteError:
            return None
        deletion.run(lambda _line: None)
        return hits
