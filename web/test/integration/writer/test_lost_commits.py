"""A store of buckets that loses its last commits: they are written again, once."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.lake.bucket import Bucket
from page_tracker.lake.table import Lake
from page_tracker.store import keys
from page_tracker.store.counters import Live
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Done, Writer
from support.hits import SITE, send
from support.lake import dropped, paths
from support.own_bucket import OwnBucket, lake_in

KEEP = 300


@pytest.fixture(name="bucket")
def a_bucket(bucket_store: OwnBucket, redis_client: Redis) -> Bucket:
    redis_client.flushall()
    return bucket_store.bucket()


def started(redis: Redis, lake: Lake, keep: int = KEEP) -> Writer:
    """A writer as it is when its process has just begun."""
    return Writer(Stream(redis), lake, keep=keep)


def drain(writer: Writer) -> None:
    while writer.round() is not Done.NOTHING:
        pass


def lose_last_commits(bucket: Bucket, number: int) -> None:
    """As if the last files that it was given had never reached its disk."""
    for table in ("hits", "drops"):
        commits = sorted(bucket.sizes(f"{table}/_delta_log"))[-number:]
        for commit in commits:
            for line in bucket.read(commit).splitlines():
                if added := json.loads(line).get("add"):
                    bucket.delete(f"{table}/{added['path']}")
            bucket.delete(commit)


def test_what_it_has_lost_is_written_again_once(
    bucket: Bucket,
    redis_client: Redis,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lake = lake_in(bucket, tmp_path)
    writer = started(redis_client, lake)
    for number in range(5):
        send(redis_client, f"/{number}", f"/{number}b", drops=1)
        drain(writer)
    sent = sorted([f"/{n}" for n in range(5)] + [f"/{n}b" for n in range(5)])
    assert (paths(lake), Stream(redis_client).waiting()) == (sent, 0)

    lose_last_commits(bucket, 3)
    with caplog.at_level(logging.ERROR):
        drain(started(redis_client, lake))

    assert (paths(lake), dropped(lake)) == (sent, 5)
    (said,) = caplog.messages
    assert "has lost its last commits; 3 batches that it had are written again" in said
    assert Live(redis_client).total(SITE.id) == len(sent)
    send(redis_client, "/later")
    drain(started(redis_client, lake))
    assert paths(lake) == sorted([*sent, "/later"])


def test_what_comes_meanwhile_is_written_too(
    bucket: Bucket, redis_client: Redis, tmp_path: Path
) -> None:
    lake = lake_in(bucket, tmp_path)
    writer = started(redis_client, lake)
    for path in ("/a", "/b", "/c"):
        send(redis_client, path)
        drain(writer)
    lose_last_commits(bucket, 1)
    send(redis_client, "/d")
    for each in (writer, started(redis_client, lake)):
        drain(each)
    assert paths(lake) == ["/a", "/b", "/c", "/d"]


def test_more_than_is_kept_is_told(
    bucket: Bucket,
    redis_client: Redis,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lake = lake_in(bucket, tmp_path)
    for keep, path in ((KEEP, "/a"), (0, "/b"), (KEEP, "/c")):
        send(redis_client, path)
        drain(started(redis_client, lake, keep))
    lose_last_commits(bucket, 2)
    with caplog.at_level(logging.ERROR):
        drain(started(redis_client, lake))
    assert paths(lake) == ["/a", "/c"]
    assert "1 batches that it had are written again" in caplog.messages[0]
    assert "the lake lacks 1 batches that no longer wait" in caplog.messages[1]


def test_what_is_kept_goes_by_itself_and_with_a_deletion(
    bucket: Bucket, redis_client: Redis, tmp_path: Path
) -> None:
    lake = lake_in(bucket, tmp_path)
    send(redis_client, "/secret")
    drain(started(redis_client, lake))
    assert 0 < redis_client.ttl(keys.kept(0)) <= KEEP
    assert Stream(redis_client).waiting_since() is None
    StoreDeletion(redis_client).rewrite_log()
    assert not redis_client.exists(keys.kept(0))
