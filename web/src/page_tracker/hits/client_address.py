"""The client's address: the socket's peer, or the one that a trusted proxy names.

Nothing that a client can write itself is trusted. The header is read only if the peer
is one of the configured proxies, from the right: each hop was written by the one to its
right, so the first hop that is not one of our proxies is the client. `X-Forwarded-For`
is used if it was sent, else `Forwarded` (RFC 7239).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import NamedTuple

from page_tracker.errors import InvalidValueError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The word for peers on a Unix socket, which have no address.
UNIX = "unix"

# No chain of proxies is longer; hops further to the left are ignored.
_MAX_HOPS = 32
_MAX_CHARACTERS = 1024
_CACHED = 32_768
# All addresses in such a network belong to one subscriber.
_SUBSCRIBER_PREFIX = 64
# Bits before an IPv4 address that is written as IPv6: ::ffff:192.0.2.1.
_MAPPED_PREFIX = 96

# RFC 7239: a header whose quotes are closed, its elements, an element's pairs.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_FORWARDED = re.compile(rf'(?:[^"]|{_QUOTED})*+', re.DOTALL)
_ELEMENT = re.compile(rf'(?:[^",]|{_QUOTED})++', re.DOTALL)
_PAIR = re.compile(rf'(?:[^";]|{_QUOTED})++', re.DOTALL)


class ClientAddress(NamedTuple):
    """An address in canonical form, empty if there is none, and why it is this one."""

    address: str
    why: str


class Proxies:
    """The proxies that are trusted to name the client whose request they pass on."""

    def __init__(self, networks: tuple[Network, ...] = (), unix: bool = False) -> None:
        self._networks = networks
        self._unix = unix
        self._cached = lru_cache(_CACHED)(self._seen)
        self._peer = lru_cache(_CACHED)(self._judged)

    def __str__(self) -> str:
        """In the form that `parse` reads."""
        return ",".join((*map(str, self._networks), *([UNIX] if self._unix else [])))

    @classmethod
    def parse(cls, text: str) -> Proxies:
        """Parse `10.0.0.0/8,::1,unix`. Raises InvalidValueError."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        networks = tuple(network_of(word) for word in words if word != UNIX)
        return cls(networks, UNIX in words)

    def seen(
        self, peer: str, forwarded_for: str = "", forwarded: str = ""
    ) -> ClientAddress:
        """The client's address behind `peer`, the address at the socket's other end.

        `peer` is empty for a Unix socket. Both headers are passed as they were sent,
        those of the same name joined by commas.
        """
        if len(forwarded_for) > _MAX_CHARACTERS or len(forwarded) > _MAX_CHARACTERS:
            forwarded_for = forwarded_for[-_MAX_CHARACTERS:]
            forwarded = forwarded[-_MAX_CHARACTERS:]
        return self._cached(peer, forwarded_for, forwarded)

    def _seen(self, peer: str, forwarded_for: str, forwarded: str) -> ClientAddress:
        address, is_trusted = self._peer(peer)
        if not is_trusted:
            sent = " (its headers are not believed)" * bool(forwarded_for or forwarded)
            return ClientAddress(address, f"it is at the socket's other end{sent}")
        name, hops = (
            ("X-Forwarded-For", _hops(forwarded_for))
            if forwarded_for
            else ("Forwarded", _forwarded_hops(forwarded))
        )
        why = f"the trusted proxy {address or UNIX} sent no header that names a client"
        for hop in hops:
            client = _parsed(hop)
            if client is None:
                return ClientAddress(
                    address, f"{name} names no address behind this proxy"
                )
            why = f"the trusted proxy {address or UNIX} says so in {name}"
            address = str(client)
            if not any(client in network for network in self._networks):
                break
        return ClientAddress(address, why)

    def trusts(self, peer: str) -> bool:
        """Whether the socket's other end (empty: a Unix socket) is a proxy of ours."""
        return self._peer(peer)[1]

    def _judged(self, peer: str) -> tuple[str, bool]:
        """The peer's address, and whether it is a proxy of ours."""
        address = address_of(peer)
        around = network_around(self._networks, address)
        return address, around is not None if peer else self._unix


def network_of(text: str) -> Network:
    """Parse an address or a network (CIDR). Raises InvalidValueError.

    An IPv4 network written as IPv6 becomes IPv4, as addresses do.
    """
    try:
        network: Network = ip_network(text)
    except ValueError as error:
        raise InvalidValueError(
            f"has {text!r}, which is not an address or network ({error})",
            "write one like 10.0.0.0/8 or 2001:db8::1",
        ) from error
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))


def network_around(networks: tuple[Network, ...], address: str) -> Network | None:
    """The first of the networks that contains a canonical address."""
    if not (networks and address):
        return None
    parsed = ip_address(address)
    return next((network for network in networks if parsed in network), None)


def address_of(text: str) -> str:
    """The canonical address in `text`, empty if there is none.

    Accepts what proxies write: IPv6 in brackets, ports, zones, quotes.

    >>> address_of('"[2001:DB8::1]:4711"'), address_of("::ffff:192.0.2.1")
    ('2001:db8::1', '192.0.2.1')
    """
    return str(_parsed(text) or "")


def _parsed(text: str) -> Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed: Address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _hops(forwarded_for: str) -> Iterator[str]:
    """The hops of X-Forwarded-For, nearest first."""
    yield from reversed(forwarded_for.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:])


def _forwarded_hops(forwarded: str) -> Iterator[str]:
    """The `for` of each element of Forwarded, nearest first; empty if missing.

    A client could open a quote to swallow what the proxy adds after it: a header with
    an open quote names nobody.
    """
    if not _FORWARDED.fullmatch(forwarded):
        yield ""
        return
    for element in reversed(_ELEMENT.findall(forwarded)[-_MAX_HOPS:]):
        pairs = (pair.partition("=") for pair in _PAIR.findall(element))
        named = [value for name, _, value in pairs if name.strip().lower() == "for"]
        yield named[0] if len(named) == 1 else ""


@lru_cache(_CACHED)
def subscriber_of(address: str) -> str:
    """The owner of an address: itself, or for IPv6 its network of 64 bits.

    Anything that is not an address stays as it is.

    >>> subscriber_of("2001:db8::7"), subscriber_of("192.0.2.7")
    ('2001:db8::', '192.0.2.7')
    """
    if ":" not in address:  # nearly all are IPv4, and this is quicker than to read them
        return address
    try:
        return str(ip_network(f"{address}/{_SUBSCRIBER_PREFIX}", strict=False)[0])
    except ValueError:
        return address
