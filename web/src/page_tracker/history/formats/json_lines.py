"""Access logs of one JSON object a line: Caddy's, and nginx's of one's own making."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from page_tracker.history.formats.request import (
    Asked,
    Format,
    Request,
    any_time,
    client_address,
)

_decoder = msgspec.json.Decoder()

# nginx has no JSON of its own: its users write a `log_format … escape=json`, most with
# the names of nginx's variables, some with those of other programs.
_TIMES = ("time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp", "ts")
_ADDRESSES = ("remote_addr", "remote_ip", "client_ip", "client", "ip")
_METHODS = ("request_method", "method")
_TARGETS = ("request_uri", "uri", "url", "path")
_STATUSES = ("status", "status_code", "response")
_REFERRERS = ("http_referer", "http_referrer", "referer", "referrer")
_AGENTS = ("http_user_agent", "user_agent", "agent")
_HOSTS = ("host", "http_host", "server_name", "vhost")


def _nginx(line: str) -> Request | None:
    said = _object(line)
    if said is None:
        return None
    method, target = _text(said, _METHODS), _text(said, _TARGETS)
    if request := _text(said, ("request",)):
        method, _, rest = request.partition(" ")
        target = rest.rpartition(" HTTP/")[0] or rest
    elif not (method or target):
        return None
    try:
        return Request(
            client_address(_text(said, _ADDRESSES)),
            any_time(_first(said, _TIMES)),
            Asked(
                method,
                target,
                int(_text(said, _STATUSES)),
                _text(said, _HOSTS).partition(":")[0],
            ),
            _text(said, _REFERRERS),
            _text(said, _AGENTS),
        )
    except (ValueError, OverflowError):
        return None


def _caddy(line: str) -> Request | None:
    """https://caddyserver.com/docs/logging: headers are lists of values."""
    said = _object(line)
    request = said.get("request") if said else None
    if said is None or not isinstance(request, dict):
        return None
    headers = request.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    address = _text(request, ("client_ip", "remote_ip"))
    if not address:  # before version 2.5, with its port
        address = _text(request, ("remote_addr",))
    try:
        return Request(
            client_address(address),
            any_time(said.get("ts")),
            Asked(
                _text(request, ("method",)),
                _text(request, ("uri",)),
                int(_text(said, ("status",))),
                _text(request, ("host",)).partition(":")[0],
            ),
            _header(headers, "Referer"),
            _header(headers, "User-Agent"),
        )
    except (ValueError, OverflowError):
        return None


def _reader(
    read: Callable[[str], Request | None],
) -> Callable[[str], Iterator[Request | None]]:
    """A reader of a text of lines, by one that reads a line."""
    return lambda text: map(read, text.removesuffix("\n").split("\n"))


def _object(line: str) -> dict[str, Any] | None:
    try:
        said = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _first(said: Mapping[str, object], names: tuple[str, ...]) -> object:
    return next((said[name] for name in names if name in said), None)


def _text(said: Mapping[str, object], names: tuple[str, ...]) -> str:
    value = _first(said, names)
    if isinstance(value, str):
        return "" if value == "-" else value
    return str(value) if isinstance(value, int) else ""


def _header(headers: Mapping[str, object], name: str) -> str:
    values = headers.get(name)
    first = values[0] if isinstance(values, list) and values else ""
    return first if isinstance(first, str) else ""


JSON_FORMATS = (
    Format("caddy", "Caddy's JSON", _reader(_caddy)),
    Format("nginx-json", "JSON written by nginx's log_format", _reader(_nginx)),
)
