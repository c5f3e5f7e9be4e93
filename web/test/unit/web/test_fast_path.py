"""The requests that are read without uvicorn's parser: just as that would read them."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from page_tracker.asgi import headers_of
from page_tracker.protocols.request import Request
from page_tracker.web.door.fast_path import SHORT_BODY, SHORT_HEAD, whole_request

BODY = b'{"n":"pageview"}'
HEAD = b"POST /api/event HTTP/1.1\r\nHost: example.org\r\nUser-Agent:  Moz \t\r\n"
HIT = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


class Parsed:
    """What httptools makes of bytes: the requests that are complete."""

    def __init__(self, data: bytes) -> None:
        self.requests: list[Request] = []
        self._url = self._body = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = self._body = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # RFC 9112, 5: white space around a value is no part of it; llhttp leaves it.
        self._headers.append((name.lower(), value.strip(b" \t")))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        url = httptools.parse_url(self._url)
        self.requests.append(
            Request(
                self._parser.get_method().decode(),
                url.path.decode(),
                (url.query or b"").decode(),
                headers_of(self._headers),
                self._body,
            )
        )


def test_a_hit_in_one_piece_is_read() -> None:
    assert whole_request(HIT) == Request(
        "POST",
        "/api/event",
        "",
        {
            b"host": b"example.org",
            b"user-agent": b"Moz",
            b"content-length": b"%d" % len(BODY),
        },
        BODY,
    )


def test_a_pixel_is_read_with_its_query() -> None:
    request = whole_request(b"GET /count?p=/a%20b&t=%C3%A9 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert request is not None
    assert (request.method, request.path) == ("GET", "/count")
    assert request.query == "p=/a%20b&t=%C3%A9"


HEAD_LINES = (
    b"POST /api/event HTTP/1.0",
    b"POST  /api/event HTTP/1.1",
    b"POST http://example.org/api/event HTTP/1.1",
    b"POST /api%2Fevent HTTP/1.1",
    b"POST /api/event#x HTTP/1.1",
    b"POST /api/\xe9 HTTP/1.1",
    b"HEAD /count HTTP/1.1",
    b"POST /api/event",
    b"",
)
LINES = (
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Connection: upgrade",
    b"Upgrade: websocket",
    b"Content-Length: %d" % len(BODY),  # a second one
    b"Host: elsewhere",  # a second one
    b" folded",
    b"no colon",
    b"Spaced : 1",
    b": nameless",
    b"Lone: \r carriage return",
    b"Lone: \n line feed",
    b"Nul: \x00",
    b"X_Forwarded_For: 192.0.2.1",
    b"No-Colon",
)


@pytest.mark.parametrize("first", HEAD_LINES)
def test_an_unusual_first_line_is_left_to_the_parser(first: bytes) -> None:
    assert whole_request(HIT.replace(b"POST /api/event HTTP/1.1", first)) is None


@pytest.mark.parametrize("line", LINES)
def test_an_unusual_header_is_left_to_the_parser(line: bytes) -> None:
    assert whole_request(HIT.replace(b"\r\nHost", b"\r\n%b\r\nHost" % line)) is None


def test_a_request_without_a_host_is_left_to_the_parser() -> None:
    assert whole_request(HIT.replace(b"Host:", b"Hast:")) is None


@pytest.mark.parametrize("length", [b"", b"-1", b"+16", b"1_6", b"0x10", b"16, 16"])
def test_a_length_that_is_no_number_is_left_to_the_parser(length: bytes) -> None:
    assert whole_request(HIT.replace(b": %d" % len(BODY), b": " + length)) is None


def test_more_or_less_than_one_request_is_left_to_the_parser() -> None:
    assert whole_request(HIT[:-1]) is None
    assert whole_request(HIT + b"P") is None
    assert whole_request(HIT + HIT) is None
    assert whole_request(HEAD) is None


def test_a_long_body_is_left_to_the_parser() -> None:
    long = SHORT_BODY + 1
    head = HEAD + b"Content-Length: %d\r\n\r\n" % long
    assert whole_request(head + b"x" * long) is None


def test_a_long_head_is_left_to_the_parser() -> None:
    line = b"\r\nX-Long: %b\r\nHost" % (b"x" * SHORT_HEAD)
    assert whole_request(HIT.replace(b"\r\nHost", line)) is None


_PIECES = st.sampled_from(
    [
        *(b"POST ", b"GET ", b"/api/event", b"/count", b"?a=b", b"#", b"%41", b" HTTP"),
        *(
            b"/1.1",
            b"/1.0",
            b"\r\n",
            b"\r",
            b"\n",
            b"\r\n\r\n",
            b": ",
            b":",
            b" ",
            b"\t",
        ),
        *(b"Content-Length: 2", b"Content-Length", b"2", b"Host", b"x", b"{}", b"\x00"),
        *(b"Transfer-Encoding: chunked", b"Connection: keep-alive", b"\xe9", b"\x7f"),
    ]
)


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, len(HIT)))
    cut = draw(st.integers(0, 12))
    return HIT[:at] + b"".join(draw(st.lists(_PIECES, max_size=4))) + HIT[at + cut :]


@given(st.one_of(_mutated(), st.lists(_PIECES, max_size=16).map(b"".join)))
@example(HIT)
@example(HIT.replace(b"Moz", b"\xe9\xff"))
@example(HIT.replace(b"Moz", b""))
def test_what_is_read_is_what_the_parser_reads(data: bytes) -> None:
    request = whole_request(data)
    if request is not None:
        assert Parsed(data).requests == [request]
