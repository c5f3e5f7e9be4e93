"""The format version: newer is refused, older is migrated and its copy kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from page_tracker.lake.folder_format import (
    FORMAT,
    FORMAT_FILE,
    FormatError,
    require_folder,
)
from page_tracker.store.format import FORMAT_KEY, require_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "hits").write_text("old hits")
    return tmp_path


@pytest.fixture
def store(redis_client: Redis) -> Iterator[Redis]:
    redis_client.flushall()
    yield redis_client
    redis_client.delete(FORMAT_KEY)


def write(folder: Path) -> None:
    hits = folder / "lake" / "hits"
    hits.write_text(hits.read_text().replace("old", "new"))


def format_of(folder: Path) -> int:
    return int(json.loads((folder / FORMAT_FILE).read_text())["format"])


def test_a_new_folder_and_store_begin_with_our_format(
    tmp_path: Path, store: Redis
) -> None:
    require_folder(tmp_path / "new")
    require_store(store)

    assert format_of(tmp_path / "new") == FORMAT
    assert store.get(FORMAT_KEY) == b"%d" % FORMAT


def test_a_newer_one_is_refused_in_a_line_and_nothing_is_touched(
    folder: Path, store: Redis
) -> None:
    (folder / FORMAT_FILE).write_text('{"format": 2}')
    store.set(FORMAT_KEY, 2)

    with pytest.raises(FormatError, match="has format 2, written by a newer"):
        require_folder(folder)
    with pytest.raises(FormatError, match="the Redis store has format 2"):
        require_store(store)
    assert format_of(folder) == 2


def test_nonsense_in_its_place_is_refused(folder: Path) -> None:
    (folder / FORMAT_FILE).write_text("{")

    with pytest.raises(FormatError, match="does not say which format"):
        require_folder(folder)


def test_an_older_folder_is_migrated_and_its_copy_kept(folder: Path) -> None:
    (folder / FORMAT_FILE).write_text('{"format": 1}')

    require_folder(folder, newest=2, steps={1: write})

    assert format_of(folder) == 2
    assert (folder / "lake" / "hits").read_text() == "new hits"
    assert (folder / "format-1" / "lake" / "hits").read_text() == "old hits"


@pytest.mark.parametrize("mirror", ["mirror.json", "people.json", "annotations.json"])
def test_the_copy_has_each_mirror_of_the_store(folder: Path, mirror: str) -> None:
    (folder / FORMAT_FILE).write_text('{"format": 1}')
    (folder / mirror).write_text("old")

    require_folder(folder, newest=2, steps={1: write})

    assert (folder / "format-1" / mirror).read_text() == "old"


def test_a_migration_that_was_killed_begins_from_the_copy(folder: Path) -> None:
    (folder / FORMAT_FILE).write_text('{"format": 1}')

    def die(folder: Path) -> None:
        (folder / "lake" / "hits").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        require_folder(folder, newest=2, steps={1: die})
    require_folder(folder, newest=2, steps={1: write})

    assert (folder / "lake" / "hits").read_text() == "new hits"


def test_an_older_store_is_migrated_and_its_copy_kept(store: Redis) -> None:
    store.set(FORMAT_KEY, 1)
    store.hset("pt:sites", "a", "old")
    store.set("page_views", 7)

    def rename(redis: Any) -> None:
        redis.hset("pt:sites", "a", "new")

    require_store(store, newest=2, steps={1: rename})

    assert store.hget("pt:sites", "a") == b"new"
    assert store.get(FORMAT_KEY) == b"2"
    assert store.hkeys("pt:{format-1}") == [b"pt:sites"]
    assert store.get("page_views") == b"7"
