"""SIGKILL at any instant under load: what was acknowledged is stored, once."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from page_tracker.lake.table import Lake
from page_tracker.store.stream import Stream
from support.hitting import SITE, Sent, hitting
from support.lake import paths
from support.pace import ANSWER_SECONDS
from support.processes import (
    Running,
    command,
    redis_pid,
    serving,
    store_of,
    wait_until,
    web_workers,
)

CONNECTIONS = 4
TRUST = {"PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8"}
SEED = 20261122


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("kills") / "data"
    command("site", "add", SITE, "--data", str(data))
    return data


@pytest.fixture(name="server", scope="module")
def _server(data: Path) -> Iterator[Running]:
    """One for all tests, each of which has a mark in its paths."""
    with serving(data, **TRUST) as server:
        yield server


@pytest.fixture(name="each_second")
def _each_second(request: pytest.FixtureRequest) -> float:
    """How many hits are sent: with --long as many as can be, which is 0."""
    return 0 if request.config.getoption("--long") else 100


def kills(request: pytest.FixtureRequest) -> int:
    return 100 if request.config.getoption("--long") else 4


def acknowledges_again(sent: Sent) -> None:
    """Wait until a hit is acknowledged that was sent after this moment."""
    before = len(sent.acknowledged)
    wait_until(lambda: len(sent.acknowledged) > before + 2 * CONNECTIONS)


def has(lake: Lake, wanted: set[str]) -> None:
    """Wait until all these paths are in the lake."""

    def missing() -> list[str]:
        return sorted(wanted - set(paths(lake)))

    wait_until(lambda: not missing(), missing)


def wait_until_drained(data: Path) -> None:
    """Return when no process has hits on disk that Redis has not got yet."""

    def waiting() -> dict[str, int]:
        return {path.name: path.stat().st_size for path in data.glob("spool/*")}

    wait_until(lambda: not list(data.glob("spool/*")), waiting)


def in_the_lake(data: Path, mark: str) -> list[str]:
    """All paths with a mark, once nothing waits any more."""
    wait_until_drained(data)
    with store_of(data) as store:
        stream = Stream(store)
        wait_until(lambda: not stream.waiting())
    lake = Lake(str(data / "lake"))
    return [path for path in paths(lake) if path.startswith(f"/{mark}/")]


@pytest.mark.timeout(1800)
def test_killing_redis_loses_nothing_acknowledged_and_stores_nothing_twice(
    data: Path, server: Running, request: pytest.FixtureRequest, each_second: float
) -> None:
    pause = random.Random(SEED)  # nosec B311 # draws test data
    with hitting(server.url, CONNECTIONS, each_second=each_second, mark="r") as sent:
        for _ in range(kills(request)):
            acknowledges_again(sent)
            wait_until_drained(data)
            time.sleep(pause.uniform(0, 0.3))
            os.kill(redis_pid(data), signal.SIGKILL)
        acknowledges_again(sent)
    sent.must_be_stored_once(in_the_lake(data, "r"))
    assert "damaged" not in server.said()
    assert sent.without_retry_after == 0
    assert set(sent.statuses) <= {0, 202, 503}


@pytest.mark.timeout(1800)
def test_killing_a_web_worker_loses_nothing_acknowledged(
    data: Path, server: Running, request: pytest.FixtureRequest, each_second: float
) -> None:
    pause = random.Random(SEED)  # nosec B311 # draws test data
    with hitting(server.url, CONNECTIONS, each_second=each_second, mark="w") as sent:
        for _ in range(kills(request)):
            acknowledges_again(sent)
            time.sleep(pause.uniform(0, 0.3))
            wait_until(lambda: len(web_workers(server)) == 2)
            os.kill(pause.choice(web_workers(server)), signal.SIGKILL)
        acknowledges_again(sent)
    sent.must_be_stored_once(in_the_lake(data, "w"))


@pytest.mark.timeout(600)
def test_redis_emptied_under_load_is_survived_with_exact_counters(
    data: Path, server: Running, request: pytest.FixtureRequest, each_second: float
) -> None:
    """What the lake had before, and what comes afterwards, is there, and once."""
    lake = Lake(str(data / "lake"))
    emptied: list[tuple[set[str], float]] = []  # what the lake had before, and when

    def certain() -> set[str]:
        """What was in the lake before the store was emptied, or was sent afterwards."""
        return {
            path
            for path, when in sent.acknowledged.copy().items()
            if all(path in kept or when > moment for kept, moment in emptied)
        }

    with (
        hitting(server.url, CONNECTIONS, each_second=each_second, mark="e") as sent,
        store_of(data) as store,
    ):
        for _ in range(kills(request) // 2):
            acknowledges_again(sent)
            kept = certain()
            has(lake, kept)
            store.flushall()
            emptied.append((kept, time.monotonic()))
            acknowledges_again(sent)
        acknowledges_again(sent)
    has(lake, certain())
    total = f"{server.url}/counter/TOTAL.txt?site={SITE}"

    def shown_and_stored() -> tuple[str, str]:
        return (
            requests.get(total, timeout=ANSWER_SECONDS).text,
            f"{len(paths(lake))}\n",
        )

    wait_until(lambda: len(set(shown_and_stored())) == 1, missing=shown_and_stored)
    stored = in_the_lake(data, "e")
    assert len(stored) == len(set(stored)), "some are stored twice"
    assert certain() <= set(stored)


@pytest.mark.timeout(600)
def test_hits_are_taken_while_redis_is_away_and_stored_once_though_workers_die(
    data: Path, server: Running, request: pytest.FixtureRequest
) -> None:
    """Away is worse than dead: it takes connections and never answers.

    Without a pause, or all might be sent to the new worker, which does not know the
    sites: so they are with the other one before that is there.
    """
    with hitting(server.url, CONNECTIONS, mark="a") as sent:
        for _ in range(kills(request) // 4):
            acknowledges_again(sent)
            wait_until_drained(data)
            redis, workers = redis_pid(data), web_workers(server)
            os.kill(redis, signal.SIGSTOP)
            try:
                acknowledges_again(sent)
                os.kill(workers[0], signal.SIGKILL)
                # The one that takes its place does not know the sites yet: it may
                # refuse hits, which are sent again.
                wait_until(lambda: len(web_workers(server)) == 2)
                acknowledges_again(sent)
                os.kill(redis, signal.SIGKILL)
            finally:
                with suppress(ProcessLookupError):  # it was killed, not only frozen
                    os.kill(redis, signal.SIGCONT)
        acknowledges_again(sent)
    sent.must_be_stored_once(in_the_lake(data, "a"))
    assert sent.without_retry_after == 0
    assert set(sent.statuses) <= {0, 202, 503}
