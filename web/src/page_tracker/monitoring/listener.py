"""Answers scrapes at an address of its own, whichever web process takes them.

The address is taken before the processes are forked, and all of them listen there. It
knows no accounts: it has to be one that only Prometheus reaches.
"""

from __future__ import annotations

import socket
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.registry import Collector

from page_tracker.errors import AddressError

SECONDS = 5.0  # until a scrape must have been sent, and its answer taken
_NEVER = 3600.0  # how often a server looks whether it should stop: it ends with us


def listen_at(host: str, port: int) -> socket.socket:
    """Take the address. Raises AddressError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise AddressError(
            f"cannot expose metrics at {host} port {port} ({error.strerror})",
            "stop what listens there, or write another address into"
            " PAGE_TRACKER_METRICS",
        ) from error


def answer_at(listener: socket.socket, metrics: Collector) -> None:
    """Answer scrapes in a thread, for as long as the process lives."""
    registry = CollectorRegistry()
    registry.register(metrics)
    server = _Server(listener)
    server.set_app(make_wsgi_app(registry))
    threading.Thread(
        target=server.serve_forever, args=(_NEVER,), name="metrics", daemon=True
    ).start()


class _Server(WSGIServer):
    """On a socket that listens already."""

    def __init__(self, listener: socket.socket) -> None:
        address = listener.getsockname()[:2]
        super().__init__(address, _Quiet, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = address
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    """No scrape is logged."""

    timeout = SECONDS

    # What it is given, it does not need: pylint: disable-next=arguments-differ
    def log_message(self, *_: Any) -> None:
        """Nothing is said."""
