"""`page-tracker writer`: move what waits in Redis to the lake."""

import click

from page_tracker.commands.lake_process import lake_process
from page_tracker.commands.options import setting_option
from page_tracker.processes.garbage_collection import collect_garbage_seldom
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_writers
from page_tracker.wiring.upkeep import start_upkeep
from page_tracker.writer.service import PASS, write


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option("--once", is_flag=True, help="Stop when nothing is waiting.")
@click.option(
    "--without-upkeep",
    is_flag=True,
    help="Only write: `page-tracker upkeep --until-stopped` runs elsewhere.",
)
def writer(once: bool, without_upkeep: bool, **options: str | None) -> None:
    """Move hits from Redis to the lake until stopped.

    `page-tracker serve` starts one. Any number may run: none writes what another one
    has written.
    """
    found = lake_process("writer", Settings.from_environment(**options))
    with found as (settings, lake, stop):
        if not without_upkeep:
            start_upkeep(settings, lake, stop, first=PASS)
        if once:
            stop.set()
        writers = open_writers(settings, lake)
        collect_garbage_seldom()
        write(writers, stop)
