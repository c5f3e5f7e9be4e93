"""Stores that were restored from an older copy, or replicas that were promoted before
they had everything: what the lake has is told from what it lacks, by no clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from page_tracker.lake.table import GRACE, Lake
from page_tracker.store.ingest import submit
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Done, Writer
from support.hits import batch, hit, send
from support.lake import NewLake, dropped, paths
from support.redis_servers import promote


@pytest.fixture
def store(redis_client: Redis) -> Redis:
    redis_client.flushall()
    return redis_client


@pytest.fixture
def lake(new_lake: NewLake, tmp_path: Path) -> Lake:
    return new_lake(tmp_path / "lake", GRACE)


def drain(store: Redis, lake: Lake) -> None:
    """Each round by another writer: any of them may die after it."""
    while Writer(Stream(store), lake).round() is not Done.NOTHING:
        pass


def remembered(store: Redis) -> Callable[[], None]:
    """What makes a store again what it is now, in another server's hands."""
    copy = {key: store.dump(key) for key in store.keys()}

    def restore() -> None:
        store.flushall()
        for key, value in copy.items():
            store.restore(key, 0, value)  # type: ignore[arg-type]
        promote(store)

    return restore


@contextmanager
def restored_afterwards(store: Redis) -> Iterator[None]:
    """What the block does to the store is undone, as by a replica that lagged."""
    restore = remembered(store)
    yield
    restore()


@pytest.mark.parametrize(
    ("number", "ahead"), [(1, -3600), (2, -5), (3, 5), (4, 3600), (4, -5)]
)
@pytest.mark.in_a_bucket_too
def test_a_store_restored_from_an_older_copy_loses_nothing_that_it_takes_then(
    store: Redis, lake: Lake, number: int, ahead: int
) -> None:
    """Whichever clock is ahead, by seconds: collectors differ."""
    send(store, "/a")
    with restored_afterwards(store):
        send(store, "/b")
        send(store, "/c")
        drain(store, lake)

    now = time.time_ns() // 1000
    taken = [f"/{each}" for each in range(number)]
    for at, path in enumerate(taken):  # under numbers that the lake has already
        send(store, path, moment=now + ahead * 1_000_000 + at)
    drain(store, lake)
    send(store, "/e")
    drain(store, lake)

    assert paths(lake) == sorted([*taken, "/a", "/b", "/c", "/e"])


def test_hits_that_are_alike_are_told_apart_where_a_store_was_restored(
    store: Redis, lake: Lake
) -> None:
    """Of the same page, browser, place and moment as one that the lake has."""
    send(store, "/a")
    with restored_afterwards(store):
        send(store, "/b", moment=1_790_000_000_000_000)
        drain(store, lake)
    send(store, "/b", moment=1_790_000_000_000_000)
    drain(store, lake)
    assert paths(lake) == ["/a", "/b", "/b"]


def test_what_waits_in_a_restored_store_is_stored_once_also_where_it_came_twice(
    store: Redis, lake: Lake
) -> None:
    """Of batches that the lake has, the answers were lost with the store."""
    again = batch([hit("/again")])
    send(store, "/a")
    send(store, drops=1)
    with restored_afterwards(store):
        send(store, "/b")
        submit(store, again)
        send(store, drops=1)
        drain(store, lake)

    send(store, "/new")
    submit(store, again)
    send(store, drops=1)
    drain(store, lake)

    assert paths(lake) == ["/a", "/again", "/b", "/new"]
    assert dropped(lake) == 3


@pytest.mark.parametrize("number", [1, 3, 6])
@pytest.mark.parametrize("instant", ["before it reads", "before it trims"])
def test_a_replica_that_is_promoted_during_a_round_loses_nothing(
    store: Redis,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    instant: str,
) -> None:
    """The writer has looked at one server, and goes on with another."""
    send(store, "/a")
    restore = remembered(store)
    send(store, "/b")
    send(store, "/c")
    drain(store, lake)
    send(store, "/d")  # which the writer sees, but no replica gets
    taken = [f"/{each}" for each in range(number)]
    stream = Stream(store)

    def promote() -> None:
        monkeypatch.undo()
        restore()
        for path in taken:
            send(store, path)

    trim = stream.trim

    def promote_and_trim(*arguments: Any) -> int:
        promote()
        return trim(*arguments)

    if instant == "before it reads":
        monkeypatch.setattr(Lake, "require_room", lambda _: promote())
    else:
        Writer(stream, lake).round()  # what was written is not trimmed yet
        monkeypatch.setattr(stream, "trim", promote_and_trim)
    Writer(stream, lake).round()
    drain(store, lake)

    stored = set(paths(lake))
    assert len(paths(lake)) == len(stored)
    assert {"/a", "/b", "/c", *taken} <= stored


def test_a_stream_that_changes_hands_while_it_is_read_loses_nothing(
    store: Redis, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the batch is one server's, the rest would be another's."""
    monkeypatch.setattr("page_tracker.writer.writer.READ_AT_ONCE", 2)
    send(store, "/a")
    restore = remembered(store)
    for path in ("/b", "/c", "/d"):  # which no replica gets
        send(store, path)
    stream = Stream(store)
    read, reads = stream.read, iter(range(99))

    def read_of_two(after: int, most: int) -> object:
        if next(reads) == 2:  # after a look at the first, and the first two
            restore()
            for each in range(4):
                send(store, f"/{each}")
        return read(after, most)

    monkeypatch.setattr(stream, "read", read_of_two)
    Writer(stream, lake).round()
    drain(store, lake)

    stored = paths(lake)
    assert len(stored) == len(set(stored))
    assert {"/a", "/0", "/1", "/2", "/3"} <= set(stored)
