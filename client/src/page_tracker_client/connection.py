"""One persistent connection to the server: a request out, an answer in.

The standard library's client takes some 230 µs of processor time for such a pair, five
times as much, and in the application's own interpreter. Only the form in which a server
answers events is read; after any other answer the connection is closed.
"""

from __future__ import annotations

import socket
import ssl
import time
from functools import cache
from typing import NamedTuple

from page_tracker_client.target import Target

# Bytes.
MAX_ANSWER = 65_536
_CHUNK = 16_384

_END = b"\r\n\r\n"


class Answer(NamedTuple):
    """A response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A connection that is opened when it is needed, and again after it was closed."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket: socket.socket | None = None
        # Whether the current request went out on a connection used before.
        self.was_kept = False

    def send(self, request: bytes, deadline: float) -> None:
        """Send a request; raises OSError. `deadline` is a time of time.monotonic()."""
        self.was_kept = self._socket is not None
        try:
            if self._socket is None:
                self._socket = self._opened(deadline)
            self._socket.settimeout(_left(deadline))
            self._socket.sendall(request)
        except OSError:
            self.close()
            raise

    def answer(self, deadline: float) -> Answer:
        """The answer to the last request; raises OSError, and closes then."""
        try:
            head, body = self._read_head(deadline)
            status, headers = _read(head)
            if "chunked" in headers.get("transfer-encoding", ""):
                headers["connection"] = "close"
            wanted = min(int(headers.get("content-length", 0)), MAX_ANSWER)
            while len(body) < wanted:
                body += self._received(deadline)
        except (OSError, ValueError) as error:
            self.close()
            if isinstance(error, OSError):
                raise
            raise ConnectionError(f"the answer is no HTTP: {error}") from error
        if len(body) > wanted or headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body[:wanted])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self, deadline: float) -> socket.socket:
        address = (self._target.host, self._target.port)
        opened = socket.create_connection(address, _left(deadline))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._target.is_secure:
            return opened
        return _trusting().wrap_socket(opened, server_hostname=self._target.host)

    def _read_head(self, deadline: float) -> tuple[bytes, bytes]:
        """The head, and the part of the body that came with it."""
        received = b""
        while _END not in received:
            if len(received) > MAX_ANSWER:
                raise ValueError("its head has no end")
            received += self._received(deadline)
        head, _, body = received.partition(_END)
        return head, body

    def _received(self, deadline: float) -> bytes:
        if self._socket is None:
            raise ConnectionError("the connection is closed")
        self._socket.settimeout(_left(deadline))
        received = self._socket.recv(_CHUNK)
        if not received:
            raise ConnectionResetError("the server closed the connection")
        return received


@cache
def _trusting() -> ssl.SSLContext:
    """The machine's certificate authorities, which take long to load."""
    return ssl.create_default_context()


def _read(head: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers; raises ValueError."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, *_ = first.split(" ")
    if not version.startswith("HTTP/"):
        raise ValueError(f"it begins with {first[:40]!r}")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    if version == "HTTP/1.0":
        headers["connection"] = "close"
    return int(status), headers


def _left(deadline: float) -> float:
    """Seconds until then; raises TimeoutError if there are none left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
