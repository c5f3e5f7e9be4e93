"""`page-tracker delete`: delete hits for good."""

from contextlib import ExitStack
from datetime import date

import click

from page_tracker.commands.confirmation import confirm, yes_option
from page_tracker.commands.options import setting_option
from page_tracker.days import date_of, day_number
from page_tracker.errors import SettingsError
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.store.sites import Sites
from page_tracker.upkeep.deletion import Selection
from page_tracker.upkeep.deletion_preview import DeletionPreview
from page_tracker.wiring.deleting import deletion_preview, open_hits_deletion
from page_tracker.wiring.store import registry_of_folder, store_of_folder
from page_tracker.writer.service import told_plainly

# One argument for each option: pylint: disable=too-many-arguments,too-many-locals
# pylint: disable=too-many-positional-arguments


@click.command()
@click.argument("site")
@click.option("--path", metavar="PATH", help="Only hits of this page, like /about.")
@click.option("--from", "first", metavar="DATE", help="Only from this day on.")
@click.option("--to", "last", metavar="DATE", help="Only up to this day, included.")
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
    """Delete the hits of SITE for good: from files, Redis and what waits in it.

    The visits that are cut are renumbered. Stopped half-way, the same command once
    more finishes it.
    """
    begin, end = _day("--from", first), _day("--to", last)
    if begin is not None and end is not None and begin > end:
        raise SettingsError(f"--from {first} is after --to {last}", "swap them")
    if path is not None and not path.startswith("/"):
        raise SettingsError(
            f"--path {path!r} is not the path of a page",
            "it begins with /, like /about",
        )
    with ExitStack() as stack:
        settings = stack.enter_context(
            store_of_folder(Settings.from_environment(**options))
        )
        registry = stack.enter_context(registry_of_folder(settings))
        stack.enter_context(told_plainly())
        found = Sites(registry).get(site)
        selection = Selection(found.id, path, begin, end)
        deletion = open_hits_deletion(settings, registry, selection)
        chosen = deletion_preview(settings, selection)
        _echo_chosen(selection, chosen)
        if dry_run:
            return
        if any(chosen) and not yes:
            confirm("Delete them for good?")
        work = deletion.run if any(chosen) else deletion.finish
        deleted = counted(work(lambda line: click.echo(f"  {line}")), "hit")
        click.echo(f"{deleted} of {named(selection)} went.")


def named(selection: Selection) -> str:
    """The chosen hits, in words."""
    parts = [selection.site]
    if selection.path is not None:
        parts.append(f"page {selection.path}")
    if selection.first is not None:
        parts.append(f"from {date_of(selection.first)}")
    if selection.last is not None:
        parts.append(f"to {date_of(selection.last)}")
    return ", ".join(parts)


def _echo_chosen(selection: Selection, chosen: DeletionPreview) -> None:
    """Print what would be deleted."""
    if not any(chosen):
        click.echo(f"There are no hits of {named(selection)}.")
        return
    hits = counted(chosen.hits, "hit")
    click.echo(f"{hits} of {named(selection)} in the lake would go.")
    if chosen.drops:
        drops = counted(chosen.drops, "hit")
        click.echo(f"So would the record of {drops} that did not count.")
    if number := chosen.waiting:
        wait = "waits" if number == 1 else "wait"
        click.echo(f"{number:,} of any site {wait} for the lake: what fits would go.")
    if chosen.aside:
        batches = counted(chosen.aside, "batch", "batches")
        click.echo(f"{batches} set aside may have some: what cannot be read would go.")


def _day(option: str, text: str | None) -> int | None:
    """The day that an option names. Raises SettingsError."""
    if text is None:
        return None
    try:
        return day_number(date.fromisoformat(text))
    except ValueError as error:
        raise SettingsError(
            f"{option} {text!r} is not a date", "write it like 2026-01-31"
        ) from error
