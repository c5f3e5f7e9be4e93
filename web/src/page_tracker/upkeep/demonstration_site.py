"""The demonstration: a site of a real log, made and taken away by one command.

    site added → its log moved to the last weeks → imported, as any log is

It is whole once its import is. What a killed process has left is taken away before it
is made anew, so that it is there once or not at all.
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

    All of it raises SiteExistsError where its name is that of a site, or of a site's
    host, and what a site's removal does.
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
        """The one that there is; else one whose days end `now` (UTC, seconds).

        Raises what an import does.
        """
        with self._alone() as known:
            return known if known and self._is_whole() else self._make_anew(now)

    def renew(self, now: float) -> Site:
        """One whose days end `now`, in the place of the one that there is."""
        with self._alone():
            return self._make_anew(now)

    def remove(self) -> int | None:
        """Take it away wholly: how many hits went, or None where nothing was there."""
        with self._alone():
            return self._erase()

    @contextmanager
    def _alone(self) -> Iterator[Site | None]:
        """Wait until nobody else makes or removes it; yields what there is then."""
        folder = self._imports.register.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive_lock(folder / "demonstration.lock"):
            yield found_demonstration(Directory(self._sites.all()))

    def _is_whole(self) -> bool:
        imported = self._imports.register.present(DOMAIN)
        return any(each.state == "done" for each in imported)

    def _make_anew(self, now: float) -> Site:
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
