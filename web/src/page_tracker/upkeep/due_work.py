"""Whether the lake has work that needs an engine, which most passes do not have.

    days that are over, less those that were handled and not touched since
      → and the first days that sites keep, if they have changed

A commit that touches a day makes it due again.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

from page_tracker.lake.table import Lake
from page_tracker.lake.table_log import touched_since
from page_tracker.sites.site import Site, first_kept
from page_tracker.upkeep.lake_upkeep import (
    closable,
)

# How often everything is checked again: another process may have undone a part.
CHECK_ALL_EVERY = 3_600.0  # seconds


class Work(NamedTuple):
    """Days that are over, since 1970; and by site the first day that it keeps."""

    days: Set[int] = frozenset()
    kept: Set[tuple[str, int]] = frozenset()


class Due:
    """What is due in one lake."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._version = 0
        self._began = 0.0
        self._seen = Work()
        self._done = Work()

    def look(self, now: float, sites: Sequence[Site]) -> bool:
        """Whether days have to be settled or closed, or expired hits deleted.

        `now` is in seconds since 1970. Raises DeltaError or OSError if the lake is
        away.
        """
        hits = self._lake.snapshot("hits")
        touched = touched_since(self._lake.log("hits"), hits, self._version)
        if touched is None or not 0 <= now - self._began < CHECK_ALL_EVERY:
            self._done, self._began = Work(), now
        done = Work(self._done.days - (touched or set()), self._done.kept)
        seen = Work(set(closable(self._lake, now)), first_kept(sites, now))
        self._version, self._seen, self._done = hits.version(), seen, done
        return bool(seen.days - done.days or seen.kept - done.kept)

    def done(self) -> None:
        """Note that the work found by the last look is done."""
        self._done = self._seen
