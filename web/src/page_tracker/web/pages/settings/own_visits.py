"""`/SITE/settings/own-visits`: don't count me, by my address or in this browser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from page_tracker.errors import SiteError
from page_tracker.hits.client_address import network_around, network_of, subscriber_of
from page_tracker.people.roles import Deed
from page_tracker.sites.setting_changes import told_changes
from page_tracker.sites.site import Site
from page_tracker.web.pages.settings.counting_forms import label
from page_tracker.web.pages.settings.section import (
    OWN_VISITS,
    SettingsServices,
    at_field,
    sent,
    shown,
)

OWN = "own_addresses"
_SUBSCRIBER_BITS = 64


def register_own_visits(blueprint: Blueprint, services: SettingsServices) -> None:
    """The routes."""

    @blueprint.get("/<domain:name>/settings/own-visits")
    @blueprint.get("/sites/<name>/settings/own-visits")
    def show_own_visits(name: str) -> ResponseReturnValue:
        return services.opened(name, OWN_VISITS, partial(_page, services))

    @blueprint.post("/sites/<name>/settings/own-visits/leave-out")
    def leave_out(name: str) -> Response:
        site = services.admitted(name, Deed.SET_COUNTING)
        return _set(services, site, [*site.own_addresses, sent("address")])

    @blueprint.post("/sites/<name>/settings/own-visits/count")
    def count_again(name: str) -> Response:
        site, address = services.admitted(name, Deed.SET_COUNTING), sent("address")
        return _set(
            services, site, [own for own in site.own_addresses if own != address]
        )


def around(entries: Sequence[str], address: str) -> list[str]:
    """The addresses and networks of a list that contain an address.

    >>> around(["192.0.2.0/24", "192.0.2.7", "10.0.0.1"], "192.0.2.7")
    ['192.0.2.0/24', '192.0.2.7']
    """
    return [each for each in entries if network_around((network_of(each),), address)]


def named(address: str) -> str:
    """What to exclude if an address is one's own: for IPv6 its network.

    >>> named("2a00:1450::7"), named("192.0.2.7"), named("::1"), named("")
    ('2a00:1450::/64', '192.0.2.7', '::1', '')
    """
    if address and ip_address(address).version == 6 and ip_address(address).is_global:
        return f"{subscriber_of(address)}/{_SUBSCRIBER_BITS}"
    return address


def _set(services: SettingsServices, site: Site, own: list[str]) -> Response:
    try:
        who = services.guard.require().name
        after = services.sites().change(site.id, {OWN: own}, by=who)
    except SiteError as error:
        return _page(services, site, error=error)
    return _page(services, after, list(told_changes(site, after, [OWN], label)))


def _page(
    services: SettingsServices,
    site: Site,
    done: Sequence[str] = (),
    error: SiteError | None = None,
) -> Response:
    client, reached = services.seen(), services.guard.reached
    return shown(
        site,
        OWN_VISITS,
        "own_visits.html",
        400 if error else 200,
        client=client,
        around=around(site.own_addresses, client.address),
        typed=sent("address") if error else named(client.address),
        at_field=at_field(error) if error else "",
        error=error,
        done=done,
        may_set=services.guard.require().can(Deed.SET_COUNTING, site.id),
        is_behind_proxy=reached.is_behind_unknown_proxy(),
        here=reached.browser_is_at(),
    )
