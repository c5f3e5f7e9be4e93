"""A store's keys copied to an empty one: by their types, as servers of different kinds
do not read each other's dumps.

Whoever copies has closed the store before (`moved.close_store`). What it has under a
key replaces what the target has there, so a copy that was interrupted is begun again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from redis import Redis

from page_tracker.errors import PageTrackerError
from page_tracker.store import keys, moved
from page_tracker.store.moved import KEPT_VIEWS, VIEWS

# So many fields, members or entries are sent at once.
AT_ONCE = 1_000

_STATE = re.compile(re.escape(keys.state(0).encode()).replace(b"0", rb"\d+"))


class TargetStoreError(PageTrackerError):
    """A store cannot be moved to another one."""


def begin(target: Redis, shards: Iterable[int], source: str) -> None:
    """Take an empty store, or one where this was begun, for a copy of `source`.

    Raises TargetStoreError where it has something else, and redis.RedisError.
    """
    begun = moved.moved(target).from_store
    if not begun and (found := next(our_keys(target), None)):
        raise TargetStoreError(
            "the Redis to move to is not empty, it has the key"
            f" {found.decode(errors='replace')}",
            "name an empty one, or empty that one",
        )
    if begun not in ("", source):
        raise TargetStoreError(
            f"a move from {begun} to that Redis was begun and not finished",
            "finish that one, or empty the Redis to move to",
        )
    moved.begin_copy(target, shards, source)


def our_keys(redis: Redis) -> Iterator[bytes]:
    """The keys of Page Tracker."""
    for pattern in ("pt:*", "pt{*"):
        yield from redis.scan_iter(match=pattern, count=AT_ONCE)
    for key in (VIEWS, KEPT_VIEWS):
        if redis.exists(key):
            yield key.encode()


def copy_keys(source: Redis, target: Redis, watch: Callable[[int], None]) -> int:
    """Copy all keys of a store that takes no hits; returns how many.

    `watch` receives how many there are so far. Raises redis.RedisError.
    """
    number = 0
    for key in our_keys(source):
        if key != VIEWS.encode():  # what was counted is beside it
            copy_key(source, target, key)
            number += 1
            watch(number)
    _remove_others(source, target)
    return number


def _remove_others(source: Any, target: Any) -> None:
    """Remove what an earlier copy has brought, and is not in the source any more."""
    for key in our_keys(target):
        if key != VIEWS.encode() and not (_STATE.fullmatch(key) or source.exists(key)):
            target.unlink(key)


def copy_key(source: Any, target: Any, key: bytes) -> None:
    """Put what one key has, with the moment at which it expires, into the target."""
    name = VIEWS.encode() if key == KEPT_VIEWS.encode() else key
    kind = source.type(key).decode()
    expires = source.pexpiretime(key)
    is_state = _STATE.fullmatch(key)  # the copy's says that it is one
    if not is_state:
        target.unlink(name)
    if kind == "none":  # it has just expired
        return
    _COPIERS[kind](source, target, key, name)
    if expires >= 0:
        target.pexpireat(name, expires)


def _copy_string(source: Any, target: Any, key: bytes, name: bytes) -> None:
    if (value := source.get(key)) is not None:
        target.set(name, value)


def _copy_hash(source: Any, target: Any, key: bytes, name: bytes) -> None:
    is_state = _STATE.fullmatch(key)
    for some in _some(source.hscan_iter(key, count=AT_ONCE)):
        fields = {n: v for n, v in some if not (is_state and n == b"moved_to")}
        if fields:
            target.hset(name, mapping=fields)


def _copy_set(source: Any, target: Any, key: bytes, name: bytes) -> None:
    for some in _some(source.sscan_iter(key, count=AT_ONCE)):
        target.sadd(name, *some)


def _copy_sorted(source: Any, target: Any, key: bytes, name: bytes) -> None:
    for some in _some(source.zscan_iter(key, count=AT_ONCE)):
        target.zadd(name, dict(some))


def _copy_list(source: Any, target: Any, key: bytes, name: bytes) -> None:
    for some in _some(iter(source.lrange(key, 0, -1))):
        target.rpush(name, *some)


def _copy_stream(source: Any, target: Any, key: bytes, name: bytes) -> None:
    """Entries under their own ids, and the highest id that there ever was."""
    after = b"-"
    while found := source.xrange(key, min=after, count=AT_ONCE // 10):
        for id_, fields in found:
            target.xadd(name, fields, id=id_)
        after = b"(" + found[-1][0]
    last = source.xinfo_stream(key)["last-generated-id"]
    if not target.exists(name):  # a stream that is empty by now
        target.xgroup_create(name, "none", mkstream=True)
        target.xgroup_destroy(name, "none")
    target.execute_command("XSETID", name, last)


def _some(found: Iterator[Any]) -> Iterator[list[Any]]:
    """What was found, so many at a time."""
    some: list[Any] = []
    for each in found:
        some.append(each)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


_COPIERS = {
    "string": _copy_string,
    "hash": _copy_hash,
    "set": _copy_set,
    "zset": _copy_sorted,
    "list": _copy_list,
    "stream": _copy_stream,
}
