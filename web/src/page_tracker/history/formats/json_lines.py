r"""Access logs with one JSON object per line: Caddy's, and custom ones of nginx.

Lines may be from an array, with commas at their ends. Servers without an escape
for JSON write bytes as `\xC3` (nginx without `escape=json`, Apache): these are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from page_tracker.history.formats.hosts import client_address, host_in
from page_tracker.history.formats.logged_request import (
    Exchange,
    Format,
    Request,
    Unsaid,
    any_time,
)
from page_tracker.nesting import shallow

_decoder = msgspec.json.Decoder()
_CACHED = 1_024

# nginx has no JSON format of its own: its users write a `log_format … escape=json`,
# most with the names of nginx's variables, some with those of other programs. Case, and
# characters between words, make no difference; of several names the first is used.
_NAMES: dict[str, tuple[str, ...]] = {
    "address": (
        *("remote_addr", "remote_ip", "client_ip", "client_addr", "client_address"),
        *("client", "ip", "ip_address", "remote_host", "client_host", "source_ip"),
        *("src_ip", "remote_address", "c_ip"),
    ),
    "time": (
        *("time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp"),
        *("ts", "date", "datetime", "date_time", "time_utc"),
    ),
    "request": ("request", "request_line", "req"),
    "method": ("request_method", "method", "verb", "http_method", "req_method"),
    "target": (
        *("request_uri", "uri", "url", "path", "request_path", "request_url"),
        *("target", "http_path", "cs_uri"),
    ),
    "status": (
        *("status", "status_code", "response", "response_code", "http_status"),
        *("response_status", "code", "sc_status", "http_status_code"),
    ),
    "referrer": (
        *("http_referer", "http_referrer", "referer", "referrer", "ref"),
        *("request_referer", "cs_referer"),
    ),
    "agent": (
        *("http_user_agent", "user_agent", "agent", "ua", "request_user_agent"),
        "cs_user_agent",
    ),
    "host": (
        *("host", "http_host", "server_name", "vhost", "virtual_host", "request_host"),
        *("domain", "authority"),
    ),
    "forwarded": (
        *("http_x_forwarded_for", "x_forwarded_for", "forwarded_for", "xff"),
        *("http_x_real_ip", "x_real_ip", "http_cf_connecting_ip", "cf_connecting_ip"),
        *("real_ip", "http_forwarded_for", "true_client_ip", "http_true_client_ip"),
    ),
}
_OPTIONAL = frozenset(("host", "referrer", "agent"))
_PLAIN = re.compile(r"[^a-z0-9]")
# An escape in a JSON string, and those that JSON allows.
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_OF_JSON = frozenset(b'"\\/bfnrtu')


def _nginx(line: str) -> Request | None:
    said = _object(line)
    if said is None:
        return None
    try:
        return _request(said)
    except (ValueError, OverflowError):
        return None


def _request(said: dict[str, Any]) -> Request:
    """The request in an object. Raises ValueError or OverflowError."""
    names = _names_in(tuple(said))

    def text(part: str) -> str:
        return _text(said.get(names.get(part, "")))

    method, target = text("method"), text("target")
    if request := text("request"):
        first, blank, rest = request.partition(" ")
        if blank:
            method, target = first, rest.rpartition(" HTTP/")[0] or rest
        else:
            target = target or first
    if not method:
        raise ValueError("no method")
    return Request(
        client_address(text("address")),
        any_time(said.get(names.get("time", ""))),
        Exchange(method, target, int(text("status")), host_in(text("host"))),
        text("referrer"),
        text("agent") if "agent" in names else None,
        text("forwarded"),
    )


def _caddy(line: str) -> Request | None:
    """https://caddyserver.com/docs/logging: headers are lists of values."""
    said = _object(line)
    request = said.get("request") if said else None
    if said is None or not isinstance(request, dict):
        return None
    headers = request.get("headers")
    is_told = isinstance(headers, dict)
    headers = headers if isinstance(headers, dict) else {}
    try:
        return Request(
            client_address(_caddys_address(request)),
            any_time(said.get("ts")),
            Exchange(
                _text(request.get("method")),
                _text(request.get("uri")),
                int(_text(said.get("status"))),
                host_in(_text(request.get("host"))),
            ),
            _header(headers, "Referer"),
            _header(headers, "User-Agent") if is_told else None,
            _header(headers, "X-Forwarded-For") or _header(headers, "Cf-Connecting-Ip"),
        )
    except (ValueError, OverflowError):
        return None


def _caddys_address(request: Mapping[str, object]) -> str:
    """Before version 2.5 it was `remote_addr`, with a port."""
    values = map(request.get, ("client_ip", "remote_ip", "remote_addr"))
    return next(filter(None, map(_text, values)), "")


def _reader(
    read: Callable[[str], Request | None],
) -> Callable[[str], Iterator[Request | None]]:
    """A reader for a text of lines, made from a reader for one line."""
    return lambda text: map(read, text.removesuffix("\n").split("\n"))


def _object(line: str) -> dict[str, Any] | None:
    said = _decoded(line)
    return said if said is not None else _decoded(_repaired(line))


def _decoded(line: str) -> dict[str, Any] | None:
    try:
        said = _decoder.decode(shallow(line))
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _repaired(line: str) -> str:
    """The object in a line of an array, with its bytes in valid JSON."""
    text = line.strip().lstrip("[, ").rstrip("], ")
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_unescaped, text.encode("utf-8", "replace")).decode(
        "utf-8", "replace"
    )


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        byte = int(found[1], 16)
        # A non-ASCII byte is one of several that encode a character.
        return b"\\u%04x" % byte if byte < 0x80 else bytes((byte,))
    is_known = found[2][0] in _OF_JSON or found[2][0] >= 0x80
    return found[0] if is_known else b"\\u%04x" % found[2][0]


@lru_cache(_CACHED)
def _names_in(keys: tuple[str, ...]) -> dict[str, str]:
    """The keys of an object, by their meaning."""
    plain = {_plain(key): key for key in reversed(keys)}
    found: dict[str, str] = {}
    for part, names in _NAMES.items():
        key = next((plain[_plain(n)] for n in names if _plain(n) in plain), None)
        if key is not None:
            found[part] = key
    return found


def _plain(name: str) -> str:
    return _PLAIN.sub("", name.lower())


def _text(value: object) -> str:
    if isinstance(value, str):
        return "" if value == "-" else value
    return str(value) if isinstance(value, int) else ""


def _header(headers: Mapping[str, object], name: str) -> str:
    values = headers.get(name)
    first = values[0] if isinstance(values, list) and values else ""
    return first if isinstance(first, str) else ""


def _nginx_lacks(line: str) -> str:
    said = _object(line)
    if said is None:
        return _NO_JSON
    names, seen = _names_in(tuple(said)), _seen(said)
    missing = [each for each in ("address", "time", "status") if each not in names]
    if "request" not in names:
        missing += [each for each in ("method", "target") if each not in names]
    if missing:
        known = "; ".join(
            f"{part}: {', '.join(_NAMES[part][:4])} …" for part in missing
        )
        return f"no field for the {', the '.join(missing)} ({known}); it has {seen}"
    try:
        _request(said)
    except (ValueError, OverflowError) as error:
        return str(error)
    return "nothing"


def _caddy_lacks(line: str) -> str:
    said = _object(line)
    if said is None:
        return _NO_JSON
    request = said.get("request")
    if not isinstance(request, dict):
        return "no object named request"
    missing = [each for each in ("method", "uri") if each not in request]
    missing += [each for each in ("ts", "status") if each not in said]
    if not _caddys_address(request):
        missing.append("client_ip")
    if missing:
        return f"no {', '.join(missing)}; it has {_seen(said)} and {_seen(request)}"
    return "an address, a time or a status that is none"


_NO_JSON = "no JSON object"


def _seen(said: Mapping[str, object]) -> str:
    return ", ".join(list(said)[:30])[:400]


def _nginx_unsaid(line: str) -> Unsaid:
    said = _object(line) or {}
    return Unsaid(_OPTIONAL.difference(_names_in(tuple(said))), _seen(said))


JSON_FORMATS = (
    Format("caddy", "Caddy's JSON", _reader(_caddy), _caddy_lacks),
    Format(
        "nginx-json",
        "JSON written by nginx's log_format",
        _reader(_nginx),
        _nginx_lacks,
        _nginx_unsaid,
    ),
)
