"""`/example.org/let-in`, `/example.org/leave-out`: what left out before is to count.

And the panel of a site's page that shows what was left out, with the buttons for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, request

from page_tracker.hits.hit import Reason
from page_tracker.people.roles import NEEDED, Deed, Role
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.query.plan import Days
from page_tracker.sites.letting_in import WAYS, let_in_of
from page_tracker.sites.site import Directory, Site
from page_tracker.store.sites import Sites
from page_tracker.web.pages.dropped_hits import all_left
from page_tracker.web.pages.formatting import moment
from page_tracker.web.pages.guard import PageGuard, Person
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.site_page import back_to


class LetIn(msgspec.Struct, frozen=True):
    """What somebody has let in: what, who did it and when, in words."""

    reason: str
    name: str
    what: str
    by: str
    when: str


def register_letting_in(
    blueprint: Blueprint,
    sites: Callable[[], Sites],
    guard: PageGuard,
    admitted: Callable[[str], Site],
) -> None:
    """The routes. Hosts are for owners of all sites: other sites lose what one gets."""

    def meant(name: str) -> tuple[Site, str, str, str]:
        """The site, the reason, the name that hits were left out by, and the person."""
        site, reason = admitted(name), request.form.get("reason", "")
        person = guard.admit(NEEDED[Deed.SET_COUNTING], site.id)
        if reason == Reason.UNKNOWN_SITE:
            guard.admit(Role.OWNER, None)
        return site, reason, request.form.get("name", ""), person.name

    @blueprint.post("/<domain:name>/let-in")
    @blueprint.post("/sites/<name>/let-in")
    def let_in(name: str) -> Response:
        """From now on, count what was left out under a name."""
        site, reason, wanted, who = meant(name)
        sites().let_in(site.id, reason, wanted, who)
        return back_to(site, "left-out")

    @blueprint.post("/<domain:name>/leave-out")
    @blueprint.post("/sites/<name>/leave-out")
    def leave_out(name: str) -> Response:
        """Leave out again what had been let in."""
        site, reason, wanted, who = meant(name)
        sites().leave_out(site.id, reason, wanted, who)
        return back_to(site, "left-out")


def left_panel(
    answers: Answers, asked: Asked, known: Directory, person: Person
) -> dict[str, Any]:
    """What the panel shows this person; nothing to guests. Raises as Answers.ask."""
    if person.is_guest:  # it tells of addresses, and of people
        return {}
    site, days = asked.site, Days(asked.scope.range.first, asked.scope.range.last)
    sees_all = person.may(Role.OWNER, None)
    unknown = _about(answers.unknown_sites(days), site, sees_all, known)
    return {
        "left": all_left(answers.left_out(days), unknown, site),
        "let_in": _told(asked),
        "may_let_in": person.can(Deed.SET_COUNTING, site.id),
        "may_add": sees_all,
    }


def _about(
    unknown: Iterable[DroppedHits], site: Site, sees_all: bool, known: Directory
) -> list[DroppedHits]:
    """What this person may see, without names that now belong to other sites."""
    return [
        each
        for each in unknown
        if (sees_all or each.name.endswith(f".{site.id}"))
        and known.resolve(each.name) in (None, site)
    ]


def _told(asked: Asked) -> list[LetIn]:
    zone = ZoneInfo(asked.scope.range.timezone)
    return [
        LetIn(
            reason=each.reason,
            name=each.name,
            what=WAYS[each.reason].what,
            by=each.by,
            when=moment(datetime.fromtimestamp(each.at, zone), asked.today),
        )
        for each in let_in_of(asked.site)
    ]
