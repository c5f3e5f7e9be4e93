"""Ten thousand real requests, each counted once and kept."""

import gzip
import os
import re
import signal
from pathlib import Path

import requests

from support.load import Headers, replay, stated
from support.pace import ANSWER_SECONDS
from support.processes import redis_pid, serving, store_of, wait_until

LOG = Path(__file__).parents[2] / "data" / "apache_combined.log.gz"
# referrer and user agent, each in quotes; one agent lacks its closing quote
LINE = re.compile(rb'" \d+ [-\d]+ "(?P<referrer>.*?)" "(?P<agent>.*?)"?$')


def logged_headers() -> list[Headers]:
    """The user agent and referrer of each line, as the log's bytes."""
    lines = gzip.decompress(LOG.read_bytes()).splitlines()
    matches = [LINE.search(line) for line in lines]
    return [
        {"User-Agent": match["agent"], "Referer": match["referrer"]}
        for match in matches
        if match
    ]


def test_ten_thousand_real_requests_are_each_counted_once(tmp_path: Path) -> None:
    headers = logged_headers()
    assert len(headers) == 10_000
    data = tmp_path / "data"

    # A busy machine's disk takes its time: each of the requests waits for it.
    with serving(data, PAGE_TRACKER_REDIS_TIMEOUT="10") as server:
        numbers = replay(server.url, headers, connections=8)
        assert sorted(numbers) == list(range(1, 10_001))

        with store_of(data) as store:
            assert store.get("page_views") == b"10000"
        os.kill(redis_pid(data), signal.SIGKILL)
        wait_until(
            lambda: requests.get(f"{server.url}/readyz", timeout=ANSWER_SECONDS).ok
        )
        with store_of(data) as store:
            assert store.get("page_views") == b"10000"

    with serving(data) as server:
        assert stated(requests.get(server.url, timeout=ANSWER_SECONDS).text) == 10_001
