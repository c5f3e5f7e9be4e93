"""Hits over HTTP, by every way of serving: what is answered, and what is counted."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from redis import Redis

from page_tracker.store.counters import Live
from page_tracker.store.sites import LOOK_AGAIN
from support.collecting import CHROME, SITE, sites_of
from support.processes import Running, wait_until
from support.serving_ways import PAGE, TIMEOUT, WAYS, exchanged, get, post, served


@pytest.fixture(name="server", scope="module", params=["serve", *WAYS])
def _server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("collecting") / "data"
    data.mkdir()
    with Redis.from_url(redis_url) as redis:
        sites = sites_of(redis, data)
        for site in (SITE, "other.example"):
            if sites.directory().resolve(site) is None:
                sites.add(site, {})
        sites.change(SITE, {"own_addresses": ["192.0.2.77"]}, by="a test")
    # pytest runs the fixture to its end.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with served(
        request.param,
        data,
        REDIS_URL=redis_url,
        PAGE_TRACKER_DATA=str(data),
        PAGE_TRACKER_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        yield server


@pytest.fixture(name="live")
def _live(redis_client: Redis) -> Live:
    return Live(redis_client)


def test_an_event_is_counted_when_it_is_answered(server: Running, live: Live) -> None:
    before = live.total(SITE), live.views(SITE, "/a")
    answer = post(server)
    assert (answer.status_code, answer.text) == (202, "ok")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (live.total(SITE), live.views(SITE, "/a")) == (before[0] + 1, before[1] + 1)


def test_several_sites_get_a_hit_each(server: Running, live: Live) -> None:
    before = live.total(SITE), live.total("other.example")
    assert post(server, d=f"{SITE},other.example").status_code == 202
    assert (live.total(SITE), live.total("other.example")) == (
        before[0] + 1,
        before[1] + 1,
    )


def test_a_repeated_event_is_answered_alike_and_counted_once(
    server: Running, live: Live
) -> None:
    before = live.total(SITE)
    event_id = f"repeat-{server.process.pid}"
    assert [post(server, id=event_id).status_code for _ in range(3)] == [202] * 3
    assert live.total(SITE) == before + 1


@pytest.mark.parametrize(
    ("headers", "said", "reason"),
    [
        ({"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, {}, "bot"),
        ({"Signature-Agent": '"https://chatgpt.com"'}, {}, "bot (AI assistant: chat"),
        ({"Sec-CH-UA": '"HeadlessChrome";v="142"'}, {}, "bot (HeadlessChrome)"),
        ({"X-Forwarded-For": "192.0.2.77"}, {}, "own_address"),
        ({"Sec-Purpose": "prefetch"}, {}, "prefetch"),
        ({"Sec-GPC": "1"}, {}, "opted_out"),
        ({}, {"d": "nobody.example"}, "unknown_site"),
    ],
)
def test_what_does_not_count_is_told_with_its_reason(
    server: Running,
    live: Live,
    headers: dict[str, str],
    said: dict[str, str],
    reason: str,
) -> None:
    before = live.total(SITE)
    answer = post(server, headers=headers, **said)
    assert (answer.status_code, answer.text) == (202, "ok")
    assert answer.headers["X-Plausible-Dropped"] == "1"
    assert answer.headers["X-Page-Tracker-Dropped"].startswith(reason)
    assert live.total(SITE) == before


def test_an_engagement_without_a_visit_is_dropped(server: Running) -> None:
    answer = post(
        server, n="engagement", sd=50, headers={"X-Forwarded-For": "192.0.2.5"}
    )
    assert answer.headers["X-Page-Tracker-Dropped"] == "no_visit"


def test_an_invalid_event_is_answered_400_and_counted_for_the_owner(
    server: Running, live: Live
) -> None:
    def invalid() -> int:
        drops = live.drops(SITE, time.time_ns() // 86_400_000_000_000)
        return sum(each.number for each in drops if each.reason == "invalid")

    before = invalid()
    answer = post(server, u=None)
    assert answer.status_code == 400
    assert answer.json() == {"errors": {"url": ["is required"]}}
    wait_until(lambda: invalid() == before + 1)


def test_the_address_that_is_seen_can_be_asked_for(server: Running) -> None:
    headers = {"X-Debug-Request": "true", "X-Forwarded-For": "6.6.6.6, 192.0.2.9"}
    answer = post(server, headers=headers)
    assert (answer.status_code, answer.text) == (200, "192.0.2.9")


def test_headers_of_one_name_are_one_list(server: Running) -> None:
    """A proxy may add its own line instead of lengthening the client's."""
    body = b'{"n":"x","u":"https://a.example/"}'
    lines = [
        "POST /api/event HTTP/1.1",
        "Host: x",
        "X-Forwarded-For: 6.6.6.6",
        "X-Debug-Request: true",
        "X-Forwarded-For: 192.0.2.9",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    answer = exchanged(server, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    assert answer.endswith(b"192.0.2.9")


@pytest.mark.parametrize(
    "name",
    [
        *("X_Debug_Request: true", "X_Forwarded_For: 192.0.2.77", "Sec_GPC: 1"),
        *("User_Agent: Googlebot/2.1", "Sec_Purpose: prefetch", "X_Purpose: preview"),
        *("X_Moz: prefetch", "Content_Length: 3", "Transfer_Encoding: chunked"),
        *("X_Forwarded-For: 192.0.2.77", "Content_Type: multipart/form-data"),
    ],
)
def test_a_header_with_an_underscore_means_nothing(
    server: Running, live: Live, name: str
) -> None:
    """Programs behind a web server cannot tell it from one with a hyphen."""
    before = live.total(SITE)
    headers = dict([name.split(": ", 1)])
    answer = post(server, headers=headers)
    assert (answer.status_code, answer.text) == (202, "ok")
    assert "X-Page-Tracker-Dropped" not in answer.headers
    pixel = get(server, f"/hit/underscore.svg?site={SITE}", **headers)
    assert "X-Page-Tracker-Dropped" not in pixel.headers
    assert live.total(SITE) == before + 2


def test_neither_does_one_that_asks_for_what_has_changed(server: Running) -> None:
    post(server)
    address = f"/counter/TOTAL.json?site={SITE}"
    etag = get(server, address).headers["ETag"]
    assert get(server, address, **{"If_None_Match": etag}).status_code == 200
    assert get(server, address, **{"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize(
    "request_",
    [
        f"POST /count?p=/cut&site={SITE} HTTP/1.1\r\nContent-Length: 9",
        f"POST /count?p=/cut&site={SITE} HTTP/1.1\r\nTransfer-Encoding: chunked",
        "POST /api/event HTTP/1.1\r\nContent-Length: 99",
    ],
)
def test_a_request_that_is_cut_in_its_body_does_not_count(
    server: Running, live: Live, request_: str, ends: bool
) -> None:
    before = live.total(SITE)
    event = f'{{"n":"pageview","u":"{PAGE}","d":"{SITE}"}}'
    begun = f"{request_}\r\nHost: x\r\nUser-Agent: {CHROME}\r\n\r\n"
    is_chunked = "chunked" in request_
    begun += f"{len(event):x}\r\n{event}\r\n" if is_chunked else event[:3]
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), TIMEOUT) as connection:
        connection.sendall(begun.encode())
        if ends:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert post(server).status_code == 202
    assert live.total(SITE) == before + 1


def test_a_browser_may_ask_first(server: Running) -> None:
    answer = requests.options(f"{server.url}/api/event", timeout=TIMEOUT)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_refused_with_those_allowed(
    server: Running, method: str
) -> None:
    answer = requests.request(method, f"{server.url}/api/event", timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")


def test_a_body_without_end_is_refused(server: Running) -> None:
    answer = requests.post(
        f"{server.url}/api/event", data=b" " * 1_500_000, timeout=TIMEOUT
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("filler", [0, 100_000])
def test_a_body_in_pieces_is_one_event(
    server: Running, live: Live, filler: int
) -> None:
    before = live.total(SITE)
    body = f'{{"n":"pageview","u":"{PAGE}","d":"{SITE}","x":"{"x" * filler}"}}'
    pieces = (body[at : at + 999].encode() for at in range(0, len(body), 999))
    answer = requests.post(
        f"{server.url}/api/event",
        data=pieces,
        headers={"User-Agent": CHROME},
        timeout=TIMEOUT,
    )
    assert answer.status_code == 202
    assert live.total(SITE) == before + 1


def test_requests_that_do_not_wait_for_answers_are_answered_in_order(
    server: Running, live: Live
) -> None:
    before = live.total(SITE)
    body = f'{{"n":"pageview","u":"{PAGE}","d":"{SITE}"}}'.encode()
    request = (
        f"POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\n"
        f"Content-Length: {len(body)}\r\n"
    ).encode()
    last = request + b"Connection: close\r\n\r\n" + body
    answers = exchanged(server, (request + b"\r\n" + body) * 3 + last)
    counted = live.total(SITE) - before
    # A server that keeps no connections answers the first one alone.
    assert counted == answers.count(b"HTTP/1.1 202 ") > 0


def test_the_pixel_counts_without_javascript(server: Running, live: Live) -> None:
    before = live.views(SITE, "/pixel")
    answer = get(server, "/count?p=/pixel&t=Title", Referer=f"https://{SITE}/pixel")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert len(answer.content) == 43
    beacon = requests.post(
        f"{server.url}/count?p=/pixel&site={SITE}",
        headers={"User-Agent": CHROME},
        timeout=TIMEOUT,
    )
    assert beacon.status_code == 200
    assert live.views(SITE, "/pixel") == before + 2


def test_the_pixel_says_why_it_does_not_count(server: Running) -> None:
    ignored = get(
        server, f"/count?p=/&site={SITE}", **{"X-Forwarded-For": "192.0.2.77"}
    )
    assert ignored.status_code == 202
    assert "own_address (192.0.2.77/32)" in ignored.headers["X-Goatcounter"]
    assert get(server, "/count").status_code == 400
    nowhere = get(server, "/count?p=/")
    assert nowhere.status_code == 400
    assert "name one by the parameter site=" in nowhere.headers["X-Goatcounter"]


def test_a_badge_shows_a_count_at_once(server: Running) -> None:
    page = f"/badge-{server.process.pid}"
    address = f"/counter{page}.json?site={SITE}"
    for headers in ({}, {"If-None-Match": "*"}):
        unknown = get(server, address, **headers)
        assert (unknown.status_code, unknown.json()["count"]) == (404, "0")
    for count in ("1", "2"):
        post(server, u=f"https://{SITE}{page}")
        assert get(server, address).json() == {"count": count, "count_unique": count}
    assert get(server, f"/counter{page}.txt?site={SITE}").text == "2\n"
    drawn = get(server, f"/counter/{page}.svg?site={SITE}&label=<b>&color=0a0")
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")
    assert 'aria-label="&lt;b&gt;: 2"' in drawn.text
    assert "no-cache" in drawn.headers["Cache-Control"]
    again = get(
        server,
        f"/counter/{page}.svg?site={SITE}&label=<b>&color=0a0",
        **{"If-None-Match": drawn.headers["ETag"]},
    )
    assert again.status_code == 304


def test_a_total_is_the_whole_sites(server: Running, live: Live) -> None:
    post(server)
    assert (
        get(server, f"/counter/TOTAL.txt?site={SITE}").text == f"{live.total(SITE)}\n"
    )


def test_a_visit_badge_counts_though_an_image_proxy_asks(
    server: Running, live: Live
) -> None:
    page = f"/readme-{server.process.pid}"
    camo = {"User-Agent": "github-camo (876de43e)"}
    for count in ("1", "2"):
        shown = get(server, f"/hit{page}.svg?site={SITE}", **camo)
        assert f'aria-label="views: {count}"' in shown.text
        assert "no-store" in shown.headers["Cache-Control"]
    pixel = get(server, f"/hit{page}.gif?site={SITE}", **camo)
    assert len(pixel.content) == 43
    assert live.views(SITE, page) == 3
    bot = {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
    shown = get(server, f"/hit{page}.svg?site={SITE}", **bot)
    assert shown.headers["X-Page-Tracker-Dropped"].startswith("bot")
    requests.head(
        f"{server.url}/hit{page}.svg?site={SITE}",
        headers={"User-Agent": CHROME},
        timeout=TIMEOUT,
    )
    assert live.views(SITE, page) == 3


def test_a_badge_finds_its_site_by_the_referring_page(server: Running) -> None:
    post(server)
    page = {"Referer": f"https://www.{SITE}/somewhere"}
    assert get(server, "/counter/TOTAL.json", **page).status_code == 200
    asked = get(server, "/counter/TOTAL.json")
    assert asked.status_code == 400
    assert "add ?site=" in asked.json()["error"]


def test_a_private_count_is_shown_to_nobody(
    server: Running, redis_client: Redis, tmp_path: Path
) -> None:
    sites = sites_of(redis_client, tmp_path)
    if sites.directory().resolve("private.example") is None:
        sites.add("private.example", {"public_counter": False})
    time.sleep(LOOK_AGAIN)  # since another test asked for what is not there
    for form in ("json", "svg", "txt"):
        shown = get(server, f"/counter/TOTAL.{form}?site=private.example")
        assert shown.status_code == 403
    assert get(server, "/hit/x.svg?site=private.example").status_code == 403


def test_the_badge_of_a_new_site_is_there_at_once(
    server: Running, redis_client: Redis, tmp_path: Path
) -> None:
    sites = sites_of(redis_client, tmp_path)
    for number in range(3):
        site = f"new-{number}-{server.process.pid}.example"
        assert get(server, f"/counter/TOTAL.txt?site={SITE}").status_code == 200
        time.sleep(LOOK_AGAIN)
        sites.add(site, {})
        assert get(server, f"/counter/TOTAL.txt?site={site}").text == "0\n"


@pytest.mark.parametrize("period", ["start=2026-01-01", "end=2026-01-31"])
def test_a_badge_of_a_period_is_refused_in_words(server: Running, period: str) -> None:
    shown = get(server, f"/counter/TOTAL.json?site={SITE}&{period}")
    assert shown.status_code == 400
    assert "of all time" in shown.json()["error"]


@pytest.mark.parametrize("color", ["red;", "url(x)", "#12345", "<b>"])
def test_a_colour_that_is_none_is_refused(server: Running, color: str) -> None:
    shown = get(server, f"/counter/TOTAL.svg?site={SITE}&color={color}")
    assert shown.status_code == 400
    assert "is no colour" in shown.headers["X-Page-Tracker-Error"]
    assert color not in shown.text
