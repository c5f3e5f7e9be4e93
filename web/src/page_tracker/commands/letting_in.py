"""`page-tracker site let-in`, `site leave-out`: what left out before is to count."""

from collections.abc import Sequence

import click

from page_tracker.commands.options import setting_option
from page_tracker.commands.tables import as_date, echo_table
from page_tracker.settings import Settings
from page_tracker.sites.decision import Decision
from page_tracker.sites.letting_in import COMMAND_LINE, WAYS, bare_bot
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import registry_of_folder

_reason = click.argument("reason", type=click.Choice(list(WAYS)), metavar="REASON")


@click.command(name="let-in")
@click.argument("domain")
@_reason
@click.argument("name")
@setting_option("data")
def let_in(domain: str, reason: str, name: str, data: str | None) -> None:
    """Count what is left out of DOMAIN for REASON under NAME, from now on.

    Both are as `page-tracker query DOMAIN --live` and the site's page show them: a bot
    by its name, a host, a page or an address that is blocked.
    """
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        site = Sites(registry).let_in(domain, reason, name, COMMAND_LINE)
    click.echo(f"{site.id} counts from now on: {_told(reason, name)}.")


@click.command(name="leave-out")
@click.argument("domain")
@_reason
@click.argument("name")
@setting_option("data")
def leave_out(domain: str, reason: str, name: str, data: str | None) -> None:
    """Leave out again what was let in; what was counted stays."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        site = Sites(registry).leave_out(domain, reason, name, COMMAND_LINE)
    click.echo(f"{site.id} leaves out from now on: {_told(reason, name)}.")


def _told(reason: str, name: str) -> str:
    return f"{WAYS[reason].what} {bare_bot(name) if reason == 'bot' else name}"


def echo_let_in(decisions: Sequence[Decision]) -> None:
    """Print who has let in what counts now, if there is anything."""
    if decisions:
        click.echo()
        echo_table(
            ("LET IN", "NAME", "BY", "SINCE"),
            [(d.reason, d.name, d.by, as_date(d.at)) for d in decisions],
        )
