"""A lake whose log or folder is gone: nothing starts over without a word."""

import os
import shutil
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from page_tracker.cli import main
from page_tracker.lake.damage import damages
from page_tracker.lake.strays import OlderLogError
from page_tracker.lake.table import Lake, LakeLogGoneError, append
from page_tracker.lake.table_log import LOG
from page_tracker.query.problem import LakeAwayError
from page_tracker.schema import HITS
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.stream import Stream
from page_tracker.upkeep.lake_upkeep import Upkeep
from page_tracker.wiring.lake_asking import open_lake_asking
from page_tracker.writer.writer import Done, LakeLostError, Writer
from support.hits import SITE, row, send
from support.importing import History, line, write
from support.lake import files_in, paths


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for number, path in enumerate(("/a", "/b"), 1):
        append(lake.snapshot("hits"), HITS, [row(path, 20_700)], "x", number)
    return lake


def drain(redis: Redis, lake: Lake) -> None:
    writer = Writer(Stream(redis), lake)
    while writer.round() is not Done.NOTHING:
        pass


@pytest.mark.parametrize("leaves_folder", [True, False])
def test_where_files_lie_without_a_log_no_table_begins_and_none_goes(
    lake: Lake, leaves_folder: bool
) -> None:
    assert lake.folder
    log = lake.folder / "hits" / "_delta_log"
    shutil.rmtree(log)
    if leaves_folder:
        log.mkdir()
    before = set(lake.files_in_folder("hits"))

    with pytest.raises(LakeLogGoneError, match="files of data and no log.*recover"):
        append(lake.snapshot("hits"), HITS, [row("/c", 20_700)], "x", 1)
    with pytest.raises(LakeLogGoneError):
        Upkeep(lake).tidy(20_800 * 86_400.0)

    assert set(lake.files_in_folder("hits")) == before and len(before) == 2
    assert not list(log.glob("*")) if leaves_folder else not log.exists()


def test_a_store_goes_on_with_no_new_lake_in_place_of_its_own(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    redis_client.flushall()
    mounted, elsewhere = tmp_path / "lake", tmp_path / "unmounted"
    lake = Lake(str(mounted))
    send(redis_client, "/a")
    drain(redis_client, lake)
    mounted.rename(elsewhere)

    for waiting in range(2):
        with pytest.raises(LakeLostError, match="1 hits and drops of shard 0"):
            drain(redis_client, lake)
        send(redis_client, f"/new/{waiting}")
        # Nor does a process that was just started answer that there was nobody.
        settings = Settings(redis_url=redis_url, data=tmp_path, lake=str(mounted))
        with pytest.raises(LakeAwayError, match="have gone to another one"):
            open_lake_asking(settings).days(SITE.id)

    assert not [file for file in files_in(lake) if file.suffix == ".parquet"]
    shutil.rmtree(mounted)
    elsewhere.rename(mounted)
    assert open_lake_asking(settings).days(SITE.id)
    drain(redis_client, lake)
    assert paths(lake) == ["/a", "/new/0", "/new/1"]


def test_a_lake_restored_from_an_older_copy_is_told_and_goes_on(
    redis_client: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.flushall()
    lake = Lake(str(tmp_path / "lake"))
    for number in range(3):
        send(redis_client, f"/{number}")
        drain(redis_client, lake)
        if number == 0:
            shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    assert not caplog.text
    shutil.rmtree(tmp_path / "lake")
    (tmp_path / "copy").rename(tmp_path / "lake")

    send(redis_client, "/3")
    drain(redis_client, lake)

    assert caplog.text.count("the lake lacks 2 batches") == 1
    assert paths(lake) == ["/0", "/3"]


KEPT = [f"/{number}" for number in range(6)]


class World:
    """A data folder with a store, and a lake with all that lies in one."""

    def __init__(self, data: Path, redis: Redis) -> None:
        self.data, self.redis = data, redis
        self.lake = Lake(str(data / "lake"))
        self.history = History(data, redis, Site(id=SITE.id))
        assert self.lake.folder
        self.log = self.lake.folder / "hits" / "_delta_log"
        self.notes = self.lake.folder / "replaced"

    def drain(self) -> None:
        drain(self.redis, self.lake)

    def run(self, url: str, *arguments: str) -> Result:
        environment = {"REDIS_URL": url, "PAGE_TRACKER_DATA": str(self.data)}
        return CliRunner().invoke(main, [*arguments, "--yes"], env=environment)

    def recover(self, url: str, *options: str) -> str:
        ended = self.run(url, "recover", *options)
        assert ended.exit_code == 0, ended.output
        return ended.output


@pytest.fixture
def world(tmp_path: Path, redis_client: Redis) -> World:
    redis_client.flushall()
    world = World(tmp_path, redis_client)
    for path in KEPT:
        send(redis_client, path)
        world.drain()
    return world


def test_a_log_is_built_anew_with_each_row_once_though_files_were_merged(
    world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(world.data / "access.log", [line(f"/i{n}", n) for n in range(3)])
    world.history.run(log)
    Upkeep(world.lake, quiet=0).trim()
    files = len(world.lake.files_in_folder("hits"))
    assert files > len(world.lake.snapshot("hits").file_uris())
    send(world.redis, "/6")
    Writer(Stream(world.redis), world.lake).round()  # in the lake, and waits yet
    send(world.redis, "/7")
    shutil.rmtree(world.log)

    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Pacific/Kiritimati")
        said = world.recover(redis_url)

    assert "6 files had been replaced by others" in said
    told = world.lake.snapshot("hits").get_add_actions(flatten=True)["max.time"]
    assert max(told.to_pylist()).timestamp() <= time.time() + 60  # it is UTC
    world.drain()
    assert paths(world.lake) == [*KEPT, "/6", "/7", "/i0", "/i1", "/i2"]
    assert not world.history.run(log).tally.pageviews
    Upkeep(world.lake).tidy(time.time())
    assert len(paths(world.lake)) == 11
    world.history.undo("1")
    assert paths(world.lake) == [*KEPT, "/6", "/7"]
    assert "Nothing is to be recovered" in world.recover(redis_url)


@pytest.mark.parametrize("wanted", [False, True])
def test_rows_that_newer_files_lack_come_back_only_where_that_is_asked_for(
    world: World, redis_url: str, wanted: bool
) -> None:
    Upkeep(world.lake, quiet=0).trim()
    with world.lake.using("hits") as hits:
        hits.delete("path = '/3'")
    shutil.rmtree(world.log)
    shutil.rmtree(world.notes)

    said = world.recover(redis_url, *(["--with-doubtful"] if wanted else []))

    assert "1 rows of" in said and "that no newer file has" in said
    assert paths(world.lake) == [p for p in KEPT if wanted or p != "/3"]
    assert list(world.data.glob("lake/damaged/hits/*.parquet"))


def test_a_damaged_log_and_a_file_that_cannot_be_read_are_recovered_from(
    world: World, redis_url: str
) -> None:
    file = Path(world.lake.snapshot("hits").file_uris()[0])
    content = bytearray(file.read_bytes())
    content[40:1040] = bytes(1000)
    file.write_bytes(content)
    sorted(world.log.glob("*.json"))[3].write_text("{")

    assert f"{file.name} cannot be read" in world.recover(redis_url)

    assert len(paths(world.lake)) == 5
    assert any(file.name in line for line in damages(world.lake))


def test_no_file_goes_that_a_log_from_an_older_copy_does_not_know(
    world: World, redis_url: str
) -> None:
    last = max(world.log.glob("*.json"))
    last.unlink()
    for file in world.lake.files_in_folder("hits"):
        os.utime(file, (1, 1))
    with pytest.raises(OlderLogError, match="1 file with 1 hit .* recover"):
        Upkeep(world.lake).trim()

    assert "6 files with 6 rows" in world.recover(redis_url)

    file = world.lake.files_in_folder("hits")[0]
    left = file.with_name("of-a-killed-process.parquet")
    shutil.copy2(file, left)
    Upkeep(world.lake).trim()
    assert paths(world.lake) == KEPT and not left.exists()


def test_a_recovery_that_is_killed_is_finished_by_the_same_command(
    world: World, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Upkeep(world.lake, quiet=0).trim()
    with world.lake.using("hits") as hits:
        hits.delete("path = '/3'")
    shutil.rmtree(world.log)
    shutil.rmtree(world.notes)

    def killed(path: Path, _: Path) -> Path:
        raise OSError(f"killed at {path}")

    with monkeypatch.context() as at_its_end:
        rename = Path.rename
        at_its_end.setattr(
            *(Path, "rename"),
            lambda path, to: (killed if path.name == LOG else rename)(path, to),
        )
        with pytest.raises(AssertionError, match="killed at"):
            world.recover(redis_url, "--with-doubtful")

    world.recover(redis_url, "--with-doubtful")
    assert paths(world.lake) == KEPT
    assert len(list(damages(world.lake))) == 1


def test_a_table_of_a_lake_is_not_taken_for_a_lake(
    world: World, redis_url: str
) -> None:
    with pytest.raises(AssertionError, match="is a table of a lake, and no lake"):
        world.recover(redis_url, "--lake", f"{world.lake.uri}/hits")


def test_a_new_lake_begins_with_a_yes(world: World, redis_url: str) -> None:
    shutil.rmtree(world.data / "lake")
    send(world.redis, "/new")
    with pytest.raises(LakeLostError):
        world.drain()

    away = world.run(redis_url, "move", "--to-lake", f"{world.data}/there")
    assert "6 hits and drops" in away.output and away.exit_code == 1

    assert "6 hits and drops" in world.recover(redis_url)

    world.drain()
    assert paths(world.lake) == ["/new"]
