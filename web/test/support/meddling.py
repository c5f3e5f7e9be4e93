"""A proxy before a store that does to its answers what a bad network or store does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

# From a request's method and path and the store's answer: the status that the client
# gets; None throws the answer away and ends the connection.
Meddle = Callable[[str, str, int], int | None]


class _Server(ThreadingHTTPServer):
    """One that takes as many connections at once as deltalake opens."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def meddling(url: str, meddle: Meddle) -> Iterator[str]:
    """The address of a proxy before the store at `url`."""
    store = urlsplit(url).netloc

    class Between(BaseHTTPRequestHandler):
        """One connection of a client."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:  # pylint: disable=invalid-name # the library's
            """Pass a request on, and what becomes of its answer."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with closing(HTTPConnection(store)) as connection:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
            status = meddle(self.command, self.path, answer.status)
            if status is None:
                self.close_connection = True
                return
            with suppress(OSError):  # the client has seen enough of it
                self._answer(status, answer, content)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

        def _answer(self, status: int, answer: HTTPResponse, content: bytes) -> None:
            self.send_response_only(status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            has_body = self.command != "HEAD" and status != 204
            size = len(content) if has_body else answer.getheader("Content-Length", "0")
            self.send_header("Content-Length", str(size))
            if status != answer.status:
                self.send_header("ETag", '"as-if"')
            self.end_headers()
            if has_body:
                self.wfile.write(content)

    with _Server(("127.0.0.1", 0), Between) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
