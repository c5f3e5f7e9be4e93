"""`page-tracker upkeep`: tidy the lake now."""

import click

from page_tracker.commands.options import setting_option
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake
from page_tracker.wiring.store import store_of_folder
from page_tracker.wiring.upkeep import open_upkeep
from page_tracker.writer.service import reporting_lake_failures


@click.command()
@setting_option("data")
@setting_option("lake")
def upkeep(**options: str | None) -> None:
    """Tidy the lake now: close days, merge files, delete expired hits.

    Also deletes expired salts, and recounts what the live counters lack.
    The writer does so by itself every minute.
    """
    found = store_of_folder(Settings.from_environment(**options))
    with found as settings, reporting_lake_failures():
        lake = open_lake(settings)
        open_upkeep(settings, lake, click.echo)()
        for name in ("hits", "drops"):
            table = lake.snapshot(name)
            sizes = table.get_add_actions(flatten=True)["size_bytes"].to_pylist()
            files = counted(len(sizes), "file")
            click.echo(f"{name}: {files}, {sum(sizes) / 1e6:.1f} MB")
