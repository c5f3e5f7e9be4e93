"""A lake that is moved: the copy has all that it had, and writers go on there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest

from page_tracker.days import day_number
from page_tracker.errors import LakeError
from page_tracker.lake.data_files import files_of
from page_tracker.lake.moving import (
    Left,
    TargetLakeError,
    begin,
    copy_most,
    copy_rest,
    end,
    is_moving,
)
from page_tracker.lake.place import FolderPlace
from page_tracker.lake.table import TABLES, Lake, LakeLogGoneError, append, position
from page_tracker.lake.vacuum import clean_up
from page_tracker.schema import DROPS
from page_tracker.upkeep.day_tables import close
from support.asked import put, view
from support.lake import ask, dropped, paths
from support.own_bucket import OwnBucket, lake_in

DAYS = [date(2026, 3, day) for day in (1, 2, 3)]
NO_GRACE = timedelta(0)


def _unseen(_left: Left) -> None:
    """Nobody watches."""


def moved(source: Lake, target: Lake) -> Lake:
    begin(source, target)
    copy_most(source, target, _unseen)
    copy_rest(source, target, _unseen)
    end(target)
    return target


def states(lake: Lake) -> dict[str, object]:
    """What each table has: its rows, and how far every application is."""
    found: dict[str, object] = {}
    for name in TABLES:
        table = lake.snapshot(name)
        files = sorted((each.path[-60:], each.rows) for each in files_of(table))
        found[name] = files, position(table, "tests"), position(table, "closed3:20513")
    return found


@pytest.fixture(name="made", scope="module")
def a_lake_that_is_copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two closed days, one that is not, and drops."""
    folder = tmp_path_factory.mktemp("made") / "lake"
    lake = Lake(str(folder), grace=NO_GRACE)
    put(lake, [view(1, day=DAYS[0]), view(2, "/secret", DAYS[1])], 1)
    close(lake, [*map(day_number, DAYS[:2])])
    put(lake, [view(3, "/1", DAYS[2])], 2)
    some = (day_number(DAYS[0]), "a.org", "bot", "a bot", 7, "2026-03")
    append(lake.snapshot("drops"), DROPS, [some], "tests", 1)
    return folder


@pytest.fixture(name="source")
def a_lake(made: Path, tmp_path: Path) -> Lake:
    return Lake(str(copytree(made, tmp_path / "lake")), grace=NO_GRACE)


def test_a_lake_is_the_same_in_a_bucket_and_back_in_a_folder(
    source: Lake, bucket_store: OwnBucket, tmp_path: Path
) -> None:
    bucket = lake_in(bucket_store.bucket(), tmp_path / "cache", NO_GRACE)
    there = moved(source, bucket)
    assert states(there) == states(source)
    assert (paths(there), dropped(there)) == (paths(source), 7)
    put(there, [view(4, "/2", DAYS[2])], 3)
    back = moved(there, Lake(str(tmp_path / "back"), grace=NO_GRACE))
    assert paths(back) == sorted([*paths(source), "/2"])
    configured = back.snapshot("hits").metadata().configuration
    assert configured == source.snapshot("hits").metadata().configuration
    for name in TABLES:
        clean_up(back, name)
    put(back, [view(5, "/3", DAYS[2])], 4)
    assert len(paths(back)) == len(paths(source)) + 2


def test_what_is_written_merged_and_deleted_meanwhile_is_in_the_copy(
    source: Lake, tmp_path: Path
) -> None:
    """Each time that a file is copied, others become those that count."""
    changes: Iterator[int] = iter(range(2, 8))

    def change(left: Left) -> None:
        if left.table == "hits" and (number := next(changes, 0)):
            put(source, [view(10 + number, f"/{number}", DAYS[2])], 1 + number)
            source.snapshot("hits").optimize.compact()
            source.snapshot("hits").delete(f"path = '/{number - 1}'")
            clean_up(source, "hits")

    target = Lake(str(tmp_path / "there"), grace=NO_GRACE)
    begin(source, target)
    copy_most(source, target, change)
    copy_rest(source, target, change)
    end(target)
    assert states(target) == states(source)
    assert ask(target, "SELECT * FROM hits ORDER BY time") == ask(
        source, "SELECT * FROM hits ORDER BY time"
    )


def test_a_move_that_is_killed_at_any_file_goes_on(
    source: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Lake(str(tmp_path / "there"), grace=NO_GRACE)
    put_whole, left = FolderPlace.put, 0

    def put_some(place: FolderPlace, *file: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        put_whole(place, *file)

    monkeypatch.setattr(FolderPlace, "put", put_some)
    kills = 0
    while True:
        left = 3
        try:
            moved(source, target)
            break
        except KeyboardInterrupt:
            kills += 1
            assert is_moving(target)
            if kills < 3:
                put(source, [view(10 + kills, f"/{kills}", DAYS[2])], 2 + kills)
    assert kills > 5
    assert states(target) == states(source)


def test_nobody_begins_in_a_copy_of_which_only_data_is_there(
    source: Lake, tmp_path: Path
) -> None:
    target = Lake(str(tmp_path / "there"))
    begin(source, target)
    copy_most(source, target, _unseen)
    with pytest.raises(LakeLogGoneError):
        target.snapshot("hits")


def test_only_an_empty_place_is_taken(source: Lake, tmp_path: Path) -> None:
    target = Lake(str(tmp_path / "there"))
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a-file").touch()
    with pytest.raises(TargetLakeError, match="there is not empty; name a place with"):
        begin(source, target)
    (tmp_path / "there" / "a-file").unlink()
    begin(Lake("/elsewhere"), target)
    with pytest.raises(TargetLakeError, match="a move from /elsewhere to .* was begun"):
        begin(source, target)


@pytest.mark.parametrize("place", ["", "copy", "hits/month=2026-01", ".."])
def test_no_lake_is_moved_into_itself(source: Lake, place: str) -> None:
    """Upkeep of the one would delete the other's files, and so would who removes it."""
    with pytest.raises(TargetLakeError, match="lie in one another"):
        begin(source, Lake(f"{source.uri}/{place}"))


def test_a_table_without_a_log_is_not_left_behind(source: Lake, tmp_path: Path) -> None:
    rmtree(Path(source.uri) / "hits" / "_delta_log")
    with pytest.raises(LakeLogGoneError):
        begin(source, Lake(str(tmp_path / "there")))


def test_a_file_that_is_lost_is_named(source: Lake, tmp_path: Path) -> None:
    lost = Path(files_of(source.snapshot("hits"))[0].path)
    lost.unlink()
    target = Lake(str(tmp_path / "there"))
    begin(source, target)
    with pytest.raises(LakeError, match=f"{lost.name} of .* is missing or damaged"):
        copy_most(source, target, _unseen)
