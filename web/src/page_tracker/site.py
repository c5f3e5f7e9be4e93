"""A site and its settings: a record that the whole program reads, and nobody mutates."""

from __future__ import annotations

import msgspec


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site; `id` is its domain without `www.`, in lower case."""

    id: str
    timezone: str = "UTC"
    # Further hosts whose hits belong to this site.
    hostnames: tuple[str, ...] = ()
    # Addresses and networks (CIDR) whose hits are the owner's own, or unwanted.
    own_addresses: tuple[str, ...] = ()
    blocked_addresses: tuple[str, ...] = ()
    blocked_countries: tuple[str, ...] = ()
    blocked_pages: tuple[str, ...] = ()
    # Where set, only hits of pages on these hosts count.
    allowed_hostnames: tuple[str, ...] = ()
    respect_dnt: bool = False
    public_counter: bool = True
    # Days that hits are kept for; None keeps all.
    retention_days: int | None = None
    # Pages that the live counters tell apart; further ones count as `(other)`.
    max_pages: int = 10_000
    # A change of time zone waits until both zones have passed midnight: the new zone
    # and the first UTC instant (seconds) at which it holds.
    next_timezone: str | None = None
    next_timezone_from: int | None = None
    created: int = 0
