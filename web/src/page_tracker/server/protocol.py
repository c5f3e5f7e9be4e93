"""uvicorn's HTTP, and a short way to the collector through it.

Most requests that we get are one small hit. Between its last byte and its answer there
is nothing to wait for but the store: no task, no messages, one write. All other
requests go uvicorn's own way, hits with unusual bodies among them.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from page_tracker.collect.protocols.protocol import Answer

# Bytes; a longer body takes the way that can make its sender wait.
SHORT_BODY = 32_768


class ShortWay(HttpToolsProtocol):
    """Hands short hits to the application's own `answer_soon`."""

    _short: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if not (app.takes(cycle.scope) and _is_short(cycle)):
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._short = cycle
        else:  # it came whole while the request before it was answered
            self._answer(cycle)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._short is not None and self._short is self.cycle:
            self._short = None
            self._answer(self.cycle)

    def _answer(self, cycle: RequestResponseCycle) -> None:
        self.app.answer_soon(cycle.scope, bytes(cycle.body), partial(_write, cycle))


def _is_short(cycle: RequestResponseCycle) -> bool:
    if cycle.waiting_for_100_continue or cycle.scope["method"] == "HEAD":
        return False
    for name, value in cycle.scope["headers"]:
        if name == b"content-length":
            return len(value) < 9 and int(value) <= SHORT_BODY
        if name == b"transfer-encoding":
            return False
    return True


def _write(cycle: RequestResponseCycle, answer: Answer) -> None:
    """What the cycle does when an application sends a whole answer."""
    if cycle.disconnected:
        return
    cycle.response_started = True
    cycle.response_complete = True
    cycle.transport.write(_bytes_of(answer, cycle.keep_alive))
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


@lru_cache(4096)
def _bytes_of(answer: Answer, keep_alive: bool) -> bytes:
    headers = answer.headers if keep_alive else (*answer.headers, _CLOSE)
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join((STATUS_LINE[answer.status], *lines, b"\r\n", answer.body))


_CLOSE = (b"connection", b"close")
