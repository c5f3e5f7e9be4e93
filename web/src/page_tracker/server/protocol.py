"""uvicorn's HTTP, and a short way to the collector beside it.

Most requests that we get are one small hit in one piece. Between its last byte and its
answer there is nothing to wait for but the store: no parser's callbacks, no task, no
messages, one write. All other requests go uvicorn's own way, hits that come in several
pieces among them.
"""

from __future__ import annotations

from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from page_tracker.collect.protocols.protocol import Answer
from page_tracker.server.whole import whole_request


class ShortWay(HttpToolsProtocol):
    """Hands whole requests to the application's own `answer_soon`."""

    # uvicorn's parser is inside a request.
    _is_inside = False
    # A request on the short way has no answer yet; what came meanwhile comes after it.
    _waits = False
    _held = b""
    # Its answer is the last: the server stops.
    _is_last = False
    # When the short way was last used, by the loop's clock.
    _used = 0.0

    def data_received(self, data: bytes) -> None:
        if self._waits:
            self._held += data
            self.transport.pause_reading()
        elif not self._taken(data):
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._is_inside = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_inside = False
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """The short way leaves the timer alone: it may be too early to close."""
        left = self._used + self.timeout_keep_alive - self.loop.time()
        if self._waits or left > 0:
            self._rest(max(left, 0.01))
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        """Close, but not before what was sent is answered."""
        if self._waits:
            self._is_last = True
        else:
            super().shutdown()

    def _taken(self, data: bytes) -> bool:
        """Whether it is a request for the short way, which is on it then."""
        is_between = self.cycle is None or self.cycle.response_complete
        if self._is_inside or not is_between or self.flow.write_paused:
            return False
        request = whole_request(data)
        if request is None or not self.app.takes(request.path):
            return False
        self._waits = True
        self.app.answer_soon(request, self.client, self._answer)
        return True

    def _answer(self, answer: Answer) -> None:
        self._waits = False
        if self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        self.transport.write(_bytes_of(answer, self._is_last))
        self._used = self.loop.time()
        if self._is_last:
            self.transport.close()
            return
        if self.timeout_keep_alive_task is None:
            self._rest(self.timeout_keep_alive)
        if self._held:
            held, self._held = self._held, b""
            self.transport.resume_reading()
            self.data_received(held)

    def _rest(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )


@lru_cache(4096)
def _bytes_of(answer: Answer, is_last: bool) -> bytes:
    headers = (*answer.headers, _CLOSE) if is_last else answer.headers
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body))


_CLOSE = (b"connection", b"close")
