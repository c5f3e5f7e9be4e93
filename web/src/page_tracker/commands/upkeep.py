"""`page-tracker upkeep`: tidy the lake now, or from now on."""

import click

from page_tracker.commands.lake_process import lake_process
from page_tracker.commands.options import setting_option
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.store import store_of_folder
from page_tracker.wiring.upkeep import open_upkeep, start_upkeep
from page_tracker.writer.service import reporting_lake_failures


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option(
    "--until-stopped",
    is_flag=True,
    help="Every minute until stopped, for writers that run --without-upkeep.",
)
def upkeep(until_stopped: bool, **options: str | None) -> None:
    """Tidy the lake now: close days, merge files, delete expired hits.

    Also deletes expired salts, and recounts what the live counters lack.
    The writer does so by itself every minute.
    """
    settings = Settings.from_environment(**options)
    if until_stopped:
        _tidy_until_stopped(settings)
    else:
        _tidy(settings)


def _tidy_until_stopped(settings: Settings) -> None:
    with lake_process("upkeep", settings) as (found, lake, stop):
        start_upkeep(found, lake, stop, first=0)
        stop.wait()


def _tidy(settings: Settings) -> None:
    with store_of_folder(settings) as found, reporting_lake_failures():
        lake = open_lake(found)
        open_upkeep(found, lake, click.echo)()
        for name in ("hits", "drops"):
            table = lake.snapshot(name)
            sizes = table.get_add_actions(flatten=True)["size_bytes"].to_pylist()
            files = counted(len(sizes), "file")
            click.echo(f"{name}: {files}, {sum(sizes) / 1e6:.1f} MB")
