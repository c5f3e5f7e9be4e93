"""Bytes of a connection → its answers, whatever the bytes, by both ways into a server.

What comes back is well-formed HTTP or a closed connection, never a failure of ours; and
one that is read in one piece is answered as one that comes in several.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.collecting import CHROME
from support.drawing import examples
from support.processes import Running, command, named, serving

SITE = "fuzz.example"
TIMEOUT = 30
# So that the server reads what came before alone.
PAUSE = 0.002

QUESTION = f'{{"site_id":"{SITE}","metrics":["visitors"],"date_range":"7d"}}'
EVENT = f'{{"n":"pageview","u":"https://{SITE}/a","d":"{SITE}"}}'


class Answer(NamedTuple):
    """What is compared of an answer."""

    status: int
    kind: str
    body: bytes


class Door:
    """A server, and a token that may ask it."""

    def __init__(self, server: Running, token: str) -> None:
        self.server = server
        self.token = token
        parts = urlsplit(server.url)
        self._address = (parts.hostname, parts.port)
        self._processes = self._web()

    def exchanged(self, *pieces: bytes) -> bytes:
        """All that comes back to what is sent, until the server closes."""
        received = b""
        with socket.create_connection(self._address, TIMEOUT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                for number, piece in enumerate(pieces):
                    time.sleep(PAUSE if number else 0)
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(65536):
                    received += more
            except TimeoutError:
                raise
            except OSError:
                return b""  # refused and closed while it was being sent
        return received

    def must_be_well(self) -> None:
        """None of its processes died or failed."""
        assert self._web() == self._processes
        assert "Traceback" not in self.server.said()
        assert "Exception" not in self.server.said()

    def _web(self) -> list[int]:
        return sorted(named(self.server.process.pid, "tracker-web"))


@pytest.fixture(name="door", scope="module")
def _door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    data = tmp_path_factory.mktemp("fuzz") / "data"
    with serving(
        *(data, "--workers", "1"),
        PAGE_TRACKER_HITS_OF_ADDRESS="0",
        PAGE_TRACKER_TRUSTED_PROXIES="127.0.0.1",
    ) as server:
        command("site", "add", SITE, "--data", str(data))
        given_ = ("--scope", "stats", "--site", SITE, "--data", str(data))
        token = command("token", "add", *given_).strip()
        yield Door(server, token)


_HEAD = re.compile(
    rb"HTTP/1\.1 (\d{3}) [\t -~]*\r\n((?:[!#-'*+.0-9A-Z^-z|~-]+: [\t -~]*\r\n)*)\r\n"
)


def answers_in(received: bytes, is_head: bool) -> list[Answer]:
    """The answers, each whole; an answer to HEAD may be without its body."""
    answers = []
    while received:
        head = _HEAD.match(received)
        assert head, received[:300]
        received = received[head.end() :]
        status = int(head[1])
        pairs = (line.split(b": ", 1) for line in head[2].splitlines())
        headers = {name.lower(): value for name, value in pairs}
        if status < 200:
            continue
        length = int(headers.get(b"content-length", b"0"))
        if status in (204, 304) or (is_head and received[:5] in (b"", b"HTTP/")):
            length = 0
        else:
            assert b"content-length" in headers, head[0]
        assert len(received) >= length, "an answer is cut off"
        kind = headers.get(b"content-type", b"").decode()
        answers.append(Answer(status, kind, received[:length]))
        received = received[length:]
    return answers


def _is_pixel(target: str) -> bool:
    return target.startswith(("/count?", "/hit/"))


_METHODS = st.sampled_from(
    ["GET", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "BREW"]
)
_TARGETS = st.sampled_from(
    [
        *("/api/event", "/api/event", "/api/event?x", "/count", "/count?p=/a"),
        *(f"/count?p=/a&site={SITE}", "/count?p=%zz&e=true&s=1e9", "/count?q=%00&p=a"),
        *(f"/counter/TOTAL.json?site={SITE}", f"/counter/%ff.svg?site={SITE}"),
        *("/counter/.txt", f"/counter/a.svg?site={SITE}&label=%F0&color=zzz"),
        *(f"/hit/a.gif?site={SITE}", f"/hit/a.svg?site={SITE}", "/hit/..%2f.gif"),
        *(f"/matomo.php?idsite={SITE}&rec=1&r=1&e_c=%00&e_a=a", "/piwik.php?rec=1&r"),
        *(f"/matomo.php?idsite={SITE}&rec=1&url=//[&cvar=[[&ec_items=%7B", "/api/send"),
        *("/api/v2/query", "/api/v2/queries", f"/api/v2/realtime?site_id={SITE}"),
        *("/api/sites", f"/api/sites/{SITE}", "/api/tokens", "/api/address"),
        *("/api/openapi.json", "/js/script.js", "/", "/livez", "/readyz", "/nothing"),
        *(
            "*",
            "//",
            "/%00",
            "http://x/api/event",
            "x:1",
            "/api/event#x",
            "/api%2fevent",
        ),
        *("/\xe9", "/?\xe9", "/" + "a" * 9_000),
    ]
)
_LINES = st.sampled_from(
    [
        *("Host: y", "HOST:", "Content-Length: 5", "Content-Length: 0", "Expect: x"),
        *(
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked",
            "Content-Length: -1",
        ),
        *("Connection: close", "Connection: keep-alive", "Connection: upgrade"),
        *("Upgrade: h2c", "Upgrade: websocket", "Sec-WebSocket-Key: x", "X_Y: z"),
        *("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: \xff,[", 'Forwarded: for="'),
        *("X-Debug-Request: true", "Sec-GPC: 1", "Sec-Purpose: prefetch", "DNT: 1"),
        *("Accept-Language: \xe9;q=", "Referer: http://[x", "Referer: \xff", "X"),
        *("If-None-Match: *", "If-Modified-Since: x", "Range: bytes=0-1,5-", ": x"),
        *("Accept: text/html;q=x", "Content-Type: \xff", "Cookie: \x00", " folded"),
        *("User-Agent: Googlebot", "Authorization: Basic \xff", "Content-Type: a/b"),
        *("Expect: 100-continue", "X-Long: " + "x" * 9_000, "Accept-Charset: \x7f"),
    ]
)
_VALUES = st.sampled_from(
    [
        *("1e999999", "-1e400", "9" * 400, "NaN", "null", "true", "{}", "[]", "-0"),
        *('""', '"\\ud800"', '"\xff"', '"\\u0000"', '"http://[x"', '"~"', "[" * 2_000),
        *('{"currency":"EUR","amount":"1e999999"}', '{"a":{"b":[1e308]}}', '"%zz"'),
        *('{"currency":"\\ud800","amount":-1e999}', '"https://fuzz.example/\\ud800"'),
        *('"engagement"', f'"{SITE},,{SITE}"', '["visitors"]', '["is","visit:x",[1]]'),
    ]
)
_KEYS = st.sampled_from(
    [
        *("n", "name", "u", "url", "d", "domain", "r", "p", "props", "$", "revenue"),
        *("i", "h", "e", "sd", "id", "w", "t", "v", "site_id", "metrics", "filters"),
        *("date_range", "dimensions", "order_by", "include", "pagination"),
        *("website", "hostname", "data", "screen", "tag", "requests", "send_image"),
    ]
)


@st.composite
def _umami(draw: st.DrawFn, form: str) -> str:
    """An event in Umami's form, within `form`."""
    payload = draw(_with_changes(f'{{"website":"{SITE}","url":"/a"}}'))
    return form % f'{{"type":"event","payload":{payload}}}'


@st.composite
def _with_changes(draw: st.DrawFn, body: str) -> str:
    """An event or a question, some of its members exchanged."""
    changed = draw(st.lists(st.tuples(_KEYS, _VALUES), max_size=2))
    return body[:-1] + "".join(f',"{key}":{value}' for key, value in changed) + "}"


_EVENTS, _QUESTIONS = _with_changes(EVENT), _with_changes(QUESTION)
_MATOMO = _with_changes(f'{{"requests":["idsite={SITE}&rec=1&url=/a",{EVENT}]}}')
_NOTHING, _GET, _POST = st.just(""), st.just("GET"), st.just("POST")
# Methods, targets and bodies that belong together, and once what does not.
_KINDS = st.sampled_from(
    [
        (_POST, st.just("/api/event"), _EVENTS),
        (_POST, st.just("/api/send"), _umami("%s")),
        (_POST, st.just("/api/batch"), _umami("[%s]")),
        (_POST, st.just("/matomo.php"), _MATOMO),
        (_POST, st.just("/api/v2/query"), _QUESTIONS),
        (st.sampled_from(["GET", "POST"]), _TARGETS.filter(_is_pixel), _NOTHING),
        (_GET, _TARGETS, _NOTHING),
        (_METHODS, _TARGETS, st.one_of(_EVENTS, _QUESTIONS, _NOTHING)),
    ]
)


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    """A request, most often a valid one; its body counted or in chunks."""
    method, target, bodies = draw(_KINDS)
    body = draw(bodies).encode("latin-1", "replace")
    version = draw(st.sampled_from(["1.1"] * 12 + ["1.0", "0.9", "2.0"]))
    lines = [f"{draw(method)} {draw(target)} HTTP/{version}", "Host: x"]
    lines += draw(st.one_of(st.just([]), st.lists(_LINES, max_size=2)))
    lines += draw(st.sampled_from([[f"User-Agent: {CHROME}"]] * 4 + [[]]))
    lines += draw(st.sampled_from([["Authorization: Bearer TOKEN"]] * 4 + [[]]))
    framing = draw(st.sampled_from(["counted", "counted", "chunked", "none"]))
    if framing == "counted":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        size = draw(st.sampled_from([1, 7, 99_999]))
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        extension = draw(st.sampled_from([b"", b";a=b"]))
        trailer = draw(st.sampled_from([b"", b"X-Forwarded-For: 192.0.2.7\r\n"]))
        body = b"".join(
            b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks
        )
        body += b"0\r\n%b\r\n" % trailer
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


_PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\r", b"\n", b"\x00", b"\xff", b" ", b":", b"\r\n\r\n", b"0", b"%"),
        *(
            b"Content-Length: 1\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"GET / HTTP/1.1",
        ),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
)


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """One request or two, and a piece put in or cut out."""
    data = b"".join(draw(st.lists(_requests(), min_size=1, max_size=2)))
    at, cut = draw(st.integers(0, len(data))), draw(st.integers(0, 9))
    if draw(st.booleans()):
        return data[:at]
    return data[:at] + draw(_PIECES) + data[at + cut :]


def posted(event: str) -> bytes:
    """A request with an event, as a browser sends it."""
    head = f"POST /api/event HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\n"
    return f"{head}Content-Length: {len(event)}\r\n\r\n{event}".encode()


# Some seconds of them, or minutes.
SOME = settings(max_examples=examples(50, long=4_000))


@pytest.mark.timeout(1_800)
def test_whatever_is_sent_both_ways_answer_alike_and_well(door: Door) -> None:
    @SOME
    @example(f"POST /count?p=/a&site={SITE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    @example(f"GET /hit/a.gif?site={SITE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    @example(posted(EVENT[:-1] + ',"$":{"currency":"EUR","amount":1e999999}}'))
    @example(posted(EVENT[:-1] + ',"$":{"currency":"EUR","amount":"1e999999"}}'))
    @given(st.one_of(_requests(), _mutated()))
    def check(sent: bytes) -> None:
        sent = sent.replace(b"TOKEN", door.token.encode())
        is_head = b"HEAD" in sent
        at_once = answers_in(door.exchanged(sent), is_head)
        in_pieces = answers_in(door.exchanged(sent[:1], sent[1:]), is_head)
        assert not [each for each in (*at_once, *in_pieces) if each.status == 500]
        if at_once and in_pieces:
            assert _comparable(at_once) == _comparable(in_pieces)

    check()  # pylint: disable=no-value-for-parameter # hypothesis draws them
    door.must_be_well()


def _comparable(answers: Sequence[Answer]) -> tuple[int, str]:
    """Counts may have changed since, so it is not the body."""
    return answers[0].status, answers[0].kind


@pytest.mark.timeout(1_800)
def test_whatever_comes_in_many_pieces_is_answered_well(door: Door) -> None:
    @SOME
    @given(_mutated(), st.lists(st.integers(1, 400), max_size=8))
    def check(sent: bytes, sizes: list[int]) -> None:
        sent = sent.replace(b"TOKEN", door.token.encode())
        pieces = []
        for size in sizes:
            pieces.append(sent[:size])
            sent = sent[size:]
        answers = answers_in(door.exchanged(*pieces, sent), True)
        assert not [each for each in answers if each.status == 500]

    check()  # pylint: disable=no-value-for-parameter # hypothesis draws them
    door.must_be_well()
