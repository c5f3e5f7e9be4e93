"""One site of a real store, behind the senders' endpoints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from page_tracker.collect import direct as unbatched
from page_tracker.store.registry import Registry
from support.door import SITE, Door
from support.own_redis import own_redis


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with (
        own_redis(tmp_path_factory.mktemp("store")) as server,
        server.client() as client,
    ):
        yield client


@pytest.fixture
def door(
    store: Redis,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Door:
    """One site, of which nothing is stored yet; a clock that the test moves."""
    store.flushall()
    opened = Door(store, Registry(store, tmp_path_factory.mktemp("sites")))
    opened.sites.add(SITE, {})
    monkeypatch.setattr(unbatched, "time", opened)
    return opened
