"""The server that the applications of these tests are counted by, and what it holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from counted import Counted, counted_by


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A server that believes this machine's word for visitors' addresses."""
    folder: Path = tmp_path_factory.mktemp("counted")
    with counted_by(folder / "data", PAGE_TRACKER_TRUSTED_PROXIES="127.0.0.1") as found:
        yield found
