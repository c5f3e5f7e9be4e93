"""A disk without room: no false acknowledgement, and all goes on once there is room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from page_tracker.lake.table import Lake
from support.disks import filled, small_disk
from support.hitting import SITE, Sent, hitting
from support.lake import paths
from support.processes import command, serving, wait_until

CONNECTIONS = 4
TRUST = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 120 MB."""
    with small_disk(tmp_path / "disk", 120) as disk:
        yield disk


def acknowledges_again(sent: Sent) -> None:
    before = len(sent.acknowledged)
    wait_until(lambda: len(sent.acknowledged) > before + 2 * CONNECTIONS)


def refuses_again(sent: Sent) -> None:
    """Wait until hits are refused that were sent after this moment."""
    before = sent.statuses[503]
    wait_until(lambda: sent.statuses[503] > before + 2 * CONNECTIONS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["redis and lake", "redis"])
def test_a_full_disk_acknowledges_nothing_that_is_lost_and_is_survived(
    tmp_path: Path, disk: Path, request: pytest.FixtureRequest, what: str
) -> None:
    data = disk / "data"
    lake = data / "lake" if what == "redis and lake" else tmp_path / "lake"
    environment = TRUST | {"PAGE_TRACKER_LAKE": str(lake)}
    is_long = bool(request.config.getoption("--long"))
    each_second = 0 if is_long else 100
    command("site", "add", SITE, "--data", str(data))
    with serving(data, **environment) as server:
        with hitting(server.url, CONNECTIONS, each_second=each_second) as sent:
            for _ in range(6 if is_long else 2):
                acknowledges_again(sent)
                with filled(disk):
                    refuses_again(sent)
                acknowledges_again(sent)
        wait_until(lambda: not list(data.glob("spool/*")))
        assert f"as the disk that {data} is on is full" in server.said()
        assert "damaged" not in server.said()
        assert sent.without_retry_after == 0
        assert set(sent.statuses) <= {0, 202, 503}
    command("writer", "--once", "--data", str(data), **environment)
    sent.must_be_stored_once(paths(Lake(str(lake))))
