"""Annotations in a real Redis, and their mirror in a real folder."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.sites.annotation import with_annotation
from page_tracker.store.annotations import AnnotationStore, KeptAnnotations
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites

SAID = {"date": "2026-03-01", "text": "a new shop"}


@pytest.fixture
def redis(redis_client: Redis) -> Iterator[Redis]:
    redis_client.flushall()
    yield redis_client
    redis_client.flushall()


def opened(redis: Redis, folder: Path) -> AnnotationStore:
    return AnnotationStore(KeptAnnotations(redis, folder))


def written(store: AnnotationStore, site: str = "a.example") -> None:
    store.change(site, partial(with_annotation, said=SAID, by="ada"))


def test_an_emptied_redis_loses_none(redis: Redis, tmp_path: Path) -> None:
    store = opened(redis, tmp_path)
    assert store.known("a.example") == ()
    written(store)
    written(store, "b.example")
    before = store.known("a.example")
    assert [each.text for each in before] == ["a new shop"]
    redis.flushall()
    assert opened(redis, tmp_path).known("a.example") == before
    redis.flushall()
    written(opened(redis, tmp_path))  # what comes first after that adds to them
    assert len(opened(redis, tmp_path).known("a.example")) == 2
    assert len(store.known("b.example")) == 1


def test_another_process_s_are_seen_at_once(redis: Redis, tmp_path: Path) -> None:
    ours, theirs = opened(redis, tmp_path), opened(redis, tmp_path)
    assert ours.known("a.example") == ()
    written(theirs)
    assert len(ours.known("a.example")) == 1


def test_who_knows_sites_alone_leaves_them_alone(redis: Redis, tmp_path: Path) -> None:
    """As an older Page Tracker does, which rewrites the mirror of sites."""
    store = opened(redis, tmp_path)
    written(store)
    Sites(Registry(redis, tmp_path)).add("a.example", {})
    redis.flushall()
    Sites(Registry(redis, tmp_path)).add("b.example", {})
    assert len(opened(redis, tmp_path).known("a.example")) == 1


def test_those_of_a_site_that_is_removed_are_forgotten(
    redis: Redis, tmp_path: Path
) -> None:
    store = opened(redis, tmp_path)
    written(store)
    written(store, "b.example")
    store.forget("a.example")
    redis.flushall()
    again = opened(redis, tmp_path)
    assert (again.known("a.example"), len(again.known("b.example"))) == ((), 1)
