"""Where events are sent, and the request that sends one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """A server's address, split; `path` is that of its events."""

    url: str
    host: str
    port: int
    is_secure: bool
    path: str
    authority: str


def target_of(server: str) -> Target:
    """Parse an address like https://stats.example.com; raises ValueError."""
    try:
        parts = urlsplit(server.rstrip("/"))
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError) as error:
        raise _misread(server) from error
    is_plain = not (parts.query or parts.fragment or parts.username)
    if not (parts.hostname and is_plain and server.isascii() and server.isprintable()):
        raise _misread(server)
    return Target(
        parts.geturl(),
        parts.hostname,
        port,
        parts.scheme == "https",
        f"{parts.path}/api/event",
        parts.netloc,
    )


def request_of(
    target: Target, headers: Iterable[tuple[str, str]], body: bytes
) -> bytes:
    """The bytes of a request; raises ValueError for a header that would break it."""
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or "\0" in head:
        raise ValueError("a header has a line break in it")
    return head.encode("latin-1", "replace") + b"\r\n\r\n" + body


def _misread(server: str) -> ValueError:
    return ValueError(
        f"server: {server!r} is no address of a Page Tracker; write one like"
        " https://stats.example.com or http://web-service:5000"
    )
