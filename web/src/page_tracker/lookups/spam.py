"""Hosts that send false referrers, to be seen in other people's statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def read_hosts(text: str) -> frozenset[str]:
    """Parse a list: one host per line; `#` and `!` begin comments.

    Raises ValueError, with the line's number, for an invalid host.
    """
    hosts = set()
    for number, line in enumerate(text.splitlines(), 1):
        host = line.partition("#")[0].strip().lower().removeprefix("www.")
        if not host or host.startswith("!"):
            continue
        if "." not in host.strip(".") or not set(host) <= _HOST_CHARACTERS:
            raise ValueError(f"line {number} is no host: {host[:80]}")
        hosts.add(host)
    return frozenset(hosts)


def spam_finder(hosts: Iterable[str]) -> Callable[[str], bool]:
    """Make the function that checks whether a host, or one above it, is listed."""
    listed = frozenset(hosts)

    def is_spam(host: str) -> bool:
        while host not in listed:
            _, dot, host = host.partition(".")
            if not dot:
                return False
        return True

    return is_spam


_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
