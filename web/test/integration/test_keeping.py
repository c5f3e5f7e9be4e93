"""What the writer leaves to jobs is done, and what fails in them is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from page_tracker.errors import ProcessError
from page_tracker.lake.closed_days import closed_mark
from page_tracker.lake.table import Lake, append, position
from page_tracker.processes.run_command import run_command
from page_tracker.schema import HITS
from page_tracker.settings import Settings
from page_tracker.store.counters import Live
from page_tracker.store.ingest import submit
from page_tracker.upkeep import health
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.store import open_redis
from page_tracker.wiring.upkeep import open_light_recount, open_light_upkeep
from support.collecting import SITE, sites_of
from support.hits import batch, hit, row
from support.own_redis import own_redis
from support.processes import BIN, clean_environment, wait_until

LONG_AGO = 20_000  # days since 1970


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings whose lake has a view of a day that is over, by another store."""
    data = tmp_path / "data"
    data.mkdir()
    with own_redis(data) as server, server.client() as client:
        settings = Settings(redis_url=server.url, data=data)
        sites_of(client, data).add(SITE, {})
        hits = open_lake(settings).snapshot("hits")
        append(hits, HITS, [row("/a", LONG_AGO, site=SITE)], "x", 1)
        yield settings


def closed(lake: Lake) -> int:
    return position(lake.snapshot("days"), closed_mark(LONG_AGO))


def test_upkeep_has_an_job_close_a_day(settings: Settings) -> None:
    lake = open_lake(settings)
    assert not closed(lake)

    tidy = open_light_upkeep(settings, lake, print)
    tidy()

    mark = closed(lake)
    assert mark
    tidy()
    assert closed(lake) == mark


def test_counters_catch_up_by_an_job(settings: Settings) -> None:
    open_light_recount(settings, open_lake(settings))()

    with open_redis(settings) as redis:
        assert Live(redis).total(SITE) == 1


@contextmanager
def begun(settings: Settings, *words: str) -> Iterator[None]:
    """A command that runs until it is stopped, which ends well."""
    environment = clean_environment(
        REDIS_URL=str(settings.redis_url), PAGE_TRACKER_DATA=str(settings.data)
    )
    command = [str(BIN / "page-tracker"), *words]
    with subprocess.Popen(command, env=environment) as process:
        yield
        process.terminate()
        assert process.wait() == 0


def test_a_writer_leaves_upkeep_to_a_process_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", str(settings.redis_url))
    lake = open_lake(settings)
    with open_redis(settings) as redis, begun(settings, "writer", "--without-upkeep"):
        submit(redis, batch([hit("/b", site=SITE)]))
        wait_until(lambda: lake.snapshot("hits").version() > 1)
        assert Live(redis).total(SITE) == 1
        assert health.main() == "no pass of upkeep has succeeded yet"

        with begun(settings, "upkeep", "--until-stopped"):
            wait_until(lambda: health.main() is None)
            assert closed(lake)
            wait_until(lambda: Live(redis).total(SITE) == 2)


def test_why_an_job_failed_is_told_and_it_is_due_again(settings: Settings) -> None:
    lake = open_lake(settings)
    tidy = open_light_upkeep(settings, lake, print)
    (file,) = (Path(path) for path in lake.snapshot("hits").file_uris())
    content = bytearray(file.read_bytes())
    content[40:1040] = bytes(1000)
    file.write_bytes(content)

    told = "upkeep ended with status 1; .*1 row of 2024-10-04"
    with pytest.raises(ProcessError, match=told):
        tidy()

    hits = lake.snapshot("hits")
    append(hits, HITS, [row("/b", LONG_AGO, site=SITE)], "x", 2)
    tidy()
    assert closed(lake)


def test_one_job_runs_at_a_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, running, most = subprocess.run, [0], [0]

    def counted(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[bytes]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        try:
            # The job looks at its status. pylint: disable-next=subprocess-run-check
            return real(*arguments, **options)
        finally:
            running[0] -= 1

    monkeypatch.setattr(subprocess, "run", counted)
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(run_command, settings, "upkeep") for _ in range(3)]:
            done.result()

    assert most == [1]
