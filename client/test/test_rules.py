"""The rules, without a server: which requests count, and what is said of them."""

import inspect
import json
import re
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from socket import socketpair
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import page_tracker_client
from page_tracker_client import Client, Revenue, Visitor
from page_tracker_client.connection import Answer, Connection
from page_tracker_client.counting import Counting, Options
from page_tracker_client.event import body_of, event_of
from page_tracker_client.page_views import is_page, may_be_page_view
from page_tracker_client.request import (
    AsgiRequest,
    Request,
    WsgiRequest,
    url_of,
    visitor_of,
)
from page_tracker_client.target import request_of, target_of
from page_tracker_client.verdict import Fate, verdict_of
from page_tracker_client.wsgi import PageTrackerMiddleware
from support.documentation import page

PAGE = "text/html; charset=utf-8"
HTML = {"Accept": "text/html,*/*;q=0.8"}


def by_wsgi(path: str, query: str, peer: str, headers: dict[str, str]) -> Request:
    named = {
        f"HTTP_{name.upper().replace('-', '_')}": headers[name] for name in headers
    }
    return WsgiRequest(
        {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "/app",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "REMOTE_ADDR": peer,
            "wsgi.url_scheme": "https",
            **named,
        }
    )


def by_asgi(path: str, query: str, peer: str, headers: dict[str, str]) -> Request:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return AsgiRequest(
        {
            "method": "GET",
            "root_path": "/app",
            "path": f"/app{path}",
            "query_string": query.encode(),
            "client": (peer, 5) if peer else None,
            "scheme": "https",
            "headers": sent,
        }
    )


def a_request(method: str = "GET", path: str = "/", **headers: str) -> WsgiRequest:
    named = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return WsgiRequest({"REQUEST_METHOD": method, "PATH_INFO": path, **named})


@pytest.mark.parametrize(
    ("status", "content_type", "headers", "counts"),
    [
        (200, PAGE, {}, True),
        (200, "application/xhtml+xml", {}, True),
        (200, "TEXT/HTML", {}, True),
        (200, "text/htmlx", {}, False),
        (200, "application/json", {}, False),
        (200, "", {}, False),
        (206, PAGE, {}, False),
        (302, PAGE, {}, False),
        (404, PAGE, {}, False),
        (500, PAGE, {}, False),
        (304, "", {"Accept": "text/html,*/*;q=0.8"}, True),
        (304, "", {"Accept": "image/avif"}, False),
    ],
)
def test_a_page_is_what_was_answered_as_one(
    status: int, content_type: str, headers: dict[str, str], counts: bool
) -> None:
    assert is_page(a_request(**headers), status, content_type) is counts


@pytest.mark.parametrize(
    ("method", "headers", "counts"),
    [
        ("GET", {}, True),
        ("HEAD", {}, False),
        ("POST", {}, False),
        ("GET", {"sec_fetch_dest": "document"}, True),
        ("GET", {"sec_fetch_dest": "empty"}, False),
        ("GET", {"sec_fetch_dest": "iframe"}, False),
        ("GET", {"x_requested_with": "XMLHttpRequest"}, False),
        ("GET", {"sec_purpose": "prefetch;prerender"}, False),
        ("GET", {"purpose": "Preview"}, False),
        ("GET", {"x_moz": "prefetch"}, False),
    ],
)
def test_a_visitor_asks_for_a_page_by_hand_and_not_ahead_of_time(
    method: str, headers: dict[str, str], counts: bool
) -> None:
    assert may_be_page_view(a_request(method, **headers)) is counts


def test_what_is_excluded_and_other_hosts_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Client, "send", lambda _, event: sent.append(event.url))
    counting = Counting.of(
        server="", site="a.org", exclude=["/admin/*"], hosts=["A.org"]
    )
    for host in ("a.org", "a.org:8000", "b.org", "[::1]:80", "10.0.0.1"):
        for path in ("/admin/x", "/admin", "/"):
            counting.answered(a_request(path=path, host=host), 200, PAGE)

    assert sent == [
        *("http://a.org/admin", "http://a.org/"),
        *("http://a.org:8000/admin", "http://a.org:8000/"),
    ]


@pytest.mark.parametrize("made", [by_wsgi, by_asgi])
def test_a_request_reads_alike_by_either_interface(made: Any) -> None:
    headers = {
        "Host": "a.org",
        "User-Agent": "Mozilla/5.0",
        "X-Forwarded-For": "198.51.100.7, 10.0.0.1",
        "Sec-GPC": "1",
    }
    request = made("/ä b/%", "a=1&b=%20", "10.0.0.2", headers)
    assert url_of(request) == "https://a.org/app/%C3%A4%20b/%25?a=1&b=%20"
    assert visitor_of(request).headers() == [
        ("User-Agent", "Mozilla/5.0"),
        ("X-Forwarded-For", "198.51.100.7, 10.0.0.1, 10.0.0.2"),
        ("Sec-GPC", "1"),
    ]


@pytest.mark.parametrize(
    ("headers", "peer", "told"),
    [
        ({}, "198.51.100.7", {"X-Forwarded-For": "198.51.100.7"}),
        ({}, "", {}),
        ({"x_forwarded_for": "198.51.100.7"}, "", {"X-Forwarded-For": "198.51.100.7"}),
        (
            {"forwarded": "for=198.51.100.7"},
            "2001:db8::1",
            {"Forwarded": 'for=198.51.100.7, for="2001:db8::1"'},
        ),
    ],
)
def test_the_nearest_hop_is_added_as_a_proxy_does(
    headers: dict[str, str], peer: str, told: dict[str, str]
) -> None:
    named = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    request = WsgiRequest({"REMOTE_ADDR": peer, **named})
    assert dict(visitor_of(request).headers()) == told


def test_an_event_says_what_is_known_of_it() -> None:
    props: Any = {"plan": "pro", "seats": 3, "price": Decimal("1.5")}
    event = event_of(
        "Sale",
        "https://a.org/" + 9_000 * "x",
        Visitor("198.51.100.7", "Mozilla/5.0"),
        props=props,
        revenue=Revenue(Decimal("19.90"), "EUR"),
        interactive=False,
    )
    said = json.loads(body_of(event, "a.org"))
    assert len(said.pop("u")) == 4_000 and len(said.pop("id")) == 32
    assert said == {
        "n": "Sale",
        "d": "a.org",
        "p": {"plan": "pro", "seats": 3, "price": "1.5"},
        "$": {"amount": "19.90", "currency": "EUR"},
        "i": False,
    }


@pytest.mark.parametrize("name", ["a\r\nX: 1", "a\n", "a\0"])
def test_a_header_that_would_begin_another_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_of(target_of("http://a.org"), [("User-Agent", name)], b"")


@pytest.mark.parametrize(
    "server",
    ["stats.example.com", "ftp://a.org", "https://", "http://a:b", "http://u@a", "a\n"],
)
def test_a_server_that_is_no_address_is_refused_at_the_start(server: str) -> None:
    with pytest.raises(ValueError, match="no address of a Page Tracker"):
        Client(server, "a.org")


def test_options_that_cannot_be_meant_are_refused_at_the_start() -> None:
    def application(*_: object) -> list[bytes]:
        return []

    with pytest.raises(TypeError, match="lists"):
        PageTrackerMiddleware(
            application, server="http://a.org", site="a.org", exclude="/a"
        )
    with pytest.raises(ValueError, match="the domain of the site"):
        PageTrackerMiddleware(application, server="http://a.org", site=" ")


def test_a_server_below_a_path_is_spoken_to_there() -> None:
    target = target_of("https://a.org/stats/")
    sent = request_of(target, [("User-Agent", "x")], b"{}").split(b"\r\n")
    assert sent[:2] == [b"POST /stats/api/event HTTP/1.1", b"Host: a.org"]
    assert (target.port, target.is_secure) == (443, True)


@pytest.mark.parametrize(
    ("status", "headers", "fate", "wait"),
    [
        (202, {}, Fate.TAKEN, 0),
        (202, {"x-page-tracker-dropped": "bot (curl)"}, Fate.TAKEN, 0),
        (202, {"x-page-tracker-dropped": "unknown_site (a)"}, Fate.LOST, 0),
        (429, {"retry-after": "7"}, Fate.THIS_LATER, 7),
        (429, {"retry-after": "-1"}, Fate.THIS_LATER, 1),
        (503, {"retry-after": "9999"}, Fate.ALL_LATER, 60),
        (502, {}, Fate.ALL_LATER, 1),
        (301, {"location": "https://b.org"}, Fate.LOST, 0),
        (400, {}, Fate.LOST, 0),
        (404, {}, Fate.LOST, 0),
    ],
)
def test_what_is_answered_decides_what_becomes_of_an_event(
    status: int, headers: dict[str, str], fate: Fate, wait: float
) -> None:
    verdict = verdict_of(Answer(status, headers, b"said"))
    assert (verdict.fate, verdict.wait) == (fate, wait)


HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n"


@given(st.one_of(st.binary(max_size=80), st.binary(max_size=8).map(HEAD.__add__)))
def test_whatever_is_answered_is_an_answer_or_a_failure_of_the_connection(
    sent: bytes,
) -> None:
    server, ours = socketpair()
    connection = Connection(target_of("http://a.org"))
    # There is no server to connect to. pylint: disable-next=protected-access
    connection._socket = ours
    with server:
        server.sendall(sent)
        server.shutdown(1)
        try:
            answer = connection.answer(time.monotonic() + 60)
        except OSError:
            assert ours.fileno() == -1
        else:
            assert answer.status == 202 and len(answer.body) == 2
        connection.close()


def test_every_option_is_documented_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", page("guides/python"), re.MULTILINE)
    parameters = {
        **inspect.signature(Client).parameters,
        **inspect.signature(Counting.of).parameters,
    }
    defaults = {
        name: "required" if each.default is each.empty else f"`{each.default}`"
        for name, each in parameters.items()
        if name != "client"
    }
    assert dict(rows) == defaults
    assert set(defaults) == set(Options.__annotations__)


def test_it_needs_nothing_but_the_standard_library() -> None:
    source = Path(page_tracker_client.__file__).parents[1]
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r});"
        "import page_tracker_client.wsgi, page_tracker_client.asgi;"
        "import page_tracker_client.flask"
    )
    subprocess.run((sys.executable, "-I", "-S", "-c", program), check=True)
