"""The registry of sites: add, find, change and remove them.

What a setting may be is decided in `sites/settings.py`, how sites are kept in
`registry`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from page_tracker.errors import SiteExistsError, UnknownSiteError
from page_tracker.sites.goal import Goal, Segment
from page_tracker.sites.letting_in import leaving_out, letting_in, with_decisions
from page_tracker.sites.settings import changed_site, new_site
from page_tracker.sites.shared_link import Links
from page_tracker.sites.site import Directory, Site, bare_host
from page_tracker.sites.token import without_site
from page_tracker.store.registry import Registry, Watched
from page_tracker.store.shards import Division

ById = Mapping[str, Site]

LOOK_AGAIN = 0.1  # seconds between looks for unknown sites


def _anything(_before: Site, _after: Site) -> None:
    """A site may become what it likes."""


class Sites:
    """All sites of a store; calls that reach Redis may raise RedisError."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._directory = Watched(
            registry, registry.sites, lambda entries: Directory(entries.values())
        )
        self._looked_again = 0.0

    def directory(self) -> Directory:
        """All sites, at most a second old: for every hit and every question.

        Costs one small read of Redis a second; the last one stays while Redis is away.
        """
        return self._directory.get()

    @property
    def division(self) -> Division:
        """How the store divides visitors, as of the last look."""
        return self._registry.division

    def look(self) -> Directory:
        """All sites as they are now: for a hit whose site is not among those known.

        Costs one small read of Redis, and one of all sites where they have changed.
        """
        return self._directory.look()

    def look_again(self) -> Directory:
        """`look`, for anybody who names an unknown site.

        Ten looks a second at most, so that nobody can make it cost more; else what is
        known.
        """
        now = time.monotonic()
        if now - self._looked_again < LOOK_AGAIN:
            return self.directory()
        self._looked_again = now
        return self.look()

    def all(self) -> list[Site]:
        """All sites as they are now, by their names."""
        entries = self._registry.sites.read().entries
        return [entries[site_id] for site_id in sorted(entries)]

    def get(self, domain: str) -> Site:
        """The site that a domain stands for, as it is now. Raises UnknownSiteError."""
        return found_site(self._registry.sites.read().entries, domain)

    def add(self, domain: Any, settings: Mapping[str, Any]) -> Site:
        """Make a site. Raises SiteError, SiteExistsError, MirrorError."""
        return self.put_in(new_site(domain, settings, int(time.time())))

    def put_in(self, site: Site) -> Site:
        """Put in a site that is new. Raises SiteExistsError, MirrorError."""

        def decide(sites: ById) -> ById:
            return _with(sites, site, is_new=True)

        self._registry.change(self._registry.sites, decide)
        return site

    def change(
        self,
        domain: str,
        settings: Mapping[str, Any],
        approve: Callable[[Site, Site], None] = _anything,
        *,
        by: str,
    ) -> Site:
        """Change settings of a site and leave the others; `by` is who does.

        `approve` raises if the site may not become that; then nothing changes.
        Raises UnknownSiteError, SiteError, SiteExistsError, MirrorError.
        """
        return self._change(domain, lambda _: settings, approve, by)

    def let_in(self, domain: str, reason: str, name: str, by: str) -> Site:
        """Count what is left out for a reason, under a name. Raises as `change`."""
        return self._change(
            domain, lambda site: letting_in(site, reason, name), _anything, by
        )

    def leave_out(self, domain: str, reason: str, name: str, by: str) -> Site:
        """Leave out what was let in. Raises as `change`."""
        return self._change(
            domain, lambda site: leaving_out(site, reason, name), _anything, by
        )

    def _change(
        self,
        domain: str,
        settings_for: Callable[[Site], Mapping[str, Any]],
        approve: Callable[[Site, Site], None],
        by: str,
    ) -> Site:
        now = int(time.time())
        changed: list[Site] = []

        def decide(sites: ById) -> ById:
            site = found_site(sites, domain)
            after = changed_site(site, settings_for(site), now)
            changed[:] = [with_decisions(site, after, by, now)]
            approve(site, changed[0])
            return _with(sites, changed[0], is_new=False)

        self._registry.change(self._registry.sites, decide)
        return changed[0]

    def put_goals(
        self,
        domain: str,
        decide: Callable[[tuple[Goal, ...]], tuple[Goal, ...]],
    ) -> Site:
        """Replace a site's goals by what `decide` makes of them.

        Raises UnknownSiteError, MirrorError, and what `decide` does.
        """
        return self._put(domain, lambda site: {"goals": decide(site.goals)})

    def put_segments(
        self,
        domain: str,
        decide: Callable[[tuple[Segment, ...]], tuple[Segment, ...]],
    ) -> Site:
        """The same with a site's segments."""
        return self._put(domain, lambda site: {"segments": decide(site.segments)})

    def shared_links(self, site_id: str) -> Links:
        """The links that show a site's page, at most a second old."""
        site = self.directory().by_id.get(site_id)
        return site.shared_links if site else ()

    def put_shared_links(self, domain: str, decide: Callable[[Links], Links]) -> Site:
        """The same with the links that show its page."""
        return self._put(
            domain, lambda site: {"shared_links": decide(site.shared_links)}
        )

    def _put(self, domain: str, changes: Callable[[Site], Mapping[str, Any]]) -> Site:
        changed: list[Site] = []

        def decide(sites: ById) -> ById:
            site = found_site(sites, domain)
            changed[:] = [msgspec.structs.replace(site, **changes(site))]
            return {**sites, site.id: changed[0]}

        self._registry.change(self._registry.sites, decide)
        return changed[0]

    def remove(self, domain: str) -> Site:
        """Take a site, and the tokens that are for it alone, out of the registry.

        Its hits are deleted elsewhere. Raises UnknownSiteError, MirrorError.
        """
        site = self.get(domain)
        self._registry.change(
            self._registry.tokens,
            lambda tokens: {
                token.id: kept
                for token in tokens.values()
                if (kept := without_site(token, site.id))
            },
        )
        self._registry.change(
            self._registry.sites,
            lambda sites: {i: each for i, each in sites.items() if i != site.id},
        )
        return site


def found_site(sites: ById, domain: str) -> Site:
    """The site that a domain stands for. Raises UnknownSiteError."""
    site = Directory(sites.values()).resolve(domain)
    if site is None:
        raise UnknownSiteError(f"there is no site {domain!r}", _instead(sites, domain))
    return site


def _instead(sites: ById, domain: str) -> str:
    """What to do if a domain stands for no site."""
    if near := get_close_matches(bare_host(domain), sites, n=1):
        return f"write {near[0]} if you mean that, or see page-tracker site list"
    if sites:
        return "page-tracker site list has those that there are"
    return "there is none yet: page-tracker site add DOMAIN"


def _with(sites: ById, site: Site, *, is_new: bool) -> ById:
    """The sites with this one, if no other has its names. Raises SiteExistsError."""
    others = [each for each in sites.values() if is_new or each.id != site.id]
    taken = Directory(others)
    for setting, name in _names_of(site):
        other = taken.resolve(name)
        if other and other.id == site.id:
            raise SiteExistsError(
                "domain",
                f"{name} is a site already",
                f"page-tracker site show {name} has its line, site set changes it",
            )
        if other:
            raise SiteExistsError(
                setting,
                f"{name!r} belongs to the site {other.id} already",
                f"change that one, or take {name} from it first",
            )
    return {**sites, site.id: site}


def _names_of(site: Site) -> Iterator[tuple[str, str]]:
    """The names of a site, each with the setting that contains it."""
    yield "domain", site.id
    yield from (("hostnames", name) for name in site.hostnames)
    yield from (("aliases", name) for name in site.aliases)
