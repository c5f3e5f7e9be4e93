"""What is counted right now: views a page, today so far, who is here, what was dropped.

The ingest script adds to these hashes; here they are read, over all shards, and lowered
when hits are deleted. Imported views count in: each import is a hash of its own that is
replaced or removed as a whole. So do the views that earlier stores counted, if this one
was emptied or restored: `upkeep/recount.py` reads both from the lake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from redis import Redis

from page_tracker.store import keys
from page_tracker.store.scripts import script

# A visitor is current if seen in these last minutes, the present one included.
CURRENT_MINUTES = 5
RECENT_MINUTES = 30

# Named like an import: what earlier stores counted.
EARLIER = "earlier"
_DAYS_KEPT = 3 * 24 * 60 * 60  # seconds


class Sums(msgspec.Struct, frozen=True):
    """A site's day so far; `since` in milliseconds, as in the table `hits`."""

    visitors: int = 0
    visits: int = 0
    views: int = 0
    events: int = 0
    bounces: int = 0
    since: int = 0


# Their names, as the hash of a day has them.
SUMS = Sums.__struct_fields__


class Minute(msgspec.Struct, frozen=True):
    """One minute of a site; `minute` counts from 1970."""

    minute: int
    views: int
    visitors: int


class Current(msgspec.Struct, frozen=True):
    """Current visitors, by the page viewed last and by source.

    A visitor who stays past the site's midnight counts twice for that long.
    """

    visitors: int
    pages: Mapping[str, int]
    sources: Mapping[str, int]


class DropCount(msgspec.Struct, frozen=True):
    """How many hits of a day did not count; `name` says which bot, host … it was."""

    reason: str
    name: str
    number: int


class Live:
    """The live counters of a store with these shards; the client must not decode.

    Every method raises redis.RedisError where Redis does not answer.
    """

    def __init__(self, redis: Redis, shards: Iterable[int] = (0,)) -> None:
        self._redis = redis
        self._shards = tuple(shards)
        self._end_recount = redis.register_script(_END_RECOUNT)

    def total(self, site: str) -> int:
        """Page views of a site, all time."""
        asked = [("HGET", keys.totals(shard), site) for shard in self._shards]
        imported = self._redis.hvals(keys.imports(site))
        return _sum(self._ask(asked)) + _sum(cast(list[bytes], imported))

    def views(self, site: str, path: str) -> int:
        """Views of a page, all time; of one beyond the site's bound, 0."""
        hashes = [keys.pages(shard, site) for shard in self._shards]
        hashes += [keys.imported(site, name) for name in self.imports(site)]
        return _sum(self._ask([("HGET", key, path) for key in hashes]))

    def pages(self, site: str) -> dict[str, int]:
        """Views of each page, all time; `(other)` are those beyond the site's bound."""
        hashes = [keys.pages(shard, site) for shard in self._shards]
        hashes += [keys.imported(site, name) for name in self.imports(site)]
        return self._added(hashes)

    def today(self, site: str, day: int) -> Sums:
        """A day so far; `day` since 1970 in the site's zone, one of the last few."""
        hashes = [keys.today(shard, day, site) for shard in self._shards]
        hashes.append(keys.earlier_today(site, day))
        asked = [("HMGET", key, *SUMS) for key in hashes]
        return Sums(*map(_sum, zip(*self._ask(asked), strict=True)))

    def folded(self, site: str, day: int) -> int:
        """Hits of a day whose visitors are beyond the bounds, and count as one."""
        asked = [
            ("HGET", keys.today(each, day, site), "folded") for each in self._shards
        ]
        return _sum(self._ask(asked))

    def recent(self, site: str, now: int) -> list[Minute]:
        """The last 30 minutes, oldest first; `now` in seconds since 1970."""
        minutes = range(now // 60 - RECENT_MINUTES + 1, now // 60 + 1)
        asked = [
            ("HMGET", keys.minute(shard, minute, site), "views", "visitors")
            for minute in minutes
            for shard in self._shards
        ]
        answers = iter(self._ask(asked))
        found = []
        for minute in minutes:
            numbers = zip(*[next(answers) for _ in self._shards], strict=True)
            found.append(Minute(minute, *map(_sum, numbers)))
        return found

    def current(self, site: str, now: int) -> Current:
        """Current visitors; `now` in seconds since 1970."""
        places = [
            (shard, now // 60 - ago, site)
            for shard in self._shards
            for ago in range(CURRENT_MINUTES)
        ]
        asked = [("HGET", keys.minute(*place), "current") for place in places]
        return Current(
            visitors=_sum(self._ask(asked)),
            pages=self._added([keys.pages_now(*place) for place in places]),
            sources=self._added([keys.sources_now(*place) for place in places]),
        )

    def drops(self, site: str, day: int) -> list[DropCount]:
        """What was dropped on a site's day, by reason and name, most frequent first."""
        found = self._added([keys.drops(shard, day, site) for shard in self._shards])
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        pairs = [(name.partition("\0"), number) for name, number in ordered]
        return [DropCount(reason, name, number) for (reason, _, name), number in pairs]

    def unknown_sites(self, day: int) -> list[DropCount]:
        """Hits for unknown sites; `name` is the site that they named."""
        return self.drops("", day)

    # Imports

    def imports(self, site: str) -> list[str]:
        """The ids of the imports that count."""
        found = cast(list[bytes], self._redis.hkeys(keys.imports(site)))
        return sorted(name.decode() for name in found)

    def put_import(
        self, site: str, import_id: str, views: Mapping[str, int], most: int
    ) -> None:
        """Count an import's views, replacing what it counted before.

        Only the `most` most viewed pages are counted separately.
        """
        ordered = Counter(views).most_common()
        kept = dict(ordered[:most])
        rest = sum(number for _, number in ordered[most:])
        if rest:
            kept[keys.OTHER] = kept.get(keys.OTHER, 0) + rest
        key = keys.imported(site, import_id)
        self._redis.delete(key)
        for at in range(0, len(kept), 1000):
            self._redis.hset(key, mapping=dict(list(kept.items())[at : at + 1000]))
        self._redis.hset(keys.imports(site), import_id, sum(views.values()))

    def remove_import(self, site: str, import_id: str) -> None:
        self._redis.hdel(keys.imports(site), import_id)
        self._redis.unlink(keys.imported(site, import_id))

    # Recounting

    def put_earlier_today(self, site: str, day: int, sums: Mapping[str, int]) -> None:
        """Put what earlier stores have counted of a day, by the names in `Sums`."""
        key = keys.earlier_today(site, day)
        if not any(sums.values()):
            self._redis.unlink(key)
            return
        self._redis.hset(key, items=[part for pair in sums.items() for part in pair])
        self._redis.expire(key, _DAYS_KEPT)

    def recounted(self) -> dict[str, str]:
        """What each site's counts of earlier stores and imports were computed from."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(keys.recounted()))
        return {site.decode(): mark.decode() for site, mark in found.items()}

    def recounts(self) -> int:
        """How many sites were recounted."""
        return self._redis.hlen(keys.recounted())

    def begin_recount(self, site: str, mark: str) -> None:
        """Announce the recount of a site; only the last one announced may end it."""
        self._redis.hset(keys.recounted(), site, mark)

    def end_recount(self, site: str, begun: str, mark: str) -> bool:
        """Note what a site was recounted from; False if another recount has begun."""
        return bool(self._end_recount([keys.recounted()], [site, begun, mark]))

    # Reading

    def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        pipeline = cast(Any, self._redis).pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return list(pipeline.execute())

    def _added(self, hashes: Sequence[str]) -> dict[str, int]:
        added: Counter[str] = Counter()
        for found in self._ask([("HGETALL", key) for key in hashes]):
            for name, number in found.items():
                added[name.decode()] += int(number)
        return {name: number for name, number in added.items() if number}


def _sum(numbers: Iterable[bytes | None]) -> int:
    return sum(int(number or 0) for number in numbers)


_END_RECOUNT = script("end_recount")
