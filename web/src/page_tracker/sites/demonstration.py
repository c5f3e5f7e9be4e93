"""The site that `page-tracker demo` creates, to look at before one has one's own. Pure.

It is recognised by `Site.demonstration`, never by its name.
"""

from __future__ import annotations

from page_tracker.errors import ImportRefusedError, SiteExistsError
from page_tracker.sites.site import Directory, Site

# Nobody can have a domain that ends like this (RFC 2606, 2).
DOMAIN = "demo.example"


def demonstration(now: int) -> Site:
    """The demonstration as it is first created; `now` is UTC, seconds.

    Hits that pages on other hosts send to it do not count.
    """
    return Site(id=DOMAIN, demonstration=True, allowed_hostnames=(DOMAIN,), created=now)


def days_since(site: Site, now: float) -> int:
    """How many days ago a demonstration's days ended; `now` is UTC, seconds."""
    return max(0, int(now) // 86_400 - site.created // 86_400)


def found_demonstration(sites: Directory) -> Site | None:
    """The demonstration, if there is one.

    Raises SiteExistsError if its name is that of a site, or of a site's host.
    """
    site = sites.resolve(DOMAIN)
    if site is None or site.demonstration:
        return site
    if site.id == DOMAIN:
        what = "a site"
        remedy = f"if it may go: page-tracker site remove {DOMAIN}"
    else:
        what = f"a host of {site.id}"
        remedy = f"take it out of {site.id} first"
    raise SiteExistsError(
        "domain",
        f"{DOMAIN}, which a demonstration needs, is {what} already",
        remedy,
    )


def require_own(site: Site) -> None:
    """Raise ImportRefusedError for a demonstration: nothing is mixed with its log."""
    if site.demonstration:
        raise ImportRefusedError(
            f"{site.id} is a demonstration, and takes no other log",
            "page-tracker site add DOMAIN makes a site of your own for it",
        )
