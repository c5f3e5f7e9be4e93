"""Damage in the lake: found at start, set aside, said; the rest goes on."""

from pathlib import Path

import pytest
from redis import Redis

from page_tracker.collect.stream import Stream
from page_tracker.lake.damage import DamagedLakeError, mend
from page_tracker.lake.service import AWAY
from page_tracker.lake.table import Lake, append, position
from page_tracker.lake.upkeep import Upkeep
from page_tracker.lake.writer import Done, Writer
from page_tracker.schema import HITS
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

    assert file.name in line and "1 rows of 2026-09-04" in line
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

    with pytest.raises(DamagedLakeError, match="put the lake back from a backup"):
        list(mend(lake))
