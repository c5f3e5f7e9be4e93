"""Between machines that share a bucket: one at a time, and nothing goes that is
needed."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from page_tracker.lake import vacuum
from page_tracker.lake.bucket import Bucket
from page_tracker.lake.lease import held
from page_tracker.lake.log_recovery import lost_tables
from page_tracker.lake.table import LakeLogGoneError
from page_tracker.lake.vacuum import clean_up
from page_tracker.upkeep.lake_upkeep import Upkeep
from support.asked import put, view
from support.lake import paths
from support.own_bucket import OwnBucket, lake_in


@pytest.fixture
def bucket(bucket_store: OwnBucket) -> Bucket:
    return bucket_store.bucket()


def test_one_machine_at_a_time_has_a_lease(bucket: Bucket) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with held(bucket, "hits"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    machines = [threading.Thread(target=work) for _ in range(4)]
    for each in machines:
        each.start()
    for each in machines:
        each.join()

    assert most == 1
    assert not [name for name in bucket.sizes("locks") if not name.endswith("clock")]


def test_a_lease_is_had_for_as_long_as_its_holder_works(bucket: Bucket) -> None:
    with held(bucket, "hits", lasting=2):
        with pytest.raises(BlockingIOError, match="holds hits"):
            with held(bucket, "hits", patience=4, lasting=2):
                pass


def test_the_lease_of_a_machine_that_died_passes_to_one_other(bucket: Bucket) -> None:
    bucket.put_new("locks/hits", b"a machine that is no more")
    had: list[int] = []

    with ExitStack() as stack:

        def take(number: int) -> None:
            try:
                stack.enter_context(held(bucket, "hits", patience=5, lasting=1.5))
                had.append(number)
            except BlockingIOError:
                pass

        machines = [threading.Thread(target=take, args=(n,)) for n in range(3)]
        for each in machines:
            each.start()
        for each in machines:
            each.join()

    assert len(had) == 1


def test_upkeep_is_left_to_the_machine_that_is_at_it(
    bucket: Bucket, tmp_path: Path
) -> None:
    lake = lake_in(bucket, tmp_path)
    for number in range(1, 18):
        put(lake, [view(number)], number)
    upkeep = Upkeep(lake, quiet=0)

    with lake.turn_if_free("upkeep"):
        upkeep.trim()
        assert len(lake.snapshot("hits").file_uris()) == 17
    upkeep.trim()
    assert len(lake.snapshot("hits").file_uris()) == 1


def test_only_what_nobody_can_be_writing_is_cleaned_up(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_in(bucket, tmp_path, timedelta(minutes=5))
    for number in (1, 2):
        put(lake, [view(number, f"/{number}")], number)
    bucket.put_new("hits/month=2026-03/part-unfinished.parquet", b"PAR1")
    with lake.using("hits") as hits:
        hits.optimize.compact()
    before = set(bucket.sizes("hits/month=2026-03"))

    clean_up(lake, "hits")
    assert set(bucket.sizes("hits/month=2026-03")) == before

    monkeypatch.setattr(vacuum, "UNNAMED_FOR", timedelta(0))
    clean_up(lake, "hits")
    assert len(bucket.sizes("hits/month=2026-03")) == 1
    assert paths(lake) == ["/1", "/2"]


def test_where_files_lie_without_a_log_no_table_begins(
    bucket: Bucket, tmp_path: Path
) -> None:
    lake = lake_in(bucket, tmp_path)
    put(lake, [view(1)], 1)
    for name in bucket.sizes("hits/_delta_log"):
        bucket.delete(name)

    with pytest.raises(LakeLogGoneError):
        lake.snapshot("hits")
    assert lost_tables(lake) == ["hits"]
