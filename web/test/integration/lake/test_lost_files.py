"""Files that a bucket has lost are out of their tables, once that is certain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from page_tracker.days import day_number
from page_tracker.lake.bucket import Bucket
from page_tracker.lake.damage import damages
from page_tracker.lake.lost_files import CERTAIN_AFTER, LostFiles
from page_tracker.lake.table import Lake
from page_tracker.upkeep.day_tables import close
from support.asked import put, view
from support.lake import paths
from support.own_bucket import OwnBucket, lake_in

DAY = date(2026, 3, 1)


@dataclass
class Clock:
    """A time in seconds that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Forgetful(Bucket, frozen=True):
    """One whose listings lack what it has."""

    def sizes(self, within: str = "") -> dict[str, int]:
        return {}


@pytest.fixture(name="bucket")
def a_bucket(bucket_store: OwnBucket) -> Bucket:
    return bucket_store.bucket()


@pytest.fixture(name="lake")
def a_lake_with_two_hits_of_a_closed_day(bucket: Bucket, tmp_path: Path) -> Lake:
    lake = lake_in(bucket, tmp_path)
    put(lake, [view(1, "/a", DAY)], 1)
    close(lake, [day_number(DAY)])
    put(lake, [view(2, "/b", date(2026, 3, 2))], 2)
    return lake


@pytest.fixture(name="lost")
def what_the_first_file_has(lake: Lake, bucket: Bucket) -> Iterator[tuple[str, bytes]]:
    """The name and the content of a file that is deleted."""
    address = lake.snapshot("hits").file_uris(file_pruning_predicate=f"day = '{DAY}'")
    name = bucket.name_of(address[0])
    content = bucket.read(name)
    bucket.delete(name)
    yield name, content


def test_what_is_missing_for_minutes_is_told_once_and_no_part_of_the_lake(
    lake: Lake, bucket: Bucket, lost: tuple[str, bytes]
) -> None:
    clock = Clock()
    one, other = (LostFiles(lake, bucket, clock) for _ in range(2))
    assert not [*one.take_out(), *other.take_out()]

    clock.now = CERTAIN_AFTER
    (line,) = one.take_out()

    assert f"{lost[0]} is missing: it is out of the table, and with it 1 row" in line
    assert "2026-03-01" in line
    assert not [*one.take_out(), *other.take_out()]
    assert paths(lake) == ["/b"]
    assert list(damages(lake)) == [line]


def test_what_is_only_missing_now_and_then_stays(
    lake: Lake, bucket: Bucket, lost: tuple[str, bytes]
) -> None:
    clock = Clock()
    seen = LostFiles(lake, bucket, clock)
    list(seen.take_out())
    bucket.put(*lost)
    clock.now = CERTAIN_AFTER
    list(seen.take_out())
    bucket.delete(lost[0])
    clock.now += CERTAIN_AFTER / 2
    assert not list(seen.take_out())

    bucket.put(*lost)
    assert paths(lake) == ["/a", "/b"]


def test_what_is_there_though_it_is_not_listed_stays(
    lake: Lake, bucket: Bucket
) -> None:
    clock = Clock()
    forgetful = Forgetful(bucket.name, bucket.prefix, bucket.options)
    seen = LostFiles(lake, forgetful, clock)
    list(seen.take_out())
    clock.now = CERTAIN_AFTER
    assert not list(seen.take_out())
    assert paths(lake) == ["/a", "/b"]
