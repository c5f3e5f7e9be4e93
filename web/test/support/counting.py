"""Views counted by the application in this very process."""

import os

from page_tracker.app import app
from support.load import stated


def count_views(redis_url: str, views: int) -> list[int]:
    """So many requests, one after the other; returns the numbers stated."""
    os.environ["REDIS_URL"] = redis_url
    client = app.test_client()
    return [stated(client.get("/").text) for _ in range(views)]
