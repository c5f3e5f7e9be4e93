"""The rate of an address under a server without an event loop: pixels and badges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

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


MATOMO = f"/matomo.php?idsite={SITE}&rec=1&url=https://{SITE}/&r=1"


@pytest.mark.parametrize("path", ["/count?p=/", "/hit/a.gif", "/hit/a.svg", MATOMO])
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


def refused(client: FlaskClient, path: str, **sent: Any) -> TestResponse:
    """The first answer to an address that sends too many hits."""
    for _ in range(FLOOD):
        answer = client.post(path, headers=AGENT, **sent)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
            exposed = answer.headers.get("Access-Control-Expose-Headers", "").lower()
            assert path.startswith("/count") or "retry-after" in exposed
            return answer
    raise AssertionError(f"{path} was never refused")


def test_each_tracker_s_clients_are_refused_in_their_own_words(
    client: FlaskClient,
) -> None:
    page = f"https://{SITE}/"
    event = {"n": "pageview", "u": page, "d": SITE}
    plausible = refused(client, "/api/event", json=event)
    assert plausible.json and "request" in plausible.json["errors"]
    payload = {"website": SITE, "url": page}
    umami = refused(client, "/api/send", json={"type": "event", "payload": payload})
    assert umami.json and umami.json["error"]["status"] == 429
    assert umami.json["error"]["code"] == "too-many-requests"
    goatcounter = refused(client, f"/count?p=/&site={SITE}")
    assert int(goatcounter.headers["X-Rate-Limit-Reset"]) >= 1
    assert goatcounter.headers["X-Rate-Limit-Remaining"] == "0"
    assert refused(client, MATOMO).data.startswith(b"GIF89a")


def test_what_matomo_s_script_sends_again_as_an_image_counts_once(
    client: FlaskClient,
) -> None:
    """It does so after every answer that is not 2xx, whether it was counted or not."""
    before, counted = app_module.live().total(SITE), 0
    for number in range(FLOOD):
        hit = f"{MATOMO}-again-{number}"
        answers = [send(hit, headers=AGENT) for send in (client.post, client.get)]
        counted += any(answer.status_code == 200 for answer in answers)
        if answers[0].status_code == 429:
            break
    assert app_module.live().total(SITE) - before == counted > 0
