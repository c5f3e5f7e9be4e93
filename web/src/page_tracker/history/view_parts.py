"""The parts of page views that a log repeats, each looked up by itself.

These are steps of enrichment, for one part of a request at a time. If a step refuses a
part there are no facts; which of several reasons then counts is for enrichment of the
whole hit to say. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import astuple

from page_tracker.hits.context import Context
from page_tracker.hits.enrich import (
    Draft,
    find_client,
    find_place,
    find_touch,
    refuse_addresses,
    refuse_bots,
    refuse_pages,
    refuse_referrer_spam,
)
from page_tracker.hits.hit import RawHit, Sender
from page_tracker.sites.site import Site

_CACHED = 16_384

Facts = tuple[Any, ...]


class PageFacts(NamedTuple):
    """What a page view's row has before and after its place and client."""

    first: Facts
    last: Facts


class ViewParts:
    """Looks up the parts of a site's page views."""

    def __init__(self, site: Site, known: Context) -> None:
        self._site = site
        self._known = known
        self.page = lru_cache(_CACHED)(self._page)
        self.place = lru_cache(_CACHED)(self._place)

    def _page(self, url: str, referrer: str) -> PageFacts | None:
        view = RawHit(site=self._site.id, url=url, referrer=referrer)
        draft = self._draft(view)
        if refuse_referrer_spam(draft, self._known) or refuse_pages(draft, self._known):
            return None
        find_touch(draft, self._known)
        hostname = draft.page.hostname or self._site.id
        touch = astuple(draft.touch)
        return PageFacts(
            (view.site, view.name, hostname, draft.page.path, view.title, *touch[:8]),
            (*touch[8:], view.props, None, None, None, ""),
        )

    def _place(self, address: str) -> Facts | None:
        draft = self._draft(sender=Sender(address, ""))
        if refuse_addresses(draft, self._known) or find_place(draft, self._known):
            return None
        return astuple(draft.place)

    def client(self, user_agent: str) -> Facts | str:
        """The facts, or the name by which a bot's drops are counted."""
        draft = self._draft(sender=Sender("", user_agent))
        if bot := refuse_bots(draft, self._known):
            return bot.name
        find_client(draft, self._known)
        return astuple(draft.client)

    def _draft(
        self, raw: RawHit = RawHit(site="", url=""), sender: Sender = Sender("", "")
    ) -> Draft:
        draft = Draft(raw, sender, 0)
        draft.site, draft.day = self._site, 0
        return draft
