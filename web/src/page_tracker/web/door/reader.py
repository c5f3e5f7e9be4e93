"""What uvicorn's parser finds of one request, its body and what surrounds that bounded.

Chunk extensions and trailers mean nothing to us; they are parsed and let go.
"""

from __future__ import annotations

import re
from typing import Any

from httptools import HttpParserCallbackError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Bytes, of a head and of what surrounds a body's chunks.
MAX_HEAD = 32_768

# We speak nothing else: an offer to is not taken (RFC 9110, 7.8), and what follows the
# head is its body.
_OFFER = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


class BadRequestError(Exception):
    """A request that is answered at the door, and is the last of its connection."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class RequestReader(HttpToolsProtocol):
    """Reads one request of a connection after the other, and starts none by itself."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # What has been read of the request.
        self.has_head = self.is_whole = False
        # Its answer is the connection's last.
        self.is_last = False
        # Bytes of the body that are to come; None where only its chunks tell.
        self.left_of_body: int | None = 0
        # The most that is taken of it.
        self.longest_body = 0
        # Bytes that were read behind the head, and how many of them are the body's.
        self._raw = self._decoded = 0

    def read_head(self, head: bytes) -> None:
        """Read a whole head, to its empty line.

        Raises BadRequestError, HttpParserError.
        """
        self.parser.feed_data(_OFFER.sub(b"", head))
        hosts = sum(name == b"host" for name, _ in self.headers)
        if self.scope["http_version"] == "1.1" and hosts != 1:
            raise BadRequestError(400, "a request names one Host")

    def read_body(self, piece: bytes) -> None:
        """Read on in a body. Raises BadRequestError, HttpParserError."""
        if self.left_of_body is not None:
            self.left_of_body -= len(piece)
        self._raw += len(piece)
        try:
            self.parser.feed_data(piece)
        except HttpParserCallbackError:
            if not self.is_whole:  # else the next request has begun
                raise
        if self._raw > 2 * self._decoded + MAX_HEAD:
            raise BadRequestError(
                431, "there is too much around the chunks of the body"
            )

    def on_message_begin(self) -> None:
        if self.is_whole:
            # Behind chunks: its beginning is lost to us, so it is to be sent again.
            self.is_last = True
            raise BadRequestError(
                400, "a request was sent before this one was answered"
            )
        super().on_message_begin()
        self.left_of_body = 0
        self._raw = self._decoded = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:  # else it is in the trailers
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.has_head = True
        for name, value in self.headers:
            if name == b"content-length":
                self.left_of_body = int(value)
            elif name == b"transfer-encoding":
                self.left_of_body = None

    def on_body(self, body: bytes) -> None:
        """Keep a body, and of one that is too long a byte more than is taken."""
        self._decoded += len(body)
        self.cycle.body += body
        del self.cycle.body[self.longest_body + 1 :]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.is_whole = True

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Not yet: it is not there as a whole."""

    def start(self, app: Any) -> None:
        """Have an application answer what was read."""
        if self.is_last:
            self.cycle.keep_alive = False
        super()._start_asgi_task(self.cycle, app)
