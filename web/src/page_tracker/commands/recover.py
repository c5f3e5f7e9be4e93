"""`page-tracker recover`: rebuild the lake's log from its files."""

import click

from page_tracker.commands import confirmation
from page_tracker.commands.options import setting_option
from page_tracker.lake.survey import lines
from page_tracker.processes.append_only_file import DamagedStoreError, set_aside
from page_tracker.processes.embedded import STORE_NAME
from page_tracker.processes.folder import locked
from page_tracker.settings import Settings
from page_tracker.wiring.recovering import Recovery
from page_tracker.wiring.store import store_of_folder
from page_tracker.writer.service import reporting_lake_failures


@click.command()
@confirmation.yes_option
@click.option(
    "--with-doubtful",
    is_flag=True,
    help="Include rows that may have been deleted, or that a newer file lacks.",
)
@setting_option("data")
@setting_option("lake")
def recover(yes: bool, with_doubtful: bool, **options: str | None) -> None:
    """Rebuild the lake's log from its files, or begin with a new lake or store.

    Lists what it has found, and changes nothing until that is confirmed. What does not
    count is moved to the lake's folder `damaged`; nothing is deleted.
    """
    settings = Settings.from_environment(**options)
    try:
        _recover_lake(settings, yes, with_doubtful)
    except DamagedStoreError as error:
        click.echo(f"{error.problem}.")
        click.echo(
            "Hits that were not in the lake yet, and open visits, would be lost."
        )
        _ask("Begin with an empty store?", yes)
        with locked(settings.data):
            aside = set_aside(settings.data / STORE_NAME)
        click.echo(
            f"The store starts empty; the old files are in {aside}, for two days."
        )
        _recover_lake(settings, yes, with_doubtful)


def _recover_lake(settings: Settings, yes: bool, with_doubtful: bool) -> None:
    with store_of_folder(settings) as found, reporting_lake_failures():
        _recover(Recovery(found), yes, with_doubtful)


def _recover(recovery: Recovery, yes: bool, with_doubtful: bool) -> None:
    is_done = False
    for found in recovery.surveys():
        for line in lines(found):
            click.echo(line)
        if found.doubtful and not with_doubtful:
            click.echo("Rows in doubt stay out; --with-doubtful takes them in.")
        _ask(f"Rebuild the log of {found.name} from these?", yes)
        added = recovery.build(found, with_doubtful)
        click.echo(f"{found.name} has {found.rows + added} rows and a log again.")
        is_done = True
    if recovery.has_lost_closed_days():
        recovery.forget_closed_days()
        click.echo(
            "What closed days come to is made from the hits again, by the next upkeep."
        )
        is_done = True
    if refusal := recovery.refusal():
        click.echo(f"{refusal.problem}.")
        _ask("Begin in the new lake without them?", yes)
        recovery.continue_from_queue()
        click.echo("The writer begins in the new lake.")
        is_done = True
    recovery.tidy()
    if not is_done:
        click.echo("Nothing is to be recovered: every table of the lake has its log.")


def _ask(question: str, yes: bool) -> None:
    if not yes:
        confirmation.confirm(question)
