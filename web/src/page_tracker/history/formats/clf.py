"""The Common Log Format and its descendants, as Apache and nginx write them.

https://httpd.apache.org/docs/current/logs.html#accesslog

The address may be preceded by what a proxy has forwarded (`203.0.113.9, 10.0.0.1`, or
`-`); in place of the identity, some write the host.

Lines of formats with a user agent can also be divided at their quotes, which
`plain_sieve.py` does; `client_in` reads what is before a line's time.
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
)
_EXCHANGE: tuple[_Part, ...] = (
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

_CACHED = 16_384


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
            asked(request, status, _host(host, identity)),
            said(referrer),
            said(user_agent),
            rest,
        )
    except ValueError:
        return None


def _request_without_agent(
    host: str, address: str, identity: str, time: str, *exchange: str
) -> Request | None:
    if not address:
        return None
    request, status, *_ = exchange
    try:
        return Request(
            client_address(address),
            clf_time(time),
            asked(request, status, _host(host, identity)),
            user_agent=None,
        )
    except ValueError:
        return None


@lru_cache(_CACHED)
def asked(request: str, status: str, host: str) -> Exchange:
    """What was requested, by the text in quotes, and how it was answered."""
    method, _, rest = request.partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    return Exchange(method, unescape(target or rest), int(status), host)


@lru_cache(_CACHED)
def _host(host: str, identity: str) -> str:
    return host_in(host) if host else host_for_identity(identity)


@lru_cache(_CACHED)
def said(text: str) -> str:
    """What is in quotes; empty for `-`."""
    return "" if text == "-" else unescape(text)


def _client_reader(host: _Part) -> Callable[[str], tuple[str, str] | None]:
    pattern = re.compile("".join(each for _, each in (host, *_CLIENT)))

    def client_in(text: str) -> tuple[str, str] | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        host, address, identity = found.groups()
        try:
            return client_address(address), _host(host, identity)
        except ValueError:
            return None

    return client_in


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
    return Format(
        name,
        description,
        _reader(parts, has_agent),
        _lacking(parts),
        client_in=_client_reader(parts[0]) if has_agent else None,
    )


CLF_FORMATS = (
    _format(
        "combined",
        "Apache's and nginx's usual one",
        *(_NO_HOST, *_CLIENT, *_EXCHANGE, *_VISITOR),
    ),
    _format(
        "combined-vhost",
        "the same after the site's host",
        *(_HOST, *_CLIENT, *_EXCHANGE, *_VISITOR),
    ),
    _format(
        "common",
        "without referrer and user agent",
        *(_NO_HOST, *_CLIENT, *_EXCHANGE, *_NO_VISITOR),
    ),
    _format(
        "common-vhost",
        "the same after the site's host",
        *(_HOST, *_CLIENT, *_EXCHANGE, *_NO_VISITOR),
    ),
)
