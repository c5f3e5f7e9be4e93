"""A damaged append-only file: its end is mended by itself, the rest with a yes."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from page_tracker.cli import main
from page_tracker.lake.table import Lake
from page_tracker.processes import embedded
from page_tracker.processes.append_only_file import (
    KEPT_ASIDE,
    DamagedStoreError,
    Look,
    forget_aside,
    look,
    mend,
    set_aside,
)
from page_tracker.settings import Settings
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.stream import Stream
from page_tracker.writer.writer import Done, Writer
from support.hits import SITE, send
from support.lake import paths
from support.own_redis import own_redis
from support.processes import serving, wait_until


def store_with(data: Path, *paths_: str) -> Path:
    """A data folder whose store has a site and a batch for each path; its file."""
    data.mkdir()
    with own_redis(data) as server, server.client() as redis:
        Sites(Registry(redis, data)).add(SITE.id, {})
        for path in paths_:
            send(redis, path)
    (file,) = (data / "redis" / "appendonlydir").glob("*.incr.aof")
    return file


def waiting(redis: Redis) -> list[str]:
    return [r[5] for entry in Stream(redis).read(0, 100) for r in entry.rows()]


ENDS = {
    "cut short": lambda content: content[:-50],
    "cut in the middle of its last batch": lambda content: content[
        : content.rindex(b"sites\r\n") + 40
    ],
    "cut in a site's name": lambda content: content[
        : content.rindex(b"sites\r\n") + 17
    ],
    "zeros": lambda content: content[:-50] + bytes(4096),
    "zeros after all": lambda content: content + bytes(4096),
    "garbage": lambda content: content[:-20] + bytes(range(256)) * 16,
    "a command that is none": lambda content: content + b"*2\r\n$3\r\nSET\r\n$9\r\n",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_damaged_end_is_mended_with_a_word_and_the_file_set_aside(
    tmp_path: Path, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = store_with(tmp_path / "data", "/a", "/b", "/c")
    harmed = ENDS[end](file.read_bytes())
    file.write_bytes(harmed)
    lost = len(harmed) - look(file).whole

    with embedded.redis_of(Settings(data=tmp_path / "data")) as url:
        with Redis.from_url(url) as redis:
            found = waiting(redis)

    assert found in (["/a", "/b"], ["/a", "/b", "/c"])
    assert f"the last {lost} bytes" in caplog.text and "may be gone" in caplog.text
    if found == ["/a", "/b"]:
        is_named = end != "cut in a site's name"
        assert (", of " in caplog.text) == (f"of {SITE.id}" in caplog.text) == is_named
    (aside,) = (tmp_path / "data" / "redis").glob("*.damaged")
    assert aside.read_bytes() == harmed


def test_serve_mends_a_damaged_end_by_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = store_with(data, "/a", "/b")
    file.write_bytes(file.read_bytes() + bytes(100))

    with serving(data):
        wait_until(lambda: paths(Lake(str(data / "lake"))) == ["/a", "/b"])


def test_of_a_server_that_was_killed_no_file_is_said_to_be_damaged(
    tmp_path: Path,
) -> None:
    """Its log tells how it read them."""
    with own_redis(tmp_path) as server:
        server.kill()
    log = tmp_path / "redis.log"
    assert "AOF" in log.read_text()
    assert mend(tmp_path / "redis", log) == ""


@pytest.mark.parametrize("name", ["*.base.rdb", "*.manifest"])
def test_a_damaged_file_beside_it_is_told_with_what_to_do(
    tmp_path: Path, name: str
) -> None:
    (file,) = store_with(tmp_path / "data", "/a").parent.glob(name)
    file.write_bytes(b"rubbish" * 20)

    with pytest.raises(DamagedStoreError, match="the store cannot be read.*recover"):
        with embedded.redis_of(Settings(data=tmp_path / "data")):
            pass


def test_a_damaged_middle_begins_anew_with_a_yes_and_gets_back_what_the_lake_has(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    file = store_with(data, "/a", "/b")
    lake = Lake(str(data / "lake"))
    with embedded.redis_of(Settings(data=data)) as url, Redis.from_url(url) as redis:
        writer = Writer(Stream(redis), lake)
        while writer.round() is not Done.NOTHING:
            pass
    content = file.read_bytes()
    middle = content.index(b"$4\r\nXADD")
    file.write_bytes(content[:middle] + b"\0" * 20 + content[middle + 20 :])

    with pytest.raises(DamagedStoreError, match="damaged after its.*recover"):
        with embedded.redis_of(Settings(data=data)):
            pass
    asked = CliRunner().invoke(main, ["recover", "--data", str(data)], input="n\n")
    assert asked.exit_code == 1 and file.exists()
    done = CliRunner().invoke(main, ["recover", "--data", str(data), "--yes"])

    assert done.exit_code == 0, done.output
    with embedded.redis_of(Settings(data=data)) as url, Redis.from_url(url) as redis:
        registry = Registry(redis, data)
        registry.synchronise()
        assert [site.id for site in Sites(registry).all()] == [SITE.id]
        send(redis, "/new")
        while Writer(Stream(redis), lake).round() is not Done.NOTHING:
            pass
    assert paths(lake) == ["/a", "/b", "/new"]
    assert list((data / "redis").glob("appendonlydir-damaged/*.aof"))


def test_a_whole_file_is_whole_and_half_a_transaction_is_not(tmp_path: Path) -> None:
    file = store_with(tmp_path / "data", "/a")
    content = file.read_bytes()
    assert look(file) == Look(len(content), len(content))

    half = b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\nx\r\n"
    file.write_bytes(content + half)

    assert look(file) == Look(len(content), len(content + half))


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file as the server writes it."""
    return store_with(tmp_path_factory.mktemp("aof") / "data", "/a", "/b").read_bytes()


@given(data=st.data())
def test_cut_anywhere_it_is_an_end_and_what_is_whole_stays(
    content: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(content)))
    after = data.draw(st.sampled_from([b"", bytes(64), b"\xff" * 64, b"*1\r\n$9\r\n"]))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(content[:cut] + after)
        found = look(file)
        file.write_bytes(content[: found.whole])
        again = look(file)

    assert not found.goes_on and found.size == cut + len(after)
    assert again == Look(found.whole, found.whole)
    assert content[found.whole :].startswith((b"*", b"#")) or found.whole == cut


def test_what_was_set_aside_goes_after_two_days_with_its_keys(tmp_path: Path) -> None:
    file = store_with(tmp_path / "data", "/a")
    for _ in range(2):
        file.write_bytes(file.read_bytes() + b"half")
        with embedded.redis_of(Settings(data=tmp_path / "data")):
            pass
    store = tmp_path / "data" / "redis"
    set_aside(store)
    aside = set(store.glob("*damaged*"))
    assert len(aside) == 3

    forget_aside(store, time.time() + KEPT_ASIDE - 60)
    assert set(store.glob("*damaged*")) == aside
    forget_aside(store, time.time() + KEPT_ASIDE + 60)
    assert not set(store.glob("*damaged*"))
