"""A site's domain, as people write it and as it is stored. Pure."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from page_tracker.errors import InvalidValueError
from page_tracker.schema import LIMITS
from page_tracker.sites.site import ascii_host, bare_host

# Labels of a host have at most 63 of these characters (RFC 1035, 2.3.4). That none is
# an underscore holds for names of machines, not for all of the DNS (RFC 2181, 11).
_LABEL = re.compile("[a-z0-9_][a-z0-9_-]{0,62}")


def parse_domain(value: Any) -> str:
    """The id of a site, from its domain: lower case, ASCII (punycode), no `www.`.

    >>> parse_domain("www.Müller.example")
    'xn--mller-kva.example'
    """
    return bare_host(_host(text_of(value)))


def _host(text: str) -> str:
    """The host in ASCII. Raises InvalidValueError if it is invalid."""
    if not text:
        raise InvalidValueError("is empty", "write a domain, like example.com")
    if any(sign in text for sign in "/?#@\\") or "://" in text:
        raise InvalidValueError("is more than a domain", f"write {_host_within(text)}")
    name, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and ":" not in name:
        raise InvalidValueError(
            "has a port, and a site has all of its ports", f"write {name}"
        )
    if colon:
        raise InvalidValueError("is not a domain", "write a name, like example.com")
    if len(text) > LIMITS["site"]:
        raise InvalidValueError(
            "is too long", f"write at most {LIMITS['site']} characters"
        )
    try:
        host = ascii_host(text).removesuffix(".")
    except ValueError as error:
        raise InvalidValueError(
            "is not a domain", "write a name, like example.com"
        ) from error
    if len(host) > LIMITS["site"]:
        raise InvalidValueError(
            "is too long", f"write at most {LIMITS['site']} characters"
        )
    for label in host.split("."):
        if not _LABEL.fullmatch(label):
            what = f"a part {label!r}" if label else "an empty part"
            raise InvalidValueError(f"has {what}", "write a name, like example.com")
    return host


def _host_within(text: str) -> str:
    """The host of an address, if it has one; else an example."""
    try:
        host = urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        host = None
    return host or "example.com"


def text_of(value: Any) -> str:
    """A line of text, without surrounding spaces. Raises InvalidValueError."""
    if not isinstance(value, str):
        raise InvalidValueError("is not a string", "write it within quotation marks")
    text = value.strip()
    if not text.isprintable():
        raise InvalidValueError("has invisible characters", "write it without them")
    return text
