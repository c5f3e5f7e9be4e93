"""The rate of an address under a server without an event loop: pixels and badges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from page_tracker import app as app_module
from page_tracker.app import create_app
from page_tracker.collect.rates import BURST
from support.application import application

SITE = "a.example"
AGENT = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Firefox/142.0"}
# At one hit a second, on a machine that may be slow to send them.
FLOOD = 3 * int(BURST)


@pytest.fixture(name="client")
def _client(redis_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    with application(redis_url, tmp_path, PAGE_TRACKER_HITS_OF_ADDRESS="1"):
        app_module.sites().add(SITE, {})
        yield create_app().test_client()


@pytest.mark.parametrize("path", ["/count?p=/", "/hit/a.gif", "/hit/a.svg"])
def test_an_address_is_told_to_wait_and_the_others_are_taken(
    client: FlaskClient, path: str
) -> None:
    target = f"{path}{'&' if '?' in path else '?'}site={SITE}"

    def ask(address: str) -> tuple[int, str | None]:
        peer = {"REMOTE_ADDR": address}
        answer = client.get(target, headers=AGENT, environ_base=peer)
        assert (answer.mimetype or "").startswith("image/")
        return answer.status_code, answer.headers.get("Retry-After")

    told = [ask("192.0.2.1") for _ in range(FLOOD)]
    assert {status for status, _ in told} == {200, 429}
    assert all(retry_after for status, retry_after in told if status == 429)
    assert ask("192.0.2.2")[0] == 200
