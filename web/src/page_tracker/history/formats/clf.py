"""The Common Log Format and its descendants, as Apache and nginx write them.

https://httpd.apache.org/docs/current/logs.html#accesslog

The address may be preceded by what a proxy has forwarded (`203.0.113.9, 10.0.0.1`, or
`-`); in place of the identity, some write the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, starmap

from page_tracker.history.formats.hosts import (
    HOST,
    client_address,
    host_for_identity,
    host_in,
)
from page_tracker.history.formats.logged_request import (
    Exchange,
    Format,
    Request,
    clf_time,
    unescape,
)

# Possessive: each part ends where it must, so a long line costs no more than one look.
_QUOTED = r'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_ADDRESS = (
    r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d++)?+"
    r"|[0-9a-fA-F]*+:[0-9a-fA-F]*+:[0-9a-fA-F:.]*+)"
)
# The name of a part of a line, and its pattern; together the patterns have the groups
# that are the arguments of `_request`.
_Part = tuple[str, str]
_NO_HOST: _Part = ("", "()")
_HOST: _Part = ("host", f"({HOST}) ")
_CLIENT: tuple[_Part, ...] = (
    # Forwarded addresses come before the sender's own.
    (
        "address",
        rf"(?:- )?+([^ \n,]++(?:, ?+[^ \n,]++)*+)(?: {_ADDRESS})?",
    ),
    ("identity and user before a time in brackets", r" ([^ \n]++) [^\[\n]++\["),
    ("time in brackets", r"([^\]\n]++)\] "),
    ("request in quotes", _QUOTED),
    ("status of three digits", r" (\d{3})"),
    ("number of bytes", r" (?:\d++|-)"),
)
_VISITOR: tuple[_Part, ...] = (
    ("referrer in quotes", f" {_QUOTED}"),
    ("user agent in quotes", f" {_QUOTED}"),
    ("", "(.*+)"),
)
# Empty groups stand for what a format does not have.
_NO_VISITOR: tuple[_Part, ...] = (
    ("end after the number of bytes", r"()()()[^\S\n]*+$"),
)

_CACHED = 65_536


def _reader(
    parts: Sequence[_Part], has_agent: bool
) -> Callable[[str], Iterator[Request | None]]:
    fields = "".join(pattern for _, pattern in parts)
    # One pass over all lines; a line that is not in the format has empty groups.
    each_line = re.compile(rf"(?:{fields}|.*+)\n", re.MULTILINE).findall
    request_of = _request if has_agent else _request_without_agent

    def read_lines(text: str) -> Iterator[Request | None]:
        if text and not text.endswith("\n"):
            text += "\n"
        return starmap(request_of, each_line(text))

    return read_lines


def _request(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    host: str,
    address: str,
    identity: str,
    time: str,
    request: str,
    status: str,
    referrer: str,
    user_agent: str,
    rest: str,
) -> Request | None:
    if not address:
        return None
    try:
        return Request(
            client_address(address),
            clf_time(time),
            _asked(request, status, host, identity),
            _said(referrer),
            _said(user_agent),
            rest,
        )
    except ValueError:
        return None


def _request_without_agent(
    host: str, address: str, identity: str, time: str, *asked: str
) -> Request | None:
    if not address:
        return None
    request, status, *_ = asked
    try:
        return Request(
            client_address(address),
            clf_time(time),
            _asked(request, status, host, identity),
            user_agent=None,
        )
    except ValueError:
        return None


@lru_cache(_CACHED)
def _asked(request: str, status: str, host: str, identity: str) -> Exchange:
    method, _, rest = request.partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    return Exchange(
        method,
        unescape(target or rest),
        int(status),
        host_in(host) if host else host_for_identity(identity),
    )


@lru_cache(_CACHED)
def _said(text: str) -> str:
    return "" if text == "-" else unescape(text)


def _lacking(parts: Sequence[_Part]) -> Callable[[str], str]:
    """How far a line is in the format, by its first missing part."""

    def lacks(line: str) -> str:
        reached = 0
        so_far = accumulate(pattern for _, pattern in parts)
        for (name, _), pattern in zip(parts, so_far, strict=True):
            found = re.match(pattern, line)
            if found is None:
                return f"no {name} at {line[reached:][:40]!r}"
            reached = found.end()
        _, address, _, time, *_ = found.groups() if found else ()
        for read, text in ((client_address, address), (clf_time, time)):
            try:
                read(text)
            except ValueError as error:
                return str(error)
        return "nothing"

    return lacks


def _format(name: str, description: str, *parts: _Part) -> Format:
    has_agent = parts[-1] is _VISITOR[-1]
    return Format(name, description, _reader(parts, has_agent), _lacking(parts))


CLF_FORMATS = (
    _format(
        "combined", "Apache's and nginx's usual one", _NO_HOST, *_CLIENT, *_VISITOR
    ),
    _format(
        "combined-vhost", "the same after the site's host", _HOST, *_CLIENT, *_VISITOR
    ),
    _format(
        "common", "without referrer and user agent", _NO_HOST, *_CLIENT, *_NO_VISITOR
    ),
    _format(
        "common-vhost", "the same after the site's host", _HOST, *_CLIENT, *_NO_VISITOR
    ),
)
