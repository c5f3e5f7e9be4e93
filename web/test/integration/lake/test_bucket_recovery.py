"""A lake in a bucket that has lost its log: rebuilt from its files by a command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

from page_tracker.cli import main
from page_tracker.lake.bucket import Bucket
from page_tracker.lake.table import Lake
from page_tracker.store.stream import Stream
from page_tracker.upkeep.lake_upkeep import Upkeep
from page_tracker.writer.writer import Done, Writer
from support.hits import send
from support.lake import dropped, paths
from support.own_bucket import OwnBucket, environment_of, lake_in

KEPT = [f"/{number}" for number in range(4)]


def drain(redis: Redis, lake: Lake) -> None:
    while Writer(Stream(redis), lake).round() is not Done.NOTHING:
        pass


@pytest.fixture(name="bucket")
def a_bucket_without_logs(
    bucket_store: OwnBucket, redis_client: Redis, tmp_path: Path
) -> Bucket:
    """Its files were merged, and one row was deleted in a newer one."""
    redis_client.flushall()
    bucket = bucket_store.bucket()
    lake = lake_in(bucket, tmp_path / "cache")
    for path in KEPT:
        send(redis_client, path, drops=1)
        drain(redis_client, lake)
    Upkeep(lake, quiet=0).trim()
    lake.snapshot("hits").delete("path = '/2'")
    send(redis_client, "/4")
    Writer(Stream(redis_client), lake).round()  # in the lake, and waits yet
    send(redis_client, "/5")
    for table in ("hits", "drops"):
        for name in bucket.sizes(f"{table}/_delta_log"):
            bucket.delete(name)
    return bucket


def recovered(bucket: Bucket, url: str, data: Path, *options: str) -> str:
    environment = {
        "REDIS_URL": url,
        "PAGE_TRACKER_DATA": str(data),
        **environment_of(bucket),
    }
    data.mkdir(exist_ok=True)
    arguments = ["recover", "--yes", *options]
    ended = CliRunner().invoke(main, arguments, env=environment)
    assert ended.exit_code == 0, ended.output
    return ended.output


@pytest.mark.parametrize("wanted", [False, True])
def test_each_row_is_there_once_and_what_does_not_count_is_set_aside(
    bucket: Bucket, redis_client: Redis, redis_url: str, tmp_path: Path, wanted: bool
) -> None:
    data = tmp_path / "data"
    before = set(bucket.sizes())
    said = recovered(bucket, redis_url, data, *(["--with-doubtful"] if wanted else []))
    assert "hits: 4 files had been replaced by others" in said
    assert "hits has" in said and "rows and a log again" in said
    lake = lake_in(bucket, tmp_path / "new")
    drain(redis_client, lake)
    kept = [path for path in KEPT if wanted or path != "/2"]
    assert paths(lake) == [*kept, "/4", "/5"]
    assert dropped(lake) == 4
    left = {name.removeprefix("damaged/") for name in bucket.sizes()}
    assert {name for name in before if name.endswith(".parquet")} <= left
    log_kept = lake.snapshot("hits").metadata().configuration
    assert log_kept | lake.retention == log_kept
    Upkeep(lake).tidy(time.time())
    assert not (data / "recovering").exists()
    assert "Nothing is to be recovered" in recovered(bucket, redis_url, data)
