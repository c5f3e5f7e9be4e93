"""uvicorn's HTTP, bounded, and beside it a fast path to the collector.

Most requests that we get are one small hit in one piece. Between its last byte and its
answer there is nothing to wait for but the store: no parser's callbacks, no task, no
messages, one write. All other requests take uvicorn's own way, including hits that come
in several pieces.

Either way a request is answered once all of it has arrived, one after the other, and
the time and memory that a client may use until then are bounded:

| a connection is | until | at most | else |
|---|---|---|---|
| idle, new | a request's first byte | FIRST_SECONDS | it is closed |
| idle, kept | as above | gunicorn's `keepalive` | it is closed |
| in a head | its empty line | HEAD_SECONDS, MAX_HEAD | 408, 431; closed |
| in a body | its end | BODY_SECONDS; no more is kept than its route takes | 408 |
| answering | the answer is written | what comes meanwhile waits unread | |
| not taken | the client has read | TAKE_SECONDS, and SLOWEST | it is cut |
| refused | the client has closed | LINGER_SECONDS; all is thrown away | it is cut |
| closing | the client has read | TAKE_SECONDS, and SLOWEST | it is cut |

Chunk extensions and trailers are ignored, and bounded by MAX_HEAD too. While a
connection is idle, in a head or in a body it waits for its client, and may be closed
early to make room for others (`capacity.py`).
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from page_tracker.protocols.request import Answer
from page_tracker.web.door.capacity import Capacity
from page_tracker.web.door.deadline import Deadline
from page_tracker.web.door.fast_path import whole_request
from page_tracker.web.door.reader import MAX_HEAD, BadRequestError, RequestReader

# Seconds.
FIRST_SECONDS = 10.0
HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
TAKE_SECONDS = 30.0
LINGER_SECONDS = 2.0  # until a refused client has read the answer
STOP_SECONDS = 1.0  # for one more request when the server stops, and for its rest

# Bytes a second.
SLOWEST = 8_192

_END = b"\r\n\r\n"


class Phase(Enum):
    """The state of a connection, as in the table above."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERING = auto()
    CLOSING = auto()


class Connection(RequestReader):
    """One client's connection: reads requests, passes them on, writes their answers.

    The application has `takes` and `answer_soon` beside ASGI, and `longest_body`.
    """

    # Descriptors and memory are the process's.
    room = Capacity()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.held = 0
        self._phase = Phase.IDLE
        # What arrived but was not read yet, and up to where it has no empty line.
        self._unread = bytearray()
        self._searched = 0
        self._deadline = Deadline(self.loop, self._overdue)

    # What happens to the connection.

    def connection_made(  # type: ignore[override] # as uvicorn's
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.room.wait(self)
        self._deadline.set(FIRST_SECONDS)
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
        """A client that has closed its end may still wait: the application is told."""
        self._end_soon()
        if self.cycle is not None:
            self.cycle.message_event.set()
        return self._phase is Phase.ANSWERING

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.leave(self)
        self.room.hold(self, 0)
        self._deadline.end()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._deadline.set(self._seconds_to_take())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is Phase.ANSWERING:
            self._deadline.lift()
        elif self._phase is Phase.IDLE:
            self._wait()

    def shutdown(self) -> None:
        """Close, but only once the requests received are answered.

        A request may be on its way just now. If an idle connection were closed, its
        sender would not know whether it was counted: it is answered, as the last.
        """
        self._end_soon()
        if self._phase in (Phase.IDLE, Phase.HEAD, Phase.BODY):
            self._deadline.set_sooner(STOP_SECONDS)

    def give_way(self) -> None:
        """Close, to make room for others."""
        if self._phase is Phase.IDLE:
            self._close()
        elif self._phase is Phase.CLOSING:
            self.transport.abort()
        else:
            self._refuse(BadRequestError(503, "too much is sent at once; try again"))

    # A request is read.

    def _is_taken(self, data: bytes) -> bool:
        """Whether it is a request for the fast path; if so, it has been passed on."""
        if self.flow.write_paused:
            return False
        request = whole_request(data)
        if request is None or not self.app.takes(request.path):
            return False
        self._phase = Phase.ANSWERING
        self.room.leave(self)
        self._deadline.lift()
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
        except BadRequestError as refused:
            self._refuse(refused)
        except (HttpParserError, HttpParserUpgrade):
            self._refuse(BadRequestError(400, "this is no HTTP request"))
        if self._phase is not Phase.CLOSING:
            of_body = len(self.cycle.body) if self.has_head else 0
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
        self._deadline.set(HEAD_SECONDS)

    def _read_head(self) -> None:
        at = self._unread.find(_END, max(0, self._searched - len(_END)))
        self._searched = len(self._unread)
        if (at if at >= 0 else self._searched) > MAX_HEAD:
            raise BadRequestError(431, f"a head has at most {MAX_HEAD} bytes")
        if at < 0:
            return
        head = bytes(self._unread[: at + len(_END)])
        del self._unread[: len(head)]
        self._phase = Phase.BODY
        self._deadline.set(BODY_SECONDS)
        self.read_head(head)
        self.longest_body = self.app.longest_body(self.scope["path"])
        if self.expect_100_continue and not self.is_whole and not self._unread:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.cycle.waiting_for_100_continue = False

    def _read_body(self) -> None:
        if self._unread and not self.is_whole:
            piece = bytes(self._unread[: self.left_of_body])
            del self._unread[: len(piece)]
            self.read_body(piece)
        if self.is_whole:
            self._start()

    # It is answered.

    def _start(self) -> None:
        self._phase = Phase.ANSWERING
        self.room.leave(self)
        self._deadline.lift()
        self.start(self._run)

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        """Have the application answer, for as long as the client is there."""
        cycle = self.cycle

        async def send_on(message: Any) -> None:
            # If a write has just failed, uvicorn knows it only a moment later.
            cycle.disconnected |= self.transport.is_closing()
            await send(message)

        await self.app(scope, receive, send_on)

    def on_response_complete(self) -> None:
        """The application has answered."""
        self.server_state.total_requests += 1
        self.has_head = self.is_whole = False
        self._go_on()

    def _answer(self, answer: Answer) -> None:
        """The fast path's answer is there."""
        if self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        self.transport.write(_bytes_of(answer, self.is_last))
        self._go_on()

    def _go_on(self) -> None:
        """Wait for the next request, or begin with it if it is there."""
        if self.is_last or self.transport.is_closing():
            self._close()
            return
        self._phase = Phase.IDLE
        self.room.wait(self)
        if self.held:
            self.room.hold(self, len(self._unread))
        if not self.flow.write_paused:
            self._wait()

    def _wait(self) -> None:
        self._deadline.set(self.timeout_keep_alive)
        if self._unread:
            self.loop.call_soon(self._read)

    def _refuse(self, refused: BadRequestError) -> None:
        """Answer a request that is not passed on, and close."""
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
            # If it were closed now, data still arriving would discard the answer.
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                self.transport.close()
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.hold(self, 0)
        self._deadline.set(LINGER_SECONDS)

    # It ends.

    def _end_soon(self) -> None:
        """What is being read or answered is the last."""
        self.is_last = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _close(self) -> None:
        """Close once the client has read everything."""
        self._phase = Phase.CLOSING
        self._unread.clear()
        self.room.leave(self)
        self.room.hold(self, 0)
        self.transport.close()
        self._deadline.set(self._seconds_to_take())

    def _seconds_to_take(self) -> float:
        """How long the client may take to read what was written."""
        return TAKE_SECONDS + self.transport.get_write_buffer_size() / SLOWEST

    def _overdue(self) -> None:
        if self._phase is Phase.CLOSING or self.flow.write_paused:
            self.transport.abort()
        elif self._phase is Phase.IDLE:
            self._close()
        else:
            self._refuse(BadRequestError(408, "the request did not come in time"))


@lru_cache(4096)
def _bytes_of(answer: Answer, is_last: bool) -> bytes:
    headers = (*answer.headers, _CLOSE) if is_last else answer.headers
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body))


_CLOSE = (b"connection", b"close")
