"""The application with a real Redis."""

import pytest
from redis import Redis

from page_tracker import app


def test_a_view_is_added_to_page_views(
    redis_client: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    app.redis.cache_clear()
    redis_client.set("page_views", 4)

    response = app.app.test_client().get("/")

    assert response.text == "This page has been seen 5 times."
    assert redis_client.get("page_views") == b"5"
