"""Damage in the lake: found at start, set aside, said; the rest goes on."""

from pathlib import Path

import pytest
from redis import Redis

from page_tracker.days import date_of
from page_tracker.lake.damage import (
    DamagedLakeError,
    damages,
    mend,
    unreadable_set_aside,
)
from page_tracker.lake.table import Lake, append, position
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.snapshot import Reading
from page_tracker.schema import DROPS, HITS
from page_tracker.sites.site import Site
from page_tracker.store.stream import Stream
from page_tracker.upkeep.lake_upkeep import Upkeep
from page_tracker.writer.service import AWAY
from page_tracker.writer.writer import Done, Writer
from support.hits import row, send
from support.lake import paths


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for path in ("/a", "/b"):
        hits = lake.snapshot("hits")
        append(hits, HITS, [row(path, 20_700)], "x", position(hits, "x") + 1)
    return lake


def last_file(lake: Lake) -> Path:
    return Path(lake.snapshot("hits").file_uris()[0])


def test_a_sound_lake_is_left_alone(lake: Lake) -> None:
    assert not list(mend(lake))


@pytest.mark.parametrize("harm", ["cut short", "overwritten", "gone"])
def test_a_damaged_file_is_out_of_the_table_and_named(lake: Lake, harm: str) -> None:
    file = last_file(lake)
    content = file.read_bytes()
    if harm == "cut short":
        file.write_bytes(content[:100])
    elif harm == "overwritten":
        file.write_bytes(bytes(len(content)))
    else:
        file.unlink()

    line = "".join(mend(lake))

    assert file.name in line and "1 row of 2026-09-04" in line
    assert len(paths(lake)) == 1
    assert not list(mend(lake))


@pytest.mark.parametrize("begin", [4, 40])
def test_a_file_that_is_damaged_within_is_an_error_that_upkeep_survives(
    lake: Lake, begin: int
) -> None:
    file = last_file(lake)
    content = bytearray(file.read_bytes())
    content[begin : begin + 1000] = bytes(each ^ 0x5A for each in content[begin:])[
        :1000
    ]
    file.write_bytes(content)

    with pytest.raises(AWAY, match="files cannot be read"):
        Upkeep(lake).tidy(20_800 * 86_400.0)


def test_a_half_written_last_commit_is_written_again_from_the_stream(
    redis_client: Redis, tmp_path: Path
) -> None:
    redis_client.flushall()
    lake = Lake(str(tmp_path / "new"))
    for path in ("/a", "/b"):
        send(redis_client, path)
        Writer(Stream(redis_client), lake).round()
    assert lake.folder
    log = sorted((lake.folder / "hits" / "_delta_log").glob("*.json"))[-1]
    log.write_bytes(log.read_bytes()[:200])

    line = "".join(mend(lake))

    assert "last commit" in line
    writer = Writer(Stream(redis_client), lake)
    while writer.round() is not Done.NOTHING:
        pass
    assert paths(lake) == ["/a", "/b"]


def test_a_log_that_is_damaged_further_back_is_named_with_what_to_do(
    lake: Lake,
) -> None:
    assert lake.folder
    log = sorted((lake.folder / "hits" / "_delta_log").glob("*.json"))[1]
    log.write_bytes(b"{")

    with pytest.raises(DamagedLakeError, match="restore the lake from a backup"):
        list(mend(lake))


def test_commits_of_one_number_of_two_tables_are_set_aside_both(lake: Lake) -> None:
    assert lake.folder
    append(lake.snapshot("drops"), DROPS, [], "x", 1)
    append(lake.snapshot("drops"), DROPS, [], "x", 2)
    for name in ("hits", "drops"):
        log = sorted((lake.folder / name / "_delta_log").glob("*.json"))[-1]
        assert log.name == f"{2:020d}.json"
        log.write_text(f"half of a commit to {name}")

    lines = list(mend(lake))

    assert len(lines) == 2
    kept = {file.read_text() for file in lake.folder.glob("damaged/*/*.json")}
    assert kept == {"half of a commit to hits", "half of a commit to drops"}


def test_a_damaged_old_file_keeps_nothing_else_from_being_closed_or_merged(
    lake: Lake,
) -> None:
    old, late = last_file(lake), 20_800
    harmed = bytearray(old.read_bytes())
    harmed[40:1040] = bytes(each ^ 0x5A for each in harmed[40:1040])
    old.write_bytes(harmed)
    for number in range(20):
        hits = lake.snapshot("hits")
        append(hits, HITS, [row(f"/{number}", late)], "x", position(hits, "x") + 1)

    with pytest.raises(DamagedLakeError, match="1 row of 2026-09-04") as told:
        with unreadable_set_aside(lake):
            Upkeep(lake).tidy((late + 3) * 86_400.0)

    assert str(old) in str(told.value)
    assert len(lake.snapshot("hits").file_uris()) == 2
    assert Reading(lake).sources([date_of(late)]).closed
    Upkeep(lake).tidy((late + 3) * 86_400.0)
    assert len(paths(lake)) == 21
    assert any(str(old) in line for line in damages(lake))


def test_a_file_lost_while_running_is_left_out_of_answers_and_told_once(
    lake: Lake,
) -> None:
    asking = LakeAsking(Reading(lake), Engine())
    question = {
        "site_id": "example.com",
        "metrics": ["pageviews"],
        "date_range": ["2026-09-04", "2026-09-04"],
    }

    def views() -> object:
        query = asking.understand(question, Site(id="example.com"), 20_800 * 86_400.0)
        return asking.report(query).rows[0].metrics[0]

    assert views() == 2
    lost = last_file(lake)
    lost.unlink()
    append(lake.snapshot("hits"), HITS, [row("/c", 20_700)], "x", 3)

    assert views() == 2
    assert any(str(lost) in line for line in damages(lake))
    assert [lost.name in line for line in mend(lake)] == [True]
    assert not list(mend(lake))
    assert views() == 2
    assert any(str(lost) in line for line in damages(lake))
