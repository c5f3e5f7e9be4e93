"""What one address can do to a server, from its door: too many hits, or visitors."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from page_tracker.collect.rates import BURST
from support.pace import ANSWER_SECONDS
from support.processes import Running, command, serving

FIRST, SECOND = "first.example", "second.example"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
# At one hit a second, on a machine that may be slow to send them.
FLOOD = 3 * int(BURST)


class Said(NamedTuple):
    """An answer, as far as it is looked at."""

    status: int
    retry_after: str | None
    kind: str | None
    body: bytes


class Client:
    """One connection, from any address."""

    def __init__(self, url: str) -> None:
        self._http = HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        self._http.close()

    def event(self, address: str, site: str, agent: str = AGENT) -> Said:
        event = {"n": "pageview", "u": f"https://{site}/", "d": site}
        headers = {"X-Forwarded-For": address, "User-Agent": agent}
        return self._ask("POST", "/api/event", headers, json.dumps(event))

    def pixel(self, address: str, site: str) -> Said:
        headers = {"X-Forwarded-For": address, "User-Agent": AGENT}
        return self._ask("GET", f"/count?p=/&site={site}", headers)

    def sites(self, address: str, token: str) -> Said:
        headers = {"X-Forwarded-For": address, "Authorization": f"Bearer {token}"}
        return self._ask("GET", "/api/sites", headers)

    def _ask(
        self, method: str, target: str, headers: dict[str, str], body: str = ""
    ) -> Said:
        self._http.request(method, target, body or None, headers)
        answer = self._http.getresponse()
        said = answer.headers
        return Said(
            answer.status, said["Retry-After"], said["Content-Type"], answer.read()
        )


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("limits") / "data"
    settings = {
        "PAGE_TRACKER_TRUSTED_PROXIES": "127.0.0.0/8",
        "PAGE_TRACKER_HITS_OF_ADDRESS": "1",
        "PAGE_TRACKER_VISITORS_OF_ADDRESS": "3",
    }
    with serving(data, "--workers", "2", **settings) as server:
        for site in (FIRST, SECOND):
            command("site", "add", site, "--data", str(data))
        yield server


@pytest.fixture(name="client")
def _client(server: Running) -> Iterator[Client]:
    client = Client(server.url)
    yield client
    client.close()


def live_of(server: Running, site: str) -> dict[str, int]:
    folder = str(server.output.with_name("data"))
    said = command("query", site, "--live", "--json", "--data", folder)
    found: dict[str, int] = json.loads(said)
    return found


def test_one_address_is_told_to_wait_and_the_others_are_taken(
    server: Running, client: Client
) -> None:
    flood = [client.event("192.0.2.1", FIRST) for _ in range(FLOOD)]
    statuses = Counter(said.status for said in flood)
    assert set(statuses) == {202, 429} and statuses[202] >= BURST
    refused = next(said for said in flood if said.status == 429)
    assert refused.retry_after and 1 <= int(refused.retry_after) <= 2
    assert refused.kind == "application/json"
    (why,) = json.loads(refused.body)["errors"]["request"]
    assert "too many hits" in why
    # Another address, and the same one for another site.
    assert client.event("192.0.2.2", FIRST).status == 202
    assert client.event("192.0.2.1", SECOND).status == 202
    assert "PAGE_TRACKER_HITS_OF_ADDRESS" in server.said()


def test_ten_wrong_tokens_a_minute_are_ten_whichever_process_is_asked(
    server: Running,
) -> None:
    folder = str(server.output.with_name("data"))
    right = command("token", "add", "--all-sites", "--scope", "admin", "--data", folder)
    wrong = "pt_0000000000_" + "0" * 48

    def ask(token: str, address: str) -> int:
        client = Client(server.url)  # each connection is another process's, by chance
        try:
            return client.sites(address, token).status
        finally:
            client.close()

    statuses = [ask(wrong, "192.0.2.4") for _ in range(30)]
    assert statuses == [401] * 10 + [429] * 20
    assert ask(right.strip(), "192.0.2.4") == 429
    assert ask(right.strip(), "192.0.2.5") == 200


def test_a_pixel_is_refused_as_a_pixel(client: Client) -> None:
    flood = [client.pixel("192.0.2.3", FIRST) for _ in range(FLOOD)]
    refused = next(said for said in flood if said.status == 429)
    assert refused.kind == "image/gif" and refused.body.startswith(b"GIF89a")
    assert refused.retry_after


def test_changing_agents_are_taken_and_are_few_visitors(
    server: Running, client: Client
) -> None:
    before = live_of(server, SECOND)
    for number in range(10):
        said = client.event("198.51.100.1", SECOND, f"{AGENT} {number}")
        assert said.status == 202
    after = live_of(server, SECOND)
    assert after["visitors"] - before["visitors"] == 4
    assert after["folded"] - before["folded"] == 7
    folder = str(server.output.with_name("data"))
    assert "7 hits of today" in command("query", SECOND, "--live", "--data", folder)
