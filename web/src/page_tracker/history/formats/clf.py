"""The Common Log Format and those that grew out of it, as Apache and nginx write them.

https://httpd.apache.org/docs/current/logs.html#accesslog
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import starmap

from page_tracker.history.formats.request import (
    Asked,
    Format,
    Request,
    clf_time,
    client_address,
    unescape,
)

# Possessive: each part ends where it must, and a long line costs no more than a look.
_QUOTED = r'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_HOST = r"([^ \n]++) "
_CLIENT = (
    r"([^ \n]++) [^ \n]++ [^ \n]++ \[([^\]\n]++)\]" rf" {_QUOTED} (\d{{3}}) (?:\d++|-)"
)
_VISITOR = rf" {_QUOTED} {_QUOTED}.*+"
# Empty groups stand for what a format does not say.
_NO_HOST, _NO_VISITOR = "()", r"()()[^\S\n]*+"

_CACHED = 65_536


def _reader(fields: str) -> Callable[[str], Iterator[Request | None]]:
    """A reader of lines; the groups of `fields` are the arguments of `_request`."""
    # One pass over all lines; where a line is not in the format its groups are empty.
    each_line = re.compile(rf"(?:{fields}|.*+)\n").findall

    def read_lines(text: str) -> Iterator[Request | None]:
        if text and not text.endswith("\n"):
            text += "\n"
        return starmap(_request, each_line(text))

    return read_lines


def _request(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    host: str,
    address: str,
    time: str,
    request: str,
    status: str,
    referrer: str,
    user_agent: str,
) -> Request | None:
    if not address:
        return None
    try:
        return Request(
            client_address(address),
            clf_time(time),
            _asked(request, status, host),
            _said(referrer),
            _said(user_agent),
        )
    except ValueError:
        return None


@lru_cache(_CACHED)
def _asked(request: str, status: str, host: str) -> Asked:
    method, _, rest = request.partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    return Asked(
        method,
        unescape(target or rest),
        int(status),
        host.rpartition(":")[0] or host,
    )


@lru_cache(_CACHED)
def _said(text: str) -> str:
    return "" if text == "-" else unescape(text)


CLF_FORMATS = (
    Format(
        "combined",
        "Apache's and nginx's usual one",
        _reader(_NO_HOST + _CLIENT + _VISITOR),
    ),
    Format(
        "combined-vhost",
        "the same after the site's host",
        _reader(_HOST + _CLIENT + _VISITOR),
    ),
    Format(
        "common",
        "without referrer and user agent",
        _reader(_NO_HOST + _CLIENT + _NO_VISITOR),
        False,
    ),
    Format(
        "common-vhost",
        "the same after the site's host",
        _reader(_HOST + _CLIENT + _NO_VISITOR),
        False,
    ),
)
