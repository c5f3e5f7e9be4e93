"""The history of one site, imported for real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.sites.site import Site
from support.importing import History


@pytest.fixture
def history(tmp_path: Path, redis_client: Redis) -> Iterator[History]:
    """An empty data folder with the site of the real log."""
    site = Site(id="semicomplete.com")
    history = History(tmp_path / "data", redis_client, site)
    yield history
    for import_id in history.live.imports(site.id):
        history.live.remove_import(site.id, import_id)
