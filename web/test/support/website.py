"""A website to be counted: pages over HTTP, as many as a test needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

Page = tuple[int, str]


@dataclass
class Website:
    """Pages by their paths, given at `url`; what is not there answers 404.

    No other website has its host, so that its hits are told from others'.
    """

    host: str
    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)


@contextmanager
def website() -> Iterator[Website]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        # Browsers find every name below localhost on the machine itself.
        host = f"site-{uuid4().hex[:8]}.localhost"
        site = Website(host, f"http://{host}:{server.server_port}")
        server.site = site  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # pylint: disable=invalid-name # http.server names it
        site: Website = self.server.site  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        site.requested.append(path)
        status, text = site.pages.get(path, (404, "not here"))
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
        # pylint: disable=redefined-builtin # the name is http.server's
