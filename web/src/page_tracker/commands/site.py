"""`page-tracker site`: the sites that are counted, and their settings."""

import time
from collections.abc import Mapping
from html import escape

import click

from page_tracker.commands.confirmation import confirm, yes_option
from page_tracker.commands.letting_in import echo_let_in, leave_out, let_in
from page_tracker.commands.options import Command, json_option, setting_option
from page_tracker.commands.server_url import reached_at
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.errors import SiteError
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.sites.letting_in import COMMAND_LINE, let_in_of
from page_tracker.sites.setting_changes import shown, told_changes, zone_to_come
from page_tracker.sites.settings import (
    SETTINGS,
    changed_site,
    new_site,
    settings_of,
)
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import (
    registry_of_folder,
    registry_of_new_folder,
    store_of_folder,
)


@click.group()
def site() -> None:
    """Add, list, show, change and remove sites."""


site.add_command(let_in)
site.add_command(leave_out)


def site_options(command: Command) -> Command:
    """An option for each setting of a site; lists are separated by commas."""
    for name, setting in reversed(list(SETTINGS.items())):
        command = click.option(
            f"--{name.replace('_', '-')}",
            name,
            metavar=setting.metavar,
            help=setting.help,
        )(command)
    return command


@site.command()
@click.argument("domain")
@site_options
@yes_option
@setting_option("data")
@setting_option("lake")
@setting_option("url")
@json_option
def add(  # pylint: disable=too-many-arguments,too-many-positional-arguments # options
    domain: str,
    yes: bool,
    data: str | None,
    lake: str | None,
    url: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Add the site DOMAIN, and print the line to put into its pages."""
    settings = Settings.from_environment(data=data, lake=lake, url=url)
    said, now = _said(given), time.time()
    wanted = new_site(domain, said, int(now))
    with registry_of_new_folder(settings) as registry:
        if not yes:
            _ask_for_retention(settings, wanted, now)
        added = Sites(registry).add(domain, said)
    if as_json:
        echo_json({**settings_of(added), "snippet": snippet(added, settings)})
        return
    click.echo(f"Added {added.id}; its days begin at midnight in {added.timezone}.")
    _echo_snippet(added, settings)


@site.command(name="list")
@setting_option("data")
@json_option
def list_(data: str | None, as_json: bool) -> None:
    """List all sites."""
    settings = Settings.from_environment(data=data)
    with registry_of_folder(settings) as registry:
        sites = Sites(registry).all()
    if as_json:
        echo_json([settings_of(each) for each in sites])
    elif not sites:
        click.echo(f"There is no site in {settings.data}: page-tracker site add DOMAIN")
    else:
        echo_table(
            ("DOMAIN", "TIME ZONE", "ADDED", "FURTHER HOSTS"),
            [(s.id, s.timezone, as_date(s.created), _hosts_of(s)) for s in sites],
            shorten=(0, 3),
        )


def _hosts_of(of: Site) -> str:
    """Its further hosts; for a demonstration, that it is one."""
    return "(a demonstration)" if of.demonstration else ", ".join(of.hostnames)


@site.command()
@click.argument("domain")
@setting_option("data")
@setting_option("url")
@json_option
def show(domain: str, data: str | None, url: str | None, as_json: bool) -> None:
    """Show all settings of the site DOMAIN, and the line for its pages."""
    settings = Settings.from_environment(data=data, url=url)
    with registry_of_folder(settings) as registry:
        found = Sites(registry).get(domain)
    if as_json:
        echo_json({**settings_of(found), "snippet": snippet(found, settings)})
        return
    what = ", a demonstration" if found.demonstration else ""
    click.echo(f"{found.id}{what}, added {as_date(found.created)}")
    echo_table(
        ("SETTING", "VALUE"),
        [(name, shown(name, getattr(found, name))) for name in SETTINGS],
    )
    if notice := zone_to_come(found):
        click.echo(notice)
    echo_let_in(let_in_of(found))
    _echo_snippet(found, settings)


@site.command(name="set")
@click.argument("domain")
@site_options
@yes_option
@setting_option("data")
@setting_option("lake")
@json_option
# One argument for each option: pylint: disable-next=too-many-arguments
def set_(  # pylint: disable=too-many-positional-arguments
    domain: str,
    yes: bool,
    data: str | None,
    lake: str | None,
    as_json: bool,
    **given: str | None,
) -> None:
    """Change settings of the site DOMAIN; an empty text ('') empties a list or a name.

    Where --retention-days would have hits deleted, it says which, and asks.
    """
    said, now = _said(given), time.time()
    if not said:
        raise SiteError(
            "options",
            "there is nothing to set",
            "page-tracker site set --help has them",
        )
    settings = Settings.from_environment(data=data, lake=lake)
    with registry_of_folder(settings) as registry:
        sites = Sites(registry)
        before = sites.get(domain)
        wanted = changed_site(before, said, int(now))
        if "retention_days" in said and not yes:
            _ask_for_retention(settings, wanted, now)
        after = sites.change(domain, said, by=COMMAND_LINE)
    if as_json:
        echo_json(settings_of(after))
    else:
        for line in told_changes(before, after, said):
            click.echo(line)


@site.command()
@click.argument("domain")
@yes_option
@setting_option("data")
@setting_option("lake")
def remove(domain: str, yes: bool, **options: str | None) -> None:
    """Delete the site DOMAIN and all of its hits, for good.

    Stopped half-way, the same command once more finishes it.
    """
    # Delta and DuckDB take a second: pylint: disable=import-outside-toplevel
    from page_tracker.wiring.deleting import open_site_deletion
    from page_tracker.writer.service import reporting_lake_failures

    with store_of_folder(Settings.from_environment(**options)) as settings:
        with registry_of_folder(settings) as registry, reporting_lake_failures():
            deletion = open_site_deletion(settings, registry, domain)
            number = counted(deletion.count(), "hit")
            click.echo(f"{deletion.site} and its {number} in the lake would go.")
            if not yes:
                confirm("Delete it for good?")
            deletion.run(lambda line: click.echo(f"  {line}"))
    click.echo(f"{deletion.site} is gone.")


def _ask_for_retention(settings: Settings, wanted: Site, now: float) -> None:
    """Ask if hits are older than a site's retention. Raises NotConfirmedError."""
    if wanted.retention_days is None:
        return
    # pylint: disable-next=import-outside-toplevel # as above
    from page_tracker.wiring.deleting import open_retention_preview

    if going := open_retention_preview(settings)(wanted, now):
        days = counted(wanted.retention_days, "day")
        click.echo(
            f"{going.in_words()} are older than {days}:"
            " they would be deleted within a minute.",
            err=True,
        )
        confirm("Delete them for good?")


def snippet(of: Site, settings: Settings) -> str:
    """The line for a page's head."""
    source = escape(f"{reached_at(settings)}/js/script.js")
    return f'<script defer data-domain="{escape(of.id)}" src="{source}"></script>'


def _said(given: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in given.items() if text is not None}


def _echo_snippet(of: Site, settings: Settings) -> None:
    click.echo("\nPut this line into the <head> of each of its pages:\n")
    click.echo(f"  {snippet(of, settings)}\n")
    if settings.url is None:
        click.echo(
            "Browsers must reach this server there: say where they do by --url or"
            " PAGE_TRACKER_URL,\nlike https://stats.example.com.\n"
        )
    click.echo(
        "Then open one of them. What is counted is shown at"
        f"\n  {reached_at(settings)}/sites/{of.id}"
        "\nOwn visits do not count once you say"
        f"\n  page-tracker site set {of.id} --own-addresses YOUR-ADDRESS"
    )
