"""The servers that the tests talk to: those named by options, else started here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.server import embedded
from page_tracker.settings import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--redis-url", help="the Redis to test with; else one is started")
    parser.addoption("--flask-url", help="the server to test; else one is started")


@pytest.fixture(scope="session")
def redis_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a real Redis."""
    given = request.config.getoption("--redis-url")
    if given:
        yield given
        return
    settings = Settings(data=Path(tmp_path_factory.mktemp("data")))
    with embedded.redis_of(settings) as url:
        yield url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client
