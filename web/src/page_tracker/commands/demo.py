"""`page-tracker demo`: a site to look at before one has one's own."""

import time

import click

from page_tracker.commands.options import setting_option
from page_tracker.commands.server_url import reached_at
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.sites.demonstration import DOMAIN, days_since
from page_tracker.sites.site import Site


@click.command()
@click.option("--renew", is_flag=True, help="Create it again, so that it ends today.")
@click.option("--remove", is_flag=True, help="Delete it, with all of its hits.")
@setting_option("data")
@setting_option("lake")
@setting_option("url")
def demo(renew: bool, remove: bool, **options: str | None) -> None:
    """Create the site demo.example from a real log, to see what a site's page shows.

    Its days are the last eight weeks. It is marked as a demonstration wherever it is
    shown; --remove deletes it without a trace.
    """
    # Delta and DuckDB take a second: pylint: disable=import-outside-toplevel
    from page_tracker.wiring.demonstrating import demonstration_of_folder
    from page_tracker.writer.service import reporting_lake_failures

    if renew and remove:
        raise click.UsageError("--renew and --remove exclude each other.")
    settings = Settings.from_environment(**options)
    with demonstration_of_folder(settings) as demonstration, reporting_lake_failures():
        if remove:
            _echo_removed(demonstration.remove())
            return
        make = demonstration.renew if renew else demonstration.make
        site = make(time.time())
    _echo_made(site, settings)


def _echo_made(site: Site, settings: Settings) -> None:
    days = days_since(site, time.time())
    ended = f"ended {counted(days, 'day')} ago" if days else "end today"
    click.echo(f"{site.id} is a demonstration: a real log, whose days {ended}.")
    click.echo(f"  look at it    {reached_at(settings)}/{site.id}")
    if days:
        click.echo("  end it today  page-tracker demo --renew")
    click.echo("  take it away  page-tracker demo --remove")


def _echo_removed(hits: int | None) -> None:
    if hits is None:
        click.echo("There is no demonstration.")
    else:
        click.echo(f"{DOMAIN} is gone, with its {counted(hits, 'hit')}.")
