"""What is looked up for a hit, as functions that enrichment receives. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from page_tracker.hits.hit import Client, Hints, Place, Touch

# Where a visit comes from: by referrer, the page's query string, the site's own hosts.
TouchOf = Callable[[str, str, tuple[str, ...]], Touch]

# A bot's kind: it fetches because a person asked. Such a drop's name is `kind: bot`.
AI_ASSISTANT = "AI assistant"
IMAGE_PROXY = "image proxy"
# Bots of AI companies: for training, for an index, and (AI_ASSISTANT) because a person
# asked.
AI_CRAWLER = "AI crawler"
AI_SEARCH = "AI search"
AI_KINDS = (AI_CRAWLER, AI_SEARCH, AI_ASSISTANT)


class Bot(NamedTuple):
    """A bot's name and kind; both are from closed sets, whatever the sender wrote."""

    name: str
    kind: str

    @property
    def label(self) -> str:
        """The name by which drops are counted; an AI bot's begins with its kind."""
        return f"{self.kind}: {self.name}" if self.kind in AI_KINDS else self.name


NAMELESS = Bot("(no user agent)", "other")
UNKNOWN = Bot("(unknown bot)", "other")


class Lookups(msgspec.Struct, frozen=True):
    """Functions that look things up; all are pure, and cached where that pays."""

    # The browser, system and device of a user agent.
    client_of: Callable[[str], Client]
    # The same, with what client hints add to it.
    hinted_client_of: Callable[[str, Hints], Client]
    # The bot of a user agent; None if it is a person's.
    bot_of: Callable[[str], Bot | None]
    # The place of an address.
    place_of: Callable[[str], Place]
    # Whether a host (of a referrer) is known to send false referrers.
    is_spam: Callable[[str], bool]
    touch_of: TouchOf
