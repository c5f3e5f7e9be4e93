"""A site right now: current visitors, the last 30 minutes, today's dropped hits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from page_tracker.days import MICROSECONDS
from page_tracker.hits.facts import AI_ASSISTANT
from page_tracker.hits.hit import Reason
from page_tracker.query.catalog import DIRECT
from page_tracker.sites.site import (
    Site,
    day_of,
)
from page_tracker.store.counters import Current, DropCount, Live, Minute


class LiveFigures(msgspec.Struct, frozen=True):
    """`minutes` are the last 30, oldest first; `dropped` has the most frequent first.

    `folded` are today's hits of visitors beyond the limit, who count as one.
    """

    current: Current
    minutes: Sequence[Minute]
    dropped: Sequence[DropCount]
    folded: int = 0

    @property
    def ai_assistants(self) -> int:
        """How often AI assistants fetched pages today because a person asked."""
        return sum(
            each.number
            for each in self.dropped
            if each.reason == Reason.BOT and each.name.startswith(f"{AI_ASSISTANT}: ")
        )


def live_figures(live: Live, site: Site, now: int) -> LiveFigures:
    """A site's live figures at `now`, in seconds since 1970.

    Raises redis.RedisError where Redis does not answer.
    """
    current = live.current(site.id, now)
    sources = {name or DIRECT: number for name, number in current.sources.items()}
    day = day_of(site, now * MICROSECONDS)
    return LiveFigures(
        replace(current, sources=sources),
        live.recent(site.id, now),
        live.drops(site.id, day),
        live.folded(site.id, day),
    )


def as_json(found: LiveFigures) -> dict[str, Any]:
    """For programs; a minute is given by when it begins, in seconds since 1970."""
    return {
        "visitors": found.current.visitors,
        "pages": dict(found.current.pages),
        "sources": dict(found.current.sources),
        "minutes": [
            {"minute": 60 * each.minute, "views": each.views, "visitors": each.visitors}
            for each in found.minutes
        ],
        "ai_assistants": found.ai_assistants,
        "dropped": [asdict(each) for each in found.dropped],
        "folded": found.folded,
    }
