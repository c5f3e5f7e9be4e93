"""A whole request in one piece: read at once, if nothing about it is unusual.

Strict on purpose: whatever is not plain HTTP/1.1 (RFC 9112) with a body of known length
is left to uvicorn's parser, to accept or to refuse.
"""

from __future__ import annotations

import re
from functools import lru_cache

from page_tracker.protocols.request import Request

# Bytes; a longer body takes the other way, which can make its sender wait.
SHORT_BODY = 32_768
# Bytes; a longer one is unusual, and would fill the caches here.
SHORT_HEAD = 8_192

# What a line may contain: visible characters, spaces, tabs, and non-ASCII bytes.
_TEXT = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
# No underscore: the other way drops headers whose names have one.
_NAME = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_TARGET = re.compile(rb"/[!$&->@-~]*(?:\?[!$-~]*)?")
_LENGTH = re.compile(rb"[0-9]{1,5}")

_UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"upgrade", b""))


def whole_request(data: bytes) -> Request | None:
    """Read `data` as one request; None if it is more, less or unusual."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(head) > SHORT_HEAD:
        return None
    first, *lines = head.split(b"\r\n")
    if head.translate(None, _TEXT) != b"\r\n" * len(lines):
        return None
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        headers[colon and _lower_case(name)] = value.strip(b" \t")
    # A header came twice, a line is not a header, or it changes how to read the
    # request.
    if len(headers) != len(lines) or not _UNUSUAL.isdisjoint(headers):
        return None
    kept = headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
    if not kept or b"host" not in headers:
        return None
    if _length_in(headers.get(b"content-length", b"0")) != len(body):
        return None
    method, path, query = _asked(first)
    return Request(method, path, query, headers, body) if method else None


@lru_cache(1_000)
def _asked(line: bytes) -> tuple[str, str, str]:
    """Method, path and query of a request's first line; empty if it is unusual."""
    method, _, rest = line.partition(b" ")
    target, _, version = rest.partition(b" ")
    if method not in (b"GET", b"POST") or version != b"HTTP/1.1":
        return "", "", ""
    if not _TARGET.fullmatch(target):
        return "", "", ""
    path, _, query = target.decode("ascii").partition("?")
    return method.decode("ascii"), path, query


@lru_cache(1_000)
def _length_in(said: bytes) -> int:
    """The length of the body; -1 if that is unusual, or too long."""
    if not _LENGTH.fullmatch(said) or int(said) > SHORT_BODY:
        return -1
    return int(said)


@lru_cache(1_000)
def _lower_case(name: bytes) -> bytes:
    """A header's name in lower case; empty if it is not a valid name."""
    return name.lower() if _NAME.fullmatch(name) else b""
