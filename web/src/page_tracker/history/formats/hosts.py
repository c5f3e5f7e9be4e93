"""Hosts and addresses, as they appear in logs. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from socket import AF_INET, inet_pton

from page_tracker.hits.client_address import address_of, network_around, network_of

_CACHED = 16_384

# A host in front of an address: of names, or an address; with its port, in quotes.
HOST = r'"?(?:\[[0-9a-fA-F:.]++\]|[\w-]++(?:\.[\w-]++)*+\.?)(?::\d++)?+"?'
# In place of an identity (RFC 1413) a host has at least a dot or a port.
_HOST_FOR_IDENTITY = re.compile(
    r"(?:\[[0-9a-fA-F:.]++\]|(?:[\w-]++\.)+[\w-]+\.?|localhost|[\w.-]++(?=:))"
    r"(?::\d+)?"
)
# Networks whose addresses do not show where a visitor is: RFC 1918, RFC 6598,
# RFC 3927, RFC 4193, RFC 4291.
_PRIVATE = tuple(
    map(
        network_of,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
            *("127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1"),
        ),
    )
)
_FIELD = re.compile(r'"([^"]*)"|([^\s"]+)')


def host_in(text: str) -> str:
    """The host of `host`, `host:port`, `[2001:db8::1]:port`; empty for `-`.

    >>> host_in('"example.org:8080"'), host_in("[2001:db8::1]:80"), host_in("-")
    ('example.org', '[2001:db8::1]', '')
    """
    text = text.strip('"')
    if text == "-":
        return ""
    name, _, port = text.rpartition(":")
    is_port = port.isdecimal() and (":" not in name or name.endswith("]"))
    return name if is_port and name else text


def host_for_identity(text: str) -> str:
    """The host that some write in place of an identity; empty if it is not a host."""
    return host_in(text) if _HOST_FOR_IDENTITY.fullmatch(text) else ""


@lru_cache(_CACHED)
def client_address(text: str) -> str:
    """A client's canonical address, the first in a list. Raises ValueError.

    Lists come from proxies that forward: the visitor's address, then those of proxies.
    Names that were looked up, `-` and `unix:` are not addresses: they could not be
    blocked, and no country could be found.
    """
    if _is_plain_ipv4(text):
        return text
    for part in text.split(","):
        if address := address_of(part):
            return address
    raise ValueError(f"{text[:80]!r} is no IP address")


def _is_plain_ipv4(text: str) -> bool:
    """Whether it is four numbers as they are always written; most addresses are."""
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


@lru_cache(_CACHED)
def forwarded_address(text: str) -> str:
    """The visitor's address in the rest of a line; empty if there is none.

    It is the first of a list of addresses without ports, not all of them private: so
    an upstream's address does not count.
    """
    for quoted, bare in _FIELD.findall(text):
        parts = (quoted or bare.rpartition("=")[2]).split(",")
        addresses = [address_of(part) for part in parts if _has_no_port(part)]
        if not is_private(*addresses) and len(addresses) == len(parts):
            return next(filter(None, addresses))
    return ""


def _has_no_port(text: str) -> bool:
    return text.count(":") != 1 and "[" not in text


def is_private(*addresses: str) -> bool:
    """Whether none of these canonical addresses is a public one."""
    return not any(
        each and network_around(_PRIVATE, each) is None for each in addresses
    )
