"""A store that loses answers, dies or stalls: each hit is in the bucket once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest
from deltalake.exceptions import DeltaError
from redis import Redis

from page_tracker.days import day_number
from page_tracker.lake.bucket import Bucket
from page_tracker.lake.copies import CacheFullError
from page_tracker.lake.table import Lake
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.problem import LakeAwayError
from page_tracker.query.snapshot import Reading
from page_tracker.store.stream import Stream
from page_tracker.upkeep.day_tables import close
from page_tracker.writer.service import Troubles
from page_tracker.writer.writer import Done, Writer
from support.asked import put, view
from support.disks import filled, small_disk
from support.hits import send
from support.lake import paths
from support.meddling import meddling
from support.own_bucket import OwnBucket, lake_in, own_bucket

DAY = date(2026, 3, 1)


def drain(writer: Writer) -> None:
    while writer.round() is not Done.NOTHING:
        pass


def drain_while_it_answers(writer: Writer) -> None:
    with suppress(OSError):  # after a while it is given up, and tried again
        drain(writer)


def test_two_writers_whose_answers_get_lost_store_each_hit_once(
    bucket_store: OwnBucket, redis_client: Redis, tmp_path: Path
) -> None:
    """Of every third put of a commit the store's answer is thrown away: the repeated
    one is refused, though our own is there."""
    commits = itertools.count()

    def lose(method: str, path: str, status: int) -> int | None:
        is_commit = method == "PUT" and "_delta_log" in path
        return None if is_commit and next(commits) % 3 == 0 else status

    redis_client.flushall()
    with meddling(bucket_store.url, lose) as url:
        lake = lake_in(bucket_store.bucket(url), tmp_path)
        writers = [Writer(Stream(redis_client), lake) for _ in range(2)]
        sent = [f"/{number}" for number in range(4)]
        for path in sent:
            send(redis_client, path, drops=1)
            both = [Thread(target=writer.round) for writer in writers]
            for each in both:
                each.start()
            for each in both:
                each.join()
        for writer in writers:
            drain(writer)
        assert paths(lake) == sorted(sent)


def test_a_full_disk_of_copies_is_told_and_all_goes_on_once_there_is_room(
    bucket_store: OwnBucket, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "cache", 8) as disk:
        lake = lake_in(bucket_store.bucket(), disk)
        put(lake, [view(1, day=DAY)], 1)
        asked = LakeAsking(Reading(lake), Engine(threads=1, fetch=lake.fetch_named))

        with filled(disk):
            with pytest.raises(LakeAwayError, match=f"the cache {disk} is full"):
                asked.days("a.org")
            with pytest.raises(CacheFullError):
                close(lake, [day_number(DAY)])

        assert asked.days("a.org")
        close(lake, [day_number(DAY)])
        assert Reading(lake).sources([DAY]).closed == {DAY}


class Scene(NamedTuple):
    """A store of a test's own, with a lake in which its writer has a hit."""

    store: OwnBucket
    lake: Lake
    writer: Writer


@pytest.fixture(name="scene")
def a_store_with_a_lake(redis_client: Redis, tmp_path: Path) -> Iterator[Scene]:
    redis_client.flushall()
    (tmp_path / "store").mkdir()
    with own_bucket(tmp_path / "store") as own:
        lake = lake_in(own.bucket(), tmp_path / "cache")
        writer = Writer(Stream(redis_client), lake)
        send(redis_client, "/a")
        drain(writer)
        yield Scene(own, lake, writer)


@pytest.mark.parametrize("after", [".parquet", "_delta_log"])
def test_a_store_that_is_killed_in_the_middle_of_a_commit_is_continued(
    redis_client: Redis,
    scene: Scene,
    tmp_path: Path,
    after: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once it has the data and no commit yet, or once it has that too; its answer is
    lost. What to do stands in one line, beside the panic that deltalake prints."""

    def kill(method: str, path: str, status: int) -> int | None:
        if method == "PUT" and after in path:
            scene.store.kill()
            return None
        return status

    send(redis_client, "/b")
    with meddling(scene.store.url, kill) as url:
        assert scene.lake.copies
        place = scene.lake.copies.bucket
        options = {**place.options, "AWS_ENDPOINT_URL": url}
        lake = lake_in(Bucket(place.name, place.prefix, options), tmp_path / "meddled")
        with pytest.raises((OSError, DeltaError)) as failed:
            Writer(Stream(redis_client), lake).round()
    Troubles().has(0, failed.value)
    assert "Generic S3 error" in caplog.text and "parse" not in caplog.text
    assert "look whether the bucket's store runs" in caplog.text
    assert "\x1b" not in caplog.text
    scene.store.start()
    drain(scene.writer)
    assert paths(scene.lake) == ["/a", "/b"]


def test_a_store_that_stalls_in_the_middle_of_a_commit_gets_it_once(
    request: pytest.FixtureRequest, redis_client: Redis, scene: Scene
) -> None:
    send(redis_client, "/b")
    with scene.store.frozen():
        committing = Thread(target=drain_while_it_answers, args=(scene.writer,))
        committing.start()
        # That long it answers nothing.
        time.sleep(35 if request.config.getoption("--long") else 1)
    committing.join()
    drain(scene.writer)
    assert paths(scene.lake) == ["/a", "/b"]
