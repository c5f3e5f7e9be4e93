"""Removing from the store what belongs to a site, some of its days, or a page.

Deleting hits goes in this order, so that nothing slips through between the steps:

1. `StoreDeletion` here: no visit that is open now goes on, so hits that come later
   belong to new visits, and what the store knows of the old ones is gone;
2. the writer brings what waits into the lake, up to `Stream.last()` as of after step 1;
   an entry that was set aside and has hits of the site (`Aside.sites`) is replayed
   before, or forgotten where it cannot be read;
3. the lake deletes, and renumbers the visits that lost hits;
4. `lower_pages` and `lower_today` subtract from the live counters what the lake deleted
of the store's own hits; what it deleted of others is recounted (`upkeep/recount.py`);
5. the append-only file is rewritten: `rewrite_log`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

from redis import Redis, ResponseError

from page_tracker.errors import PageTrackerError
from page_tracker.hits.visitor import GROUPS
from page_tracker.store import keys
from page_tracker.store.clients import primaries, replicas
from page_tracker.store.counters import SUMS
from page_tracker.store.keys import ShardKey
from page_tracker.store.scripts import script

_AT_ONCE = 1000

# Seconds.
REWRITE_SECONDS = 300.0
_POLL = 0.05


class LogNotRewrittenError(PageTrackerError):
    """Redis's append-only file still contains what was deleted."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Redis does not rewrite its append-only file ({why}), which has the"
            " text of what was deleted until then",
            "check that it can, and do this once more; or run BGREWRITEAOF there",
        )


class StoreDeletion:
    """Deletes from the shards of a store; each method may be called again.

    Every method raises redis.RedisError where Redis does not answer.
    """

    def __init__(self, redis: Redis, shards: Iterable[int] = (0,)) -> None:
        self._redis = redis
        self._shards = tuple(shards)
        self._end_visits = redis.register_script(_END_VISITS)
        self._forget_visits = redis.register_script(_FORGET_VISITS)
        self._lower_page = redis.register_script(_LOWER_PAGE)
        self._lower_sum = redis.register_script(_LOWER_SUM)

    def remove_site(self, site: str) -> None:
        """Remove visitors, visits and all counters of a site that nobody sends to."""
        self._remove_days(site, None)
        for shard in self._shards:
            self._redis.hdel(keys.totals(shard), site)
            self._redis.unlink(keys.pages(shard, site))
            for _, today in self._days(shard, ShardKey.TODAY, site):
                # The running numbers stay, so that none is given twice.
                self._redis.hdel(today, *SUMS)
        for name in cast(list[bytes], self._redis.hkeys(keys.imports(site))):
            self._redis.unlink(keys.imported(site, name.decode()))
        self._redis.unlink(keys.imports(site))
        self._redis.hdel(keys.recounted(), site)

    def remove_days(self, site: str, first: int, last: int) -> None:
        """Remove visitors, visits and drops of a site's days.

        Counts stay: `lower_pages` and `lower_today` adjust them.
        """
        self._remove_days(site, range(first, last + 1))

    def end_visits(self, site: str) -> None:
        """End the visits of a site that are open, and forget what is known of them."""
        self._remove_minutes(site)
        for shard in self._shards:
            for _, today in self._days(shard, ShardKey.TODAY, site):
                self._end_visits([today])
            for _, visitors in self._days(shard, f"{ShardKey.VISITORS}:*", site):
                self._forget_all_visits(visitors)

    def lower_pages(self, site: str, views: Mapping[str, int]) -> None:
        """Subtract views from the page counts and the total, by path."""
        for path, number in views.items():
            for shard in self._shards:
                hashes = [keys.pages(shard, site), keys.totals(shard)]
                number = int(self._lower_page(hashes, [site, path, number]))

    def lower_today(self, site: str, day: int, sums: Mapping[str, int]) -> None:
        """Subtract from a day's sums so far, by their names in `counters.Sums`."""
        for name, number in sums.items():
            for shard in self._shards:
                key = keys.today(shard, day, site)
                number = int(self._lower_sum([key], [name, number]))

    def begin(self, site: str) -> None:
        """Note that a site is being removed, until `end`."""
        self._redis.sadd(keys.removing(), site)

    def is_begun(self, site: str) -> bool:
        return bool(self._redis.sismember(keys.removing(), site))

    def end(self, site: str) -> None:
        self._redis.srem(keys.removing(), site)

    def note(self, site: str, day: int, what: str) -> None:
        """Keep what is going to be subtracted from the counters of a site's day."""
        self._redis.hset(keys.deletion(site), str(day), what)

    def notes(self, site: str) -> dict[int, str]:
        """The notes still kept: those of a deletion that did not end."""
        found = cast(dict[bytes, bytes], self._redis.hgetall(keys.deletion(site)))
        return {int(day): what.decode() for day, what in found.items()}

    def forget_note(self, site: str, day: int) -> bool:
        """Forget a note; False if it is not there."""
        return bool(self._redis.hdel(keys.deletion(site), str(day)))

    def rewrite_log(self) -> None:
        """Rewrite the append-only file, which has what was deleted until then.

        So have entries that are kept though the lake has them: they go before. Raises
        LogNotRewrittenError.
        """
        for shard in self._shards:
            self._redis.unlink(keys.kept(shard))
        rewrite_log(self._redis)

    def _remove_days(self, site: str, days: range | None) -> None:
        self._remove_minutes(site)
        for shard in self._shards:
            for part in (f"{ShardKey.VISITORS}:*", ShardKey.DROPS):
                for day, key in self._days(shard, part, site):
                    if days is None or day in days:
                        self._redis.unlink(key)

    def _remove_minutes(self, site: str) -> None:
        for shard in self._shards:
            for part in (ShardKey.MINUTE, ShardKey.PAGES_NOW, ShardKey.SOURCES_NOW):
                for _, key in self._days(shard, part, site):
                    self._redis.unlink(key)

    def _days(
        self, shard: int, part: str, site: str | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """The keys `<part>:<day>:<site>` of a shard, with the day (or minute)."""
        start = keys.prefix(shard) + part
        name = "*" if site is None else _literal(site)
        width = start.count(":") + 1
        for key in self._redis.scan_iter(match=f"{start}:*:{name}", count=_AT_ONCE):
            found = cast(bytes, key)
            yield int(found.split(b":", width + 1)[width]), found

    def _forget_all_visits(self, visitors: bytes) -> None:
        cursor = "0"
        while True:
            answer = self._forget_visits([visitors], [cursor, _AT_ONCE])
            cursor = cast(bytes, answer).decode()
            if cursor == "0":
                return


def rewrite_log(redis: Redis, seconds: float = REWRITE_SECONDS) -> None:
    """Have each server rewrite its append-only file, and wait until that is done.

    A rewrite that began before this call does not count: it may have what was deleted
    since. A cluster's replicas have files too; each first has to know of the deletion.
    Raises LogNotRewrittenError where that is refused, or does not succeed within
    `seconds`, and redis.RedisError where one of them does not answer.
    """
    deadline = time.monotonic() + seconds
    for node, is_known in _servers(redis):
        _wait_until(is_known, deadline, "a replica does not follow its primary")
        _wait_until(
            partial(_rewrite_log_of, node, deadline),
            deadline,
            "it fails: see its log, and that there is room",
        )


def _servers(redis: Redis) -> Iterator[tuple[Any, Callable[[], bool]]]:
    """Each server, and whether it knows by now what its primary knows already."""
    clients: list[Any] = [server.client for server in primaries(redis)]
    states = [each.info("replication") for each in clients]
    reached = {each["master_replid"]: each["master_repl_offset"] for each in states}
    yield from ((each, lambda: True) for each in clients)
    for _, replica in replicas(redis):
        yield replica, partial(_has_reached, replica, reached)


def _has_reached(replica: Any, reached: Mapping[str, int]) -> bool:
    """Whether a replica has all that its primary had when it was at this offset."""
    state = replica.info("replication")
    offset = reached.get(state["master_replid"])
    return offset is not None and state.get("slave_repl_offset", 0) >= offset


def _wait_until(condition: Callable[[], bool], deadline: float, why: str) -> None:
    while not condition():
        if time.monotonic() > deadline:
            raise LogNotRewrittenError(why)
        time.sleep(_POLL)


def _rewrite_log_of(node: Any, deadline: float) -> bool:
    """Whether a rewrite has succeeded that began after this call."""
    if not node.info("persistence")["aof_enabled"]:
        return True
    _wait_for_rewrite(node, deadline)
    try:
        node.bgrewriteaof()
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        raise LogNotRewrittenError(str(error)) from error
    return bool(_wait_for_rewrite(node, deadline) == "ok")


def _wait_for_rewrite(node: Any, deadline: float) -> str:
    """Wait until no rewrite is under way; return how the last one ended."""
    while True:
        info = node.info("persistence")
        if not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]):
            return str(info["aof_last_bgrewrite_status"])
        if time.monotonic() > deadline:
            raise LogNotRewrittenError("it has not ended yet")
        time.sleep(_POLL)


def _literal(text: str) -> str:
    """A Redis pattern that matches only this text."""
    return "".join("\\" + each if each in "*?[]\\^-" else each for each in text)


_END_VISITS = script("end_visits")
_FORGET_VISITS = script(
    *("layout", "forget_visits"),
    constants={"GROUP_DIGITS": len(str(GROUPS - 1))},
)
_LOWER_PAGE = script("lower_page")
_LOWER_SUM = script("lower_sum")
