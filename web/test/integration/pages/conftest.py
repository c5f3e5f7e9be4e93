"""The application in the test's own process, on a real Redis and a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.application import application


@pytest.fixture(autouse=True)
def patched(redis_url: str, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    # pylint: disable-next=contextmanager-generator-missing-cleanup # it cleans up
    with application(redis_url, tmp_path) as patched:
        yield patched
