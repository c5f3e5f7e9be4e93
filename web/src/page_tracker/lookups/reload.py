"""Lookups that follow their files, so that an update needs no restart."""

from __future__ import annotations

import logging
from pathlib import Path

from page_tracker.hits.facts import Lookups
from page_tracker.lookups.load import load, stamps_of

log = logging.getLogger(__name__)


class FreshLookups:
    """The lookups of a folder; `now` are the latest that were loaded.

    Safe to use from many threads, if only one of them looks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps = stamps_of(folder)
        self.now: Lookups = load(folder)

    def look(self) -> None:
        """Load them again if files have changed, which takes a tenth of a second.

        Raises OSError if that cannot be determined.
        """
        stamps = stamps_of(self._folder)
        if stamps != self._stamps:
            self.now = load(self._folder)
            self._stamps = stamps
            log.info("The lookups in %s are used from now on", self._folder)
