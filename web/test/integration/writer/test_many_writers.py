"""Several writers of one store: they share its shards, and do not hinder each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.lake.table import GRACE, Lake
from page_tracker.store import writers as store_writers
from page_tracker.store.ingest import submit
from page_tracker.store.stream import Stream
from page_tracker.store.writers import Writers
from page_tracker.writer.service import Troubles, renew, write
from page_tracker.writer.share import Share
from page_tracker.writer.writer import Done, Writer
from support.hits import DAY, batch, hit
from support.lake import NewLake, paths

SHARDS = 4
COMMITS = 4  # of each shard


@pytest.fixture(name="store")
def an_empty_store(redis_client: Redis) -> Redis:
    redis_client.flushall()
    return redis_client


def part(share: Share) -> list[int]:
    return [shard for shard in range(SHARDS) if shard in share]


def test_writers_share_the_shards_and_take_over_from_those_that_leave_or_die(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (Share(Writers(store), SHARDS) for _ in range(3))
    first.renew()
    assert part(first) == [0, 1, 2, 3]

    for each in (second, third, first, second):
        each.renew()
    assert sorted(part(first) + part(second) + part(third)) == [0, 1, 2, 3]

    third.leave()
    for each in (first, second):
        each.renew()
    assert sorted(part(first) + part(second)) == [0, 1, 2, 3]

    monkeypatch.setattr(store_writers, "BELIEVED_FOR", 0.001)
    time.sleep(0.01)  # the second has died: nothing is heard of it
    first.renew()
    assert part(first) == [0, 1, 2, 3]


def test_a_writer_writes_its_share_alone(store: Redis, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for shard in range(SHARDS):
        submit(store, batch([hit(f"/{shard}")], shard=shard))
    stop = threading.Event()
    stop.set()
    writers = [Writer(Stream(store, shard), lake) for shard in range(SHARDS)]
    write(writers, {1, 3}, stop, Troubles())
    assert paths(lake) == ["/1", "/3"]


def test_others_take_the_shards_of_a_writer_that_cannot_reach_the_lake(
    store: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store, batch([hit("/a")]))
    well, unwell = (Share(Writers(store), SHARDS) for _ in range(2))
    for each in (unwell, well, unwell):
        renew(each, Troubles())
    assert sorted(part(well) + part(unwell)) == [0, 1, 2, 3]

    troubles, stop = Troubles(), threading.Event()
    stop.set()
    (tmp_path / "no folder").touch()
    lake = Lake(str(tmp_path / "no folder"))
    write([Writer(Stream(store), lake)], {0}, stop, troubles)
    monkeypatch.setattr(store_writers, "BELIEVED_FOR", 0.001)
    time.sleep(0.01)
    renew(unwell, troubles)
    renew(well, Troubles())
    assert part(well) == [0, 1, 2, 3]


@pytest.mark.in_a_bucket_too
def test_late_hits_of_several_shards_have_few_commits_refused(
    store: Redis, new_lake: NewLake, tmp_path: Path
) -> None:
    """Without turns, four writers had 69 commits refused for 48."""
    lake = new_lake(tmp_path / "lake", GRACE)
    writers = [Writer(Stream(store, shard), lake) for shard in range(SHARDS)]
    for table in ("hits", "drops"):
        lake.snapshot(table)  # only one of them can begin a table

    def write_late(writer: Writer) -> None:
        shard = writer.stream.shard
        for path in _paths_of(shard):
            late = hit(path, time.time_ns() // 1000 - 4 * DAY)
            submit(store, batch([late], shard=shard))
            while writer.round() is not Done.NOTHING:
                pass

    works = [threading.Thread(target=write_late, args=(each,)) for each in writers]
    for work in works:
        work.start()
    for work in works:
        work.join()

    assert paths(lake) == sorted(path for n in range(SHARDS) for path in _paths_of(n))
    done = [writer.stream.record.commits() for writer in writers]
    assert sum(each.number for each in done) == SHARDS * COMMITS
    assert sum(each.refused for each in done) <= SHARDS * COMMITS / 2


def _paths_of(shard: int) -> Iterator[str]:
    return (f"/{shard}/{number}" for number in range(COMMITS))
