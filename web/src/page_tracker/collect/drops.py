"""What does not count, and why: for both kinds of collector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from page_tracker.days import next_midnight
from page_tracker.errors import NotStoredError, PageTrackerError
from page_tracker.hits.hit import Drop, Hit, Reason
from page_tracker.sites.site import (
    Directory,
    Site,
    zone_at,
)
from page_tracker.store.ingest import Outcome, StreamFullError
from page_tracker.store.keys import shard_of
from page_tracker.store.salts import SiteDay
from page_tracker.store.shards import Division

HitOrDrop = TypeVar("HitOrDrop", bound=Hit | Drop)

# Seconds until another try makes sense: Redis is away, or nobody drains the stream.
RETRY_AWAY = 5
RETRY_FULL = 30


def shard_among(found: Hit | Drop, division: Division) -> int:
    """The shard of a hit's visitor; equal drops have one, others any."""
    if isinstance(found, Hit):
        return shard_of(found.visitor, division.on(found.record.day))
    named = f"{found.site}\0{found.reason}\0{found.name}".encode()
    return shard_of(named, division.on(found.day))


def by_shard(
    found: Sequence[HitOrDrop], division: Division
) -> dict[int, list[HitOrDrop]]:
    """Hits or drops by their shard, each in order."""
    divided: dict[int, list[HitOrDrop]] = defaultdict(list)
    for each in found:
        divided[shard_among(each, division)].append(each)
    return dict(divided)


def drops_among(settled: Iterable[tuple[Hit | Drop, Outcome]]) -> list[Drop]:
    """What does not count, and why; a repeated event counts where it was first."""
    drops = []
    for found, outcome in settled:
        if isinstance(found, Drop):
            drops.append(found)
        elif outcome is Outcome.NO_VISIT:
            drops.append(Drop(found.record.day, found.record.site, Reason.NO_VISIT))
        elif found.less is not None:
            drops.append(found.less)
    return drops


def once_a_site(found: Iterable[Hit | Drop]) -> list[Hit | Drop]:
    """The events found, once for each site, which may have several names."""
    by_site: dict[str, Hit | Drop] = {}
    for each in found:
        site = each.site if isinstance(each, Drop) else each.record.site
        by_site.setdefault(site, each)
    return list(by_site.values())


def is_of_unknown_site(found: Hit | Drop) -> bool:
    return isinstance(found, Drop) and found.reason == Reason.UNKNOWN_SITE


def without_unknown_sites(
    hits: Sequence[Hit], drops: Sequence[Drop], directory: Directory
) -> tuple[list[Hit], list[Drop]]:
    """Hits and drops once more, for the sites that there are by now."""
    gone = [
        Drop(hit.record.day, hit.record.site, Reason.UNKNOWN_SITE)
        for hit in hits
        if hit.record.site not in directory.by_id
    ]
    return [h for h in hits if h.record.site in directory.by_id], [*drops, *gone]


def refusal(error: PageTrackerError) -> NotStoredError:
    """What a sender is told if its hits could not be stored."""
    full = isinstance(error, StreamFullError)
    return NotStoredError(error.problem, RETRY_FULL if full else RETRY_AWAY)


def site_day_at(site: Site, day: int, moment: int) -> SiteDay:
    """The site's day at a moment (microseconds), as in the name of its salt."""
    ends = next_midnight(zone_at(site, moment), moment // 1_000_000)
    return SiteDay(site.id, day, ends)
