"""uvicorn's HTTP, bounded, and a short way to the collector beside it.

Most requests that we get are one small hit in one piece. Between its last byte and its
answer there is nothing to wait for but the store: no parser's callbacks, no task, no
messages, one write. All other requests go uvicorn's own way, hits that come in several
pieces among them.

On either way a request is answered once it is there as a whole, one after the other,
and what a client may take of time and memory until then is bounded:

| a connection is | until | at most | else |
|---|---|---|---|
| idle, new | a request's first byte | FIRST_SECONDS | it is closed |
| idle, kept | as above | gunicorn's `keepalive` | it is closed |
| in a head | its empty line | HEAD_SECONDS, LONGEST_HEAD | 408, 431; closed |
| in a body | its end | BODY_SECONDS; no more is kept than its route takes | 408 |
| answering | the answer is written | what comes meanwhile waits unread | |
| not taken | the client has read | TAKE_SECONDS, and SLOWEST | it is cut |
| refused | the client has closed | LINGER_SECONDS; all is thrown away | it is cut |
| closing | the client has read | TAKE_SECONDS, and SLOWEST | it is cut |

Chunk extensions and trailers mean nothing to us and are bounded by LONGEST_HEAD, too.
While a connection is idle, in a head or in a body it waits for its client, and may have
to go before its time to make room for others (`room.py`).
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum, auto
from functools import lru_cache
from math import inf
from typing import Any

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from page_tracker.collect.protocols.protocol import Answer
from page_tracker.server.room import Room
from page_tracker.server.whole import whole_request

# Seconds.
FIRST_SECONDS = 10.0
HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
TAKE_SECONDS = 30.0
LINGER_SECONDS = 2.0  # until who was refused has heard it
STOP_SECONDS = 1.0  # for a request that is half there when the server stops

# Bytes, and bytes a second.
LONGEST_HEAD = 32_768
SLOWEST = 8_192

_END = b"\r\n\r\n"
# We speak nothing else: an offer to is not taken (RFC 9110, 7.8), and what follows the
# head is its body.
_OFFER = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


class Phase(Enum):
    """Where a connection is, as in the table above."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERING = auto()
    CLOSING = auto()


class Refused(Exception):
    """A request that is answered here, and the last of its connection."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Connection(HttpToolsProtocol):
    """One client's connection: reads requests, hands them on, writes their answers.

    The application has `takes` and `answer_soon` beside ASGI, and `longest_body`.
    """

    # Descriptors and memory are the process's.
    room = Room()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.held = 0
        self._phase = Phase.IDLE
        # Its answer is the last.
        self._is_last = False
        # What came and was not looked at yet, and how far an empty line is not in it.
        self._unread = bytearray()
        self._searched = 0
        # Of the request that is read: its head is there, it is all there; bytes of its
        # body that are to come, None where only chunks tell; bytes of chunks, and in
        # them; the most that its route takes.
        self._has_head = self._is_whole = False
        self._left: int | None = 0
        self._raw = self._decoded = self._longest = 0
        # When something is to happen, and when we look whether it is time, which may be
        # too early: so that nothing is to be done for each request.
        self._due = inf
        self._looks = inf
        self._timer: asyncio.TimerHandle | None = None

    # What happens to the connection.

    def connection_made(  # type: ignore[override] # as uvicorn's
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.room.wait(self)
        self._limit(FIRST_SECONDS)
        self.room.admit(len(self.connections))

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.IDLE and not self._unread and self._is_taken(data):
            return
        if self._phase is Phase.CLOSING:
            return
        self._unread += data
        if self._phase is Phase.ANSWERING:
            self.flow.pause_reading()
        self._read()

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn keeps none
        """Who says no more may still wait for an answer."""
        self._end_soon()
        return self._phase is Phase.ANSWERING

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.leave(self)
        self.room.hold(self, 0)
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._limit(self._seconds_to_take())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is Phase.ANSWERING:
            self._due = inf
        elif self._phase is Phase.IDLE:
            self._wait()

    def shutdown(self) -> None:
        """Close, but not before what was sent is answered."""
        self._end_soon()
        if self._phase is Phase.IDLE:
            self._close()
        elif self._phase in (Phase.HEAD, Phase.BODY):
            self._limit(min(STOP_SECONDS, self._due - self.loop.time()))

    def give_way(self) -> None:
        """Close, to make room for others."""
        if self._phase is Phase.IDLE:
            self._close()
        elif self._phase is Phase.CLOSING:
            self.transport.abort()
        else:
            self._refuse(Refused(503, "too much is sent at once; try again"))

    # A request is read.

    def _is_taken(self, data: bytes) -> bool:
        """Whether it is a request for the short way, which is on it then."""
        if self.flow.write_paused:
            return False
        request = whole_request(data)
        if request is None or not self.app.takes(request.path):
            return False
        self._phase = Phase.ANSWERING
        self.room.leave(self)
        self._due = inf
        self.app.answer_soon(request, self.client, self._answer)
        return True

    def _read(self) -> None:
        """Read on, to the end of one request at most."""
        try:
            if self._phase is Phase.IDLE:
                self._begin()
            if self._phase is Phase.HEAD:
                self._read_head()
            if self._phase is Phase.BODY:
                self._read_body()
        except Refused as refused:
            self._refuse(refused)
        except (HttpParserError, HttpParserUpgrade):
            self._refuse(Refused(400, "this is no HTTP request"))
        if self._phase is not Phase.CLOSING:
            of_body = len(self.cycle.body) if self._has_head else 0
            self.room.hold(self, len(self._unread) + of_body)

    def _begin(self) -> None:
        """Begin with a request, if more than empty lines came."""
        if self.flow.write_paused:
            self.flow.pause_reading()
            return
        self._unread = self._unread.lstrip(b"\r\n")
        self._searched = 0
        self.flow.resume_reading()
        if not self._unread:
            return
        if self._is_taken(bytes(self._unread)):
            self._unread.clear()
            return
        self._phase = Phase.HEAD
        self._limit(HEAD_SECONDS)

    def _read_head(self) -> None:
        at = self._unread.find(_END, max(0, self._searched - len(_END)))
        self._searched = len(self._unread)
        if (at if at >= 0 else self._searched) > LONGEST_HEAD:
            raise Refused(431, f"a head has at most {LONGEST_HEAD} bytes")
        if at < 0:
            return
        head = bytes(self._unread[: at + len(_END)])
        del self._unread[: len(head)]
        self._phase = Phase.BODY
        self._limit(BODY_SECONDS)
        self.parser.feed_data(_OFFER.sub(b"", head))
        if self.scope["http_version"] == "1.1" and self._sent(b"host") != 1:
            raise Refused(400, "a request names one Host")
        self._longest = self.app.longest_body(self.scope["path"])
        if self.expect_100_continue and not self._is_whole and not self._unread:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.cycle.waiting_for_100_continue = False

    def _read_body(self) -> None:
        if self._unread and not self._is_whole:
            piece = bytes(self._unread[: self._left])
            del self._unread[: len(piece)]
            if self._left is not None:
                self._left -= len(piece)
            self._raw += len(piece)
            try:
                self.parser.feed_data(piece)
            except HttpParserCallbackError:
                if not self._is_whole:  # else the next request has begun
                    raise
            if self._raw > 2 * self._decoded + LONGEST_HEAD:
                raise Refused(431, "there is too much around the chunks of the body")
        if self._is_whole:
            self._start()

    def _sent(self, name: bytes) -> int:
        """How often a header was sent."""
        return sum(each == name for each, _ in self.headers)

    # What httptools finds in it.

    def on_message_begin(self) -> None:
        if self._is_whole:
            # Behind chunks: its beginning is lost to us, so it is to be sent again.
            self._is_last = True
            raise Refused(400, "a request was sent before this one was answered")
        super().on_message_begin()
        self._left = 0
        self._raw = self._decoded = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # else it is in the trailers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._has_head = True
        for name, value in self.headers:
            if name == b"content-length":
                self._left = int(value)
            elif name == b"transfer-encoding":
                self._left = None

    def on_body(self, body: bytes) -> None:
        """Keep a body, and of one that is too long a byte more than is taken."""
        self._decoded += len(body)
        self.cycle.body += body
        del self.cycle.body[self._longest + 1 :]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_whole = True

    # It is answered.

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Not yet: it is not there as a whole."""

    def _start(self) -> None:
        self._phase = Phase.ANSWERING
        self.room.leave(self)
        self._due = inf
        if self._is_last:
            self.cycle.keep_alive = False
        super()._start_asgi_task(self.cycle, self.app)

    def on_response_complete(self) -> None:
        """The application has answered."""
        self.server_state.total_requests += 1
        self._has_head = self._is_whole = False
        self._go_on()

    def _answer(self, answer: Answer) -> None:
        """The short way's answer is there."""
        if self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        self.transport.write(_bytes_of(answer, self._is_last))
        self._go_on()

    def _go_on(self) -> None:
        """Wait for the next request, or begin with it where it is there."""
        if self._is_last or self.transport.is_closing():
            self._close()
            return
        self._phase = Phase.IDLE
        self.room.wait(self)
        if self.held:
            self.room.hold(self, len(self._unread))
        if not self.flow.write_paused:
            self._wait()

    def _wait(self) -> None:
        self._limit(self.timeout_keep_alive)
        if self._unread:
            self.loop.call_soon(self._read)

    def _refuse(self, refused: Refused) -> None:
        """Answer a request that is not handed on, and close."""
        if not self.transport.is_closing():
            body = f"{refused}\n".encode()
            headers = (
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                *([(b"retry-after", b"1")] if refused.status == 503 else []),
            )
            answer = Answer(refused.status, headers, body)
            self.transport.write(_bytes_of(answer, True))
            # Were it closed now, what still comes would take the answer away.
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                self.transport.close()
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.hold(self, 0)
        self._limit(LINGER_SECONDS)

    # It ends.

    def _end_soon(self) -> None:
        """What is being read or answered is the last."""
        self._is_last = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _close(self) -> None:
        """Close once what was written is read."""
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.leave(self)
        self.room.hold(self, 0)
        self.transport.close()
        self._limit(self._seconds_to_take())

    def _seconds_to_take(self) -> float:
        """How long the client may take to read what was written."""
        return TAKE_SECONDS + self.transport.get_write_buffer_size() / SLOWEST

    def _limit(self, seconds: float) -> None:
        """Say when what is waited for now is overdue."""
        self._due = self.loop.time() + seconds
        if self._due < self._looks:
            if self._timer is not None:
                self._timer.cancel()
            self._looks = self._due
            self._timer = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._looks = inf
        left = self._due - self.loop.time()
        if left == inf:
            return
        if left > 0:
            self._limit(left)
        elif self._phase is Phase.CLOSING or self.flow.write_paused:
            self.transport.abort()
        elif self._phase is Phase.IDLE:
            self._close()
        else:
            self._refuse(Refused(408, "the request did not come in time"))


@lru_cache(4096)
def _bytes_of(answer: Answer, is_last: bool) -> bytes:
    headers = (*answer.headers, _CLOSE) if is_last else answer.headers
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body))


_CLOSE = (b"connection", b"close")
