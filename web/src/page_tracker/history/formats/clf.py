"""The Common Log Format and those that grew out of it, as Apache and nginx write them.

https://httpd.apache.org/docs/current/logs.html#accesslog
"""

from __future__ import annotations

import re

from page_tracker.history.formats.request import Format, Request, clf_time, unescape

# Possessive: each part ends where it must, and a long line costs no more than a look.
_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_HOST = r"([^ ]++) "
_CLIENT = rf"([^ ]++) [^ ]++ [^ ]++ \[([^\]]++)\] {_QUOTED} (\d{{3}}) (?:\d++|-)"
_COMMON = re.compile(rf"{_CLIENT}\s*+$")
_COMMON_OF_HOST = re.compile(rf"{_HOST}{_CLIENT}\s*+$")
_COMBINED = re.compile(rf"{_CLIENT} {_QUOTED} {_QUOTED}")
_COMBINED_OF_HOST = re.compile(rf"{_HOST}{_CLIENT} {_QUOTED} {_QUOTED}")


def _combined(line: str) -> Request | None:
    found = _COMBINED.match(line)
    return _request("", *found.groups()) if found else None


def _combined_of_host(line: str) -> Request | None:
    found = _COMBINED_OF_HOST.match(line)
    return _request(*found.groups()) if found else None


def _common(line: str) -> Request | None:
    found = _COMMON.match(line)
    return _request("", *found.groups()) if found else None


def _common_of_host(line: str) -> Request | None:
    found = _COMMON_OF_HOST.match(line)
    return _request(*found.groups()) if found else None


def _request(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    host: str,
    address: str,
    time: str,
    request: str,
    status: str,
    referrer: str = "-",
    user_agent: str = "-",
) -> Request | None:
    method, _, rest = request.partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    try:
        return Request(
            address,
            clf_time(time),
            method,
            unescape(target or rest),
            int(status),
            "" if referrer == "-" else unescape(referrer),
            "" if user_agent == "-" else unescape(user_agent),
            host.rpartition(":")[0] or host,
        )
    except ValueError:
        return None


CLF_FORMATS = (
    Format("combined", "Apache's and nginx's usual one", _combined),
    Format("combined-vhost", "the same after the site's host", _combined_of_host),
    Format("common", "without referrer and user agent", _common, False),
    Format("common-vhost", "the same after the site's host", _common_of_host, False),
)
