"""The web application in the tests' own process, on a real Redis and a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from page_tracker import app as app_module
from page_tracker.store import keys
from page_tracker.store import registry as registry_module
from page_tracker.store.accounts import ACCOUNTS_KEY
from page_tracker.store.annotations import ANNOTATIONS_KEY
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY

CACHED = (
    *(app_module.redis, app_module.registry, app_module.sites, app_module.tokens),
    *(app_module.asking, app_module.live, app_module.collector, app_module.accounts),
    app_module.annotation_store,
)
OURS = (keys.guesses("").encode(), b"pt:session", b"pt:link:", b"pt:code:", b"pt:invit")


@contextmanager
def application(
    redis_url: str, folder: Path, **environment: str
) -> Iterator[pytest.MonkeyPatch]:
    """As if it was started now: without sites and tokens, and without waiting."""
    environment = {
        "REDIS_URL": redis_url,
        "PAGE_TRACKER_DATA": str(folder),
        "PAGE_TRACKER_REDIS_TIMEOUT": "10",
        **environment,
    }
    with pytest.MonkeyPatch.context() as patched, Redis.from_url(redis_url) as redis:
        for name, value in environment.items():
            patched.setenv(name, value)
        patched.setattr(registry_module, "LOOK_SECONDS", 0.0)
        patched.setattr("page_tracker.upkeep.deletion_with_imports.FORGET_SECONDS", 0)
        _begin_anew(redis)
        yield patched
        app_module.redis().close()
        _begin_anew(redis)


def _begin_anew(redis: Redis) -> None:
    for cached in CACHED:
        cached.cache_clear()
    known: Any = redis.keys("pt:*")
    found = [key for key in known if key.startswith(OURS)]
    redis.delete(SITES_KEY, TOKENS_KEY, ACCOUNTS_KEY, ANNOTATIONS_KEY, *found)
