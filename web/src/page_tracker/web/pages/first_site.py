"""`/sites/add`, `/sites/<name>/install`: from nothing to the first hit."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from flask import Blueprint, Response, request

from page_tracker.days import MICROSECONDS, utc_day
from page_tracker.errors import SiteError
from page_tracker.hits.first_hit import Waiting, about, in_words, looked
from page_tracker.hits.hit import Reason
from page_tracker.people.roles import Role
from page_tracker.sites.site import Site, day_of, zone_at
from page_tracker.store.counters import Live
from page_tracker.web.pages.guard import Person
from page_tracker.web.pages.people_services import PeopleServices
from page_tracker.web.pages.refusals import no_such_site
from page_tracker.web.pages.render import render, to
from page_tracker.web.pages.site_page import home_of
from page_tracker.web.pages.snippet import policy_line, warnings, ways

# Seconds of waiting after which a list of what may be wrong is shown.
PATIENCE = 60


class Told(msgspec.Struct, frozen=True):
    """An arrival as the page shows it; `host` is one that may be added to the site."""

    when: str
    words: str
    host: str = ""


def register_first_site(blueprint: Blueprint, services: PeopleServices) -> None:
    """The routes."""
    guard, first = services.guard, _First(services)

    @blueprint.get("/sites/add")
    def show_add_site() -> Response:
        guard.admit(Role.OWNER, None)
        domain = request.args.get("domain", "")
        return _form(first.has_demonstration(), domain)

    @blueprint.post("/sites/add")
    def add_site() -> Response:
        guard.admit(Role.OWNER, None)
        try:
            zone = request.form.get("timezone", "UTC")
            site = services.sites().add(
                request.form.get("domain", ""), {"timezone": zone}
            )
        except SiteError as error:
            domain = request.form.get("domain", "")
            return _form(first.has_demonstration(), domain, error)
        services.waits().forget(site.id)
        return to(f"/sites/{site.id}/install")

    @blueprint.get("/sites/<name>/install")
    def show_install(name: str) -> Response:
        """The code for the site's pages; below it what has arrived so far."""
        site, person = first.admitted(name, Role.VIEWER)
        chosen = request.args.get("way", "html")
        address = guard.reached.link("")
        offered = ways(site.id, address)
        return render(
            "install.html",
            site=site,
            home=home_of(site.id),
            ways=offered,
            way=next((way for way in offered if way.name == chosen), offered[0]),
            warnings=list(warnings(address, guard.reached.browser_is_at())),
            **first.news(site, person),
        )

    @blueprint.get("/sites/<name>/install/news")
    def show_news(name: str) -> Response:
        """What has arrived so far, alone; the site's own page once a hit has."""
        site, person = first.admitted(name, Role.VIEWER)
        news = first.news(site, person)
        if news["has_come"]:
            return to(f"/sites/{site.id}")
        return render("news.html", site=site, **news)

    @blueprint.post("/sites/<name>/hosts")
    def add_host(name: str) -> Response:
        """Let a host's hits count for a site: all other sites lose them."""
        site, person = first.admitted(name, Role.VIEWER)
        guard.admit(Role.OWNER, None)
        # Another site's host is refused, with what to remove first.
        host = request.form.get("host", "")
        services.sites().let_in(site.id, Reason.UNKNOWN_SITE, host, person.name)
        return to(f"/sites/{site.id}/install")


class _First:
    """What arrives for a site that waits for its first hit."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    def admitted(self, name: str, role: Role) -> tuple[Site, Person]:
        """The site, if the person's role for it is this or higher."""
        site = self._services.sites().look_again().resolve(name)
        if site is None:
            self._services.guard.require()
            raise no_such_site()
        return site, self._services.guard.admit(role, site.id)

    def has_demonstration(self) -> bool:
        known = self._services.sites().directory().by_id.values()
        return any(site.demonstration for site in known)

    def news(self, site: Site, person: Person) -> dict[str, Any]:
        """What the page shows during the wait."""
        now, live = int(time.time()), self._services.live()
        views = live.total(site.id)
        counts = _counts(live, site, now, person.may(Role.OWNER, None))

        def decide(before: Waiting | None) -> Waiting:
            return looked(before or Waiting(views=views, since=now), counts, now)

        waiting = self._services.waits().look(site.id, decide)
        return {
            "policy": policy_line(self._services.guard.reached.link("")),
            "has_come": views > waiting.views,
            "is_long": now - waiting.since >= PATIENCE,
            "may_add": person.may(Role.OWNER, None),
            "is_behind_proxy": self._services.guard.reached.is_behind_unknown_proxy(),
            "arrivals": self._told(site, waiting),
        }

    def _told(self, site: Site, waiting: Waiting) -> list[Told]:
        zone = ZoneInfo(zone_at(site, waiting.since * MICROSECONDS))
        own_bot = self._services.own_bot()
        return [
            Told(
                f"{datetime.fromtimestamp(each.time, UTC).astimezone(zone):%H:%M}",
                in_words(each, own_bot),
                each.name if each.reason == "unknown_site" else "",
            )
            for each in waiting.arrivals
        ]


def _counts(live: Live, site: Site, now: int, sees_all: bool) -> dict[str, int]:
    """What was dropped today for the site, and for unknown ones that may mean it.

    Only owners of all sites see names that have nothing to do with this one.
    """
    dropped = live.drops(site.id, day_of(site, now * MICROSECONDS))
    own = {f"{each.reason}\0{each.name}": each.number for each in dropped}
    unknown = {
        f"{each.reason}\0{each.name}": each.number
        for each in live.unknown_sites(utc_day(now))
    }
    return own | (unknown if sees_all else about(unknown, site.id))


def _form(
    has_demonstration: bool, domain: str, error: SiteError | None = None
) -> Response:
    return render(
        "add_site.html",
        400 if error else 200,
        error=error,
        domain=domain,
        zone=request.form.get("timezone", ""),
        zones=sorted(available_timezones()),
        has_demonstration=has_demonstration,
    )
