"""`page-tracker fill-reports`: copy the lake into ClickHouse's own tables."""

import click

from page_tracker.commands.lake_process import lake_process
from page_tracker.commands.options import setting_option
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.wiring.clickhouse import open_filling, open_kept_filling
from page_tracker.writer.service import PASS, keep


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option(
    "--until-stopped", is_flag=True, help="Every minute until stopped, not once."
)
def fill_reports(until_stopped: bool, **options: str | None) -> None:
    """Copy the lake into tables of the ClickHouse that answers questions.

    They hold just the lake's files after it: what is new is added, what was deleted or
    merged goes. Answers are the same with and without, and sooner with them.
    """
    settings = Settings.from_environment(**options)
    if until_stopped:
        with lake_process("fill-reports", settings) as (found, _, stop):
            keep("filling ClickHouse", open_kept_filling(found), PASS, stop, 0)
    else:
        done = open_filling(settings)()
        added, dropped = counted(done.added, "file"), counted(done.dropped, "file")
        click.echo(f"added {added}, dropped {dropped}")
