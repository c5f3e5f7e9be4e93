"""A site and its settings: a record that the whole program reads, and nobody mutates.

Pure. `Site` is the record, `Directory` finds the site of a host, `zone_at` and `day_of`
return the day that an instant belongs to, `with_timezone` changes the zone without ever
giving the same instant to two days. How settings are written is in `settings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import idna
import msgspec

from page_tracker.days import MICROSECONDS, day_at, next_midnight, utc_day
from page_tracker.sites.decision import Decision
from page_tracker.sites.goal import Goal, Segment
from page_tracker.sites.shared_link import SharedLink

MAX_HOST = 253  # characters (RFC 1035, 2.3.4)
# Characters of a host (253 at most) with `www.`, a port and spaces around it.
MAX_NAMED_HOST = 300


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One site; `id` is its domain without `www.`, in lower case."""

    id: str
    timezone: str = "UTC"
    # Further hosts whose hits belong to this site.
    hostnames: tuple[str, ...] = ()
    # Names for this site used by pages and clients made for another tracker.
    aliases: tuple[str, ...] = ()
    # Addresses and networks (CIDR) whose hits are the owner's own, or unwanted.
    own_addresses: tuple[str, ...] = ()
    blocked_addresses: tuple[str, ...] = ()
    blocked_countries: tuple[str, ...] = ()
    blocked_pages: tuple[str, ...] = ()
    # If set, only hits of pages on these hosts count.
    allowed_hostnames: tuple[str, ...] = ()
    # Schemes whose pages count in addition to http and https: an app's shell, say.
    page_schemes: tuple[str, ...] = ()
    # What counts despite the lists: bots by name, hosts of false referrers.
    counted_bots: tuple[str, ...] = ()
    counted_referrers: tuple[str, ...] = ()
    respect_dnt: bool = False
    # Whether one is the same visitor wherever the site's pages name the same user.
    user_ids: bool = False
    public_counter: bool = True
    # How many days hits are kept; None keeps all.
    retention_days: int | None = None
    # How many pages the live counters distinguish; others count as `(other)`.
    max_pages: int = 10_000
    # What it stands under in the list of all sites; '' where in no group.
    group: str = ""
    # A change of time zone waits until both zones have passed midnight: the new zone
    # and the first UTC instant (seconds) at which it holds.
    next_timezone: str | None = None
    next_timezone_from: int | None = None
    # What its owner asks about again and again.
    goals: tuple[Goal, ...] = ()
    segments: tuple[Segment, ...] = ()
    # Whoever has one of these sees the site's page.
    shared_links: tuple[SharedLink, ...] = ()
    # What somebody has let in, or left out again; the latest last.
    decisions: tuple[Decision, ...] = ()
    # UTC, seconds.
    created: int = 0
    # Whether it is only there to be looked at: its log is not its owner's.
    demonstration: bool = False


class Directory:
    """All sites as of one moment, found by any of their names."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        self.by_id = {site.id: site for site in sites}
        self._by_name = {
            name: site
            for site in self.by_id.values()
            for name in (*site.aliases, *site.hostnames, site.id)
        }

    def resolve(self, domain: str) -> Site | None:
        """The site that a domain, a host name or an alias stands for.

        Letter case, `www.`, a port and a final dot make no difference. Anything longer
        than a host is not looked up: look-ups are cached.
        """
        if len(domain) > MAX_NAMED_HOST:
            return None
        return self._by_name.get(domain) or self._by_name.get(bare_host(domain))

    def only(self) -> Site | None:
        """The only site there is, apart from a demonstration; else None."""
        found = [site for site in self.by_id.values() if not site.demonstration]
        return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def bare_host(host: str) -> str:
    """The host in the form of sites' ids: lower case, no `www.`, port or final dot.

    >>> bare_host("WWW.Example.com:8080")
    'example.com'
    """
    name, colon, port = host.strip().lower().rpartition(":")
    host = name if colon and port.isdecimal() else host.strip().lower()
    if not host.isascii():
        try:
            host = ascii_host(host)
        except ValueError:
            pass  # then it is no site's
    host = host.removesuffix(".")
    bare = host.removeprefix("www.")
    return bare if "." in bare else host


def ascii_host(host: str) -> str:
    """The host in ASCII, as browsers write it ("domain to ASCII" of the URL standard).

    Hosts that nobody can register under IDNA 2008 may be in use nevertheless: emoji,
    underscores, `--` anywhere. Raises ValueError for characters that no host can have,
    and for more than MAX_HOST of them.

    >>> ascii_host("Bücher.example"), ascii_host("😀.example")
    ('xn--bcher-kva.example', 'xn--e28h.example')
    """
    if len(host) > MAX_HOST:
        raise ValueError("is too long")
    mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
    return ".".join(
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
        for label in mapped.split(".")
    )


def zone_at(site: Site, instant: int) -> str:
    """The name of the site's time zone at an instant (UTC, microseconds)."""
    if site.next_timezone is None or site.next_timezone_from is None:
        return site.timezone
    if instant < site.next_timezone_from * MICROSECONDS:
        return site.timezone
    return site.next_timezone


def day_of(site: Site, instant: int) -> int:
    """The site's day, in days since 1970-01-01, of an instant (UTC, microseconds)."""
    return day_at(zone_at(site, instant), instant)


def with_timezone(site: Site, zone: str, now: int) -> Site:
    """The site with another time zone, which applies from the next suitable midnight.

    `now` is UTC, seconds. The switch comes when both zones have passed midnight, and
    never turns the day back. Setting the present zone cancels a pending change.
    """
    present = zone_at(site, now * MICROSECONDS)
    site = msgspec.structs.replace(
        site, timezone=present, next_timezone=None, next_timezone_from=None
    )
    if zone == present:
        return site
    return msgspec.structs.replace(
        site, next_timezone=zone, next_timezone_from=switch_instant(present, zone, now)
    )


def switch_instant(old: str, new: str, now: int) -> int:
    """The first instant (UTC, seconds) at which `new` may follow `old`.

    At the zones' extremes, 26 hours apart, a midnight of both is not enough: the new
    zone may still be in the day before the old one's.
    """
    instant = max(next_midnight(old, now), next_midnight(new, now))
    while day_at(new, instant * MICROSECONDS) < day_at(
        old, (instant - 60) * MICROSECONDS
    ):
        instant = next_midnight(new, instant)
    return instant


def has_further_hosts(before: Site, after: Site) -> bool:
    """Whether a site has gained hosts or aliases, which all other sites lose: those who
    may change only this site cannot add any."""
    had = {*before.hostnames, *before.aliases}
    return not {*after.hostnames, *after.aliases} <= had


def first_kept(sites: Iterable[Site], now: float) -> set[tuple[str, int]]:
    """For each site that forgets its hits, its id and the first day to keep."""
    return {
        (site.id, utc_day(now) - site.retention_days)
        for site in sites
        if site.retention_days is not None
    }
