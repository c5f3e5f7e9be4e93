"""`page-tracker shared-link`: show one site's page to whoever has a link."""

from __future__ import annotations

import time

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.server_url import reached_at
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.settings import Settings
from page_tracker.sites.shared_link import (
    link_named,
    new_link,
    path_of,
    with_link,
    without_link,
)
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import registry_of_folder


@click.group()
def shared_link() -> None:
    """Share a site's page by a link: make, list and revoke such links."""


@shared_link.command()
@click.argument("domain", metavar="SITE")
@click.argument("name")
@setting_option("data")
@setting_option("url")
def add(domain: str, name: str, **options: str | None) -> None:
    """Print a link that shows SITE's page; the one called NAME, if there is one."""
    settings = Settings.from_environment(**options)
    made = new_link(name, int(time.time()))
    with registry_of_folder(settings) as registry:
        put = Sites(registry).put_shared_links
        site = put(domain, lambda links: with_link(links, made))
    link = link_named(site.shared_links, made.name) or made
    click.echo(f"{link.name!r} shows the page of {site.id}, until revoked:", err=True)
    click.echo(reached_at(settings) + path_of(site.id, link))


@shared_link.command(name="list")
@click.argument("domain", metavar="SITE")
@setting_option("data")
@setting_option("url")
@json_option
def list_(domain: str, as_json: bool, **options: str | None) -> None:
    """List the links that show SITE's page."""
    settings = Settings.from_environment(**options)
    with registry_of_folder(settings) as registry:
        site = Sites(registry).get(domain)
    listed = [
        (link.name, reached_at(settings) + path_of(site.id, link), link.created)
        for link in site.shared_links
    ]
    if as_json:
        keys = ("name", "url", "created")
        echo_json([dict(zip(keys, each, strict=True)) for each in listed])
    elif not listed:
        click.echo(
            f"{site.id} has no shared link yet:"
            f" page-tracker shared-link add {site.id} NAME"
        )
    else:
        rows = [(name, as_date(created), url) for name, url, created in listed]
        echo_table(("NAME", "MADE", "LINK"), rows)


@shared_link.command()
@click.argument("domain", metavar="SITE")
@click.argument("name")
@setting_option("data")
def remove(domain: str, name: str, data: str | None) -> None:
    """Revoke the link NAME of SITE: within a second it shows nothing any more."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        put = Sites(registry).put_shared_links
        site = put(domain, lambda links: without_link(links, name))
    click.echo(f"The link {name!r} shows {site.id} no longer.")
