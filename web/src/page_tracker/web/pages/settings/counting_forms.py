"""`/SITE/settings`: how a site is counted, by the table of a site's settings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError
from page_tracker.people.roles import Deed, Role
from page_tracker.sites.places import timezones
from page_tracker.sites.setting_changes import told_changes, zone_to_come
from page_tracker.sites.settings import SETTINGS
from page_tracker.sites.site import Site, has_further_hosts
from page_tracker.web.pages.settings.section import (
    COUNTING,
    SettingsServices,
    at_field,
    sent,
    shown,
)


class Group(msgspec.Struct, frozen=True):
    """Settings that one form sends, and the role that they need."""

    name: str
    title: str
    deed: Deed
    settings: tuple[str, ...]


GROUPS = (
    Group(
        "counting",
        "What counts",
        Deed.SET_COUNTING,
        (
            *("timezone", "own_addresses", "blocked_addresses", "blocked_countries"),
            *("blocked_pages", "allowed_hostnames", "page_schemes", "respect_dnt"),
            *("user_ids", "counted_bots", "counted_referrers"),
        ),
    ),
    Group(
        "reach",
        "Hosts, group, badges and limits",
        Deed.SET_REACH,
        ("hostnames", "aliases", "group", "public_counter", "max_pages"),
    ),
)
_LABELS = {
    "timezone": "Time zone",
    "respect_dnt": "Respect Do Not Track",
    "user_ids": "User ids",
}


class Field(msgspec.Struct, frozen=True):
    """A setting in its form; `mark` shows whether its text has changed since."""

    name: str
    label: str
    hint: str
    kind: str
    text: str
    mark: str
    error: str = ""


def register_counting(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes."""

    @blueprint.get("/<domain:name>/settings")
    @blueprint.get("/sites/<name>/settings")
    def show_settings(name: str) -> ResponseReturnValue:
        return services.opened(name, COUNTING, partial(_page, services))

    @blueprint.post("/sites/<name>/settings/counting")
    def set_counting(name: str) -> Response:
        return _change(services, name, GROUPS[0])

    @blueprint.post("/sites/<name>/settings/reach")
    def set_reach(name: str) -> Response:
        return _change(services, name, GROUPS[1])


def label(name: str) -> str:
    """A setting's label.

    >>> label("own_addresses")
    'Own addresses'
    """
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def text_of(site: Site, name: str) -> str:
    """A setting as its field shows it; a list has one line for each item."""
    value = getattr(site, name)
    if name == "timezone":
        return site.next_timezone or site.timezone
    if isinstance(value, tuple):
        return "\n".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def mark_of(text: str) -> str:
    """A fingerprint that distinguishes a field's texts within a form."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _change(services: SettingsServices, name: str, group: Group) -> Response:
    """Change what was typed; what others have changed meanwhile stays."""
    site = services.admitted(name, group.deed)
    typed = {each: sent(each) for each in group.settings if each in request.form}
    said: dict[str, str | list[str]] = {
        each: text.splitlines() if SETTINGS[each].many else text
        for each, text in typed.items()
        if mark_of(text) != request.form.get(f"{each}-mark")
    }
    changed: list[tuple[Site, Site]] = []

    def approve(before: Site, after: Site) -> None:
        _require_own_hosts(services, before, after)
        changed[:] = [(before, after)]

    try:
        who = services.guard.require().name
        services.sites().change(site.id, said, approve, by=who)
    except SiteError as error:
        return _page(services, site, typed=typed, error=error)
    before, after = changed[0]
    done = list(told_changes(before, after, said, label))
    return _page(services, after, done or ["Nothing was changed."])


def _require_own_hosts(services: SettingsServices, before: Site, after: Site) -> None:
    """Raise SiteError if hosts are claimed, which all others lose, without the right.

    Whether another site has them is not revealed.
    """
    if has_further_hosts(before, after):
        if not services.guard.require().may(Role.OWNER, None):
            raise SiteError(
                "hostnames" if after.aliases == before.aliases else "aliases",
                "a site is given hosts and aliases by an owner of all sites",
                "ask one of them",
            )


def _page(  # pylint: disable=too-many-arguments # each is shown
    services: SettingsServices,
    site: Site,
    done: Sequence[str] = (),
    *,
    typed: Mapping[str, str] | None = None,
    error: SiteError | None = None,
) -> Response:
    person = services.guard.require()
    groups = [group for group in GROUPS if person.can(group.deed, site.id)]
    return shown(
        site,
        COUNTING,
        "counting.html",
        400 if error else 200,
        groups=[
            (group, [_field(site, name, typed or {}, error) for name in group.settings])
            for group in groups
        ],
        done=done,
        error=error,
        zones=sorted(timezones()),
        zone_notice=_notice(site),
    )


def _notice(site: Site) -> str:
    """A note that another zone is pending; empty once it applies."""
    if (site.next_timezone_from or 0) <= time.time():
        return ""
    return f"{zone_to_come(site, label)}."


def _field(
    site: Site, name: str, typed: Mapping[str, str], error: SiteError | None
) -> Field:
    setting = SETTINGS[name]
    present = text_of(site, name)
    # After typing, the mark is still that of the text that was typed over.
    mark = request.form.get(f"{name}-mark", "") if name in typed else mark_of(present)
    return Field(
        name,
        label(name),
        setting.help,
        "list" if setting.many else _KINDS.get(setting.metavar, "text"),
        typed.get(name, present),
        mark,
        at_field(error) if error and error.field == name else "",
    )


_KINDS = {"ZONE": "zone", "true|false": "truth", "NUMBER": "number"}
