"""What is exposed to Prometheus, at its own address, whichever web process answers."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from page_tracker.errors import AddressError
from page_tracker.monitoring.listener import listen_at
from support.collecting import CHROME
from support.pace import ANSWER_SECONDS
from support.processes import (
    Running,
    command,
    free_port,
    redis_pid,
    serving,
    wait_until,
    web_workers,
)

SITE = "metrics.example"
EVENT = {"n": "pageview", "u": f"https://{SITE}/", "d": SITE}
WORKERS = 2
HITS = 30
Samples = dict[tuple[str, ...], float]


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "data"


@pytest.fixture(name="address", scope="module")
def _address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(name="server", scope="module")
def _server(data: Path, address: str) -> Iterator[Running]:
    command("site", "add", SITE, "--data", str(data))
    workers = ("--workers", str(WORKERS))
    with serving(data, *workers, PAGE_TRACKER_METRICS=address) as server:
        yield server


def exposed(address: str) -> str:
    return requests.get(f"http://{address}/metrics", timeout=ANSWER_SECONDS).text


def scraped(address: str) -> Samples:
    """Each sample by its name and the values of its labels, in the order of these."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(exposed(address))
        for sample in family.samples
    }


def send(server: Running, **said: str) -> int:
    """An event on a connection of its own, which any of the workers may take."""
    return requests.post(
        f"{server.url}/api/event",
        json=EVENT | said,
        headers={"User-Agent": CHROME},
        timeout=ANSWER_SECONDS,
    ).status_code


def test_any_worker_reports_the_hits_of_all_and_they_stay_when_one_dies(
    server: Running, address: str
) -> None:
    at_first = scraped(address)
    for _ in range(HITS):
        assert send(server) == 202
    send(server, d="nobody.example")
    send(server, u="")
    requests.post(f"{server.url}/api/event", data="no JSON", timeout=ANSWER_SECONDS)
    requests.get(f"{server.url}/sites", timeout=ANSWER_SECONDS)
    before = scraped(address)

    hits = "page_tracker_hits_total"
    more = {name: value - at_first[name] for name, value in before.items()}
    assert more[hits, "accepted", "plausible"] == HITS
    assert more[hits, "dropped", "plausible"] == 1
    assert more[hits, "invalid", "plausible"] == 2
    assert more["page_tracker_drops_total", "unknown_site"] == 1
    assert 0 < more["page_tracker_batch_seconds_count",] <= HITS + 3
    assert more["page_tracker_batch_hits_sum",] == HITS
    assert more["page_tracker_request_seconds_count", "page"] == 1
    assert before["page_tracker_web_processes",] == WORKERS
    assert before["page_tracker_writer_up", "0"] == 1

    for worker in web_workers(server):
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(web_workers(server)) == WORKERS)
    for _ in range(HITS):
        assert send(server) == 202
    after = scraped(address)

    name = hits, "accepted", "plausible"
    assert after[name] == before[name] + HITS
    fallen = [
        name
        for name, value in before.items()
        if name[0].endswith(("_total", "_count", "_sum", "_bucket"))
        and after[name] < value
    ]
    assert not fallen


def test_what_reaches_the_lake_is_reported(server: Running, address: str) -> None:
    send(server)
    wait_until(lambda: scraped(address)["page_tracker_stream_rows", "0"] == 0)

    samples = scraped(address)
    assert samples["page_tracker_lake_rows_total", "0"] >= 1
    assert samples["page_tracker_commit_seconds_count", "0"] >= 1
    assert samples["page_tracker_stream_oldest_seconds", "0"] == 0


@pytest.mark.usefixtures("server")
def test_names_and_texts_are_as_prometheus_has_them(address: str) -> None:
    checked = subprocess.run(  # nosec B607 # the machine's own program
        ["promtool", "check", "metrics"],
        input=exposed(address).encode(),
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, b"")


def test_the_public_address_shows_no_metrics(server: Running) -> None:
    answer = requests.get(f"{server.url}/metrics", timeout=ANSWER_SECONDS)

    assert answer.status_code == 404


@pytest.mark.usefixtures("server")
def test_an_address_that_is_taken_is_refused_in_a_line(address: str) -> None:
    host, _, port = address.partition(":")

    with pytest.raises(
        AddressError, match=f"cannot expose metrics at {host} port {port}"
    ):
        listen_at(host, int(port))


def test_a_scrape_is_answered_while_redis_is_away(
    server: Running, data: Path, address: str
) -> None:
    del server
    store = redis_pid(data)
    os.kill(store, signal.SIGSTOP)
    try:
        samples = scraped(address)
    finally:
        os.kill(store, signal.SIGCONT)

    assert samples["page_tracker_redis_up",] == 0
    assert ("page_tracker_hits_total", "accepted", "plausible") in samples
    assert ("page_tracker_stream_rows", "0") not in samples
    wait_until(lambda: scraped(address)["page_tracker_redis_up",] == 1)
