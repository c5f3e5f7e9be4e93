"""What pages are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flask import request

from page_tracker.history.register import Import
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.counters import Live
from page_tracker.store.sites import Sites

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.flags.provider import Flags
    from page_tracker.query.ask import Asking


class PageServices(NamedTuple):
    """What pages are made of; each part is requested when it is needed."""

    asking: Callable[[], Asking]
    sites: Callable[[], Sites]
    live: Callable[[], Live]
    annotations: Callable[[], AnnotationStore]
    # The imports of a site, including undone ones.
    imports: Callable[[str], Sequence[Import]]
    # What is turned on for whom.
    flags: Callable[[], Flags]
    # Where browsers reach this server, if that is set.
    url: str | None

    def reached_at(self) -> str:
        """Where the browser that asks reaches this server."""
        return self.url or request.host_url.rstrip("/")
