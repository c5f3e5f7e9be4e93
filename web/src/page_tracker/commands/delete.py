"""`page-tracker delete`: delete hits for good."""

from contextlib import ExitStack

import click
from msgspec.structs import replace

from page_tracker.commands.confirmation import confirm, yes_option
from page_tracker.commands.options import setting_option
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.store.sites import Sites
from page_tracker.upkeep.deletion_preview import selected
from page_tracker.wiring.deleting import open_hits_deletion
from page_tracker.wiring.store import registry_of_folder, store_of_folder
from page_tracker.writer.service import reporting_lake_failures

# One argument for each option: pylint: disable=too-many-arguments,too-many-locals
# pylint: disable=too-many-positional-arguments


@click.command()
@click.argument("site")
@click.option("--path", metavar="PATH", help="Only hits of this page, like /about.")
@click.option("--from", "first", metavar="DATE", help="Only from this day.")
@click.option("--to", "last", metavar="DATE", help="Only up to and including this day.")
@click.option("--dry-run", is_flag=True, help="Print how many, and delete none.")
@yes_option
@setting_option("data")
@setting_option("lake")
def delete(
    site: str,
    path: str | None,
    first: str | None,
    last: str | None,
    dry_run: bool,
    yes: bool,
    **options: str | None,
) -> None:
    """Delete hits of SITE for good, from files and from Redis.

    Visits that lose hits are renumbered. If it is interrupted, run the same command
    again to finish it.
    """
    wanted = selected(site, path, first, last)
    with ExitStack() as stack:
        settings = stack.enter_context(
            store_of_folder(Settings.from_environment(**options))
        )
        registry = stack.enter_context(registry_of_folder(settings))
        stack.enter_context(reporting_lake_failures())
        selection = replace(wanted, site=Sites(registry).get(site).id)
        deletion = open_hits_deletion(settings, registry, selection)
        for line in deletion.lines():
            click.echo(line)
        if dry_run:
            return
        if deletion and not yes:
            confirm("Delete them for good?")
        deleted = counted(deletion.run(lambda line: click.echo(f"  {line}")), "hit")
        click.echo(f"{deleted} of {deletion.name} went.")
