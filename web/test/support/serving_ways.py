"""Every way of serving, and what is sent to it and comes back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from support.collecting import CHROME, SITE
from support.pace import PACE
from support.processes import Running, running, serving

TIMEOUT = 30 * PACE
PAGE = f"https://{SITE}/a"
WAYS = {
    "flask": ["flask", "--app", "page_tracker.app", "run", "--port", "0"],
    "gunicorn": [
        *("gunicorn", "page_tracker.app:app", "--bind", "127.0.0.1:0"),
        "--no-control-socket",
    ],
}


@contextmanager
def served(way: str, data: Path, **environment: str) -> Iterator[Running]:
    if way == "serve":
        with serving(data, "--workers", "1", **environment) as server:
            yield server
    else:
        output = data.with_name(f"{way}.output")
        with running(output, WAYS[way], **environment) as server:
            yield server


def post(server: Running, path: str = "/api/event", **said: Any) -> requests.Response:
    headers = {"User-Agent": CHROME} | said.pop("headers", {})
    body = {"n": "pageview", "u": PAGE, "d": SITE} | said
    return requests.post(
        f"{server.url}{path}", json=body, headers=headers, timeout=TIMEOUT
    )


def get(server: Running, path: str, **headers: str) -> requests.Response:
    return requests.get(
        f"{server.url}{path}", headers={"User-Agent": CHROME} | headers, timeout=TIMEOUT
    )


def exchanged(server: Running, sent: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    parts = urlsplit(server.url)
    assert parts.hostname
    with socket.create_connection((parts.hostname, parts.port), TIMEOUT) as connection:
        connection.sendall(sent)
        received = b""
        while more := connection.recv(65536):
            received += more
        return received
