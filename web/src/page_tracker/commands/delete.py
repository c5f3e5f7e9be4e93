"""`page-tracker delete`: delete hits for good."""

from contextlib import ExitStack
from datetime import date

import click

from page_tracker.commands.options import setting_option
from page_tracker.errors import SettingsError
from page_tracker.lake.deletion import Selection
from page_tracker.lake.service import told_plainly
from page_tracker.lake.table import day_of
from page_tracker.services.deleting import open_hits_eraser
from page_tracker.services.store import registry_of_folder, store_of_folder
from page_tracker.settings import Settings
from page_tracker.sites import Sites

# Click gives each option as an argument of its own.
# One argument for each option: pylint: disable=too-many-arguments,too-many-locals
# pylint: disable=too-many-positional-arguments


@click.command()
@click.argument("site")
@click.option("--path", metavar="PATH", help="Only hits of this page, like /about.")
@click.option("--from", "first", metavar="DATE", help="Only from this day on.")
@click.option("--to", "last", metavar="DATE", help="Only up to this day, included.")
@click.option("--dry-run", is_flag=True, help="Say how many, and delete none.")
@click.option("--yes", is_flag=True, help="Do not ask.")
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
    """Delete the hits of SITE for good: from files, Redis and what waits in it.

    The visits that are cut are numbered anew. Stopped half-way, the same command once
    more finishes it.
    """
    begin, end = _day("--from", first), _day("--to", last)
    if begin is not None and end is not None and begin > end:
        raise SettingsError(f"--from {first} is after --to {last}", "swap them")
    if path is not None and not path.startswith("/"):
        raise SettingsError(
            f"--path {path} is no path of a page", "it begins with /, like /about"
        )
    with ExitStack() as stack:
        settings = stack.enter_context(
            store_of_folder(Settings.from_environment(**options))
        )
        registry = stack.enter_context(registry_of_folder(settings))
        stack.enter_context(told_plainly())
        found = Sites(registry).get(site)
        selection = Selection(found.id, path, begin, end)
        eraser = open_hits_eraser(settings, registry, selection)
        click.echo(f"{eraser.deletion.count()} hits in the lake would go.")
        if waiting := eraser.deletion.waiting():
            click.echo(f"{waiting} wait for the lake; those that fit would go too.")
        if dry_run:
            return
        if not yes:
            click.confirm("Delete them for good?", abort=True)
        deleted = eraser.run(lambda line: click.echo(f"  {line}"))
        click.echo(f"{deleted} hits are gone.")


def _day(option: str, text: str | None) -> int | None:
    """The day that an option names; raises SettingsError."""
    if text is None:
        return None
    try:
        return day_of(date.fromisoformat(text))
    except ValueError as error:
        raise SettingsError(
            f"{option} {text!r} is no day", "write it like 2026-01-31"
        ) from error
