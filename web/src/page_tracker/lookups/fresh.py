"""Lookups that follow their files, so that an update needs no restart."""

from __future__ import annotations

import logging
from pathlib import Path

from page_tracker.hits.facts import Lookups
from page_tracker.lookups.load import (
    load,
)

log = logging.getLogger(__name__)

# Which files a folder has, and of each its time, size and number.
Stamps = frozenset[tuple[str, int, int, int]]


class FreshLookups:
    """The lookups of a folder; `now` are the newest that were loaded.

    Safe to use from many threads, of which one looks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps = _stamps(folder)
        self.now: Lookups = load(folder)

    def look(self) -> None:
        """Load them anew where files are others than before, which takes half a second.

        Raises OSError where that cannot be seen.
        """
        stamps = _stamps(self._folder)
        if stamps != self._stamps:
            self.now = load(self._folder)
            self._stamps = stamps
            log.info("The lookups in %s are used from now on", self._folder)


def _stamps(folder: Path) -> Stamps:
    """What tells a file from one that took its place; unfinished ones have a dot."""
    found = ((path.name, path.stat()) for path in folder.glob("[!.]*"))
    return frozenset(
        (name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in found
    )
