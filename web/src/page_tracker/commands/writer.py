"""`page-tracker writer`: move what waits in Redis to the lake."""

import threading
from functools import partial

import click

from page_tracker.commands.lake_process import lake_process
from page_tracker.commands.options import setting_option
from page_tracker.processes.garbage_collection import collect_garbage_seldom
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_share, open_writers
from page_tracker.wiring.upkeep import start_upkeep
from page_tracker.writer.service import (
    PASS,
    TICK,
    Troubles,
    keep,
    renew,
    wait_for,
    write,
)


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

    `page-tracker serve` starts one. Any number may run, on any machines: they share the
    shards, and none writes what another one has written. With --once it writes all
    shards, whoever else is at work.
    """
    found = lake_process("writer", Settings.from_environment(**options))
    with found as (settings, lake, stop):
        if not without_upkeep:
            start_upkeep(settings, lake, stop, first=PASS)
        writers, troubles = open_writers(settings, lake), Troubles()
        collect_garbage_seldom()
        if once:
            stop.set()
            write(writers, range(settings.shards), stop, troubles)
            return
        share = open_share(settings)
        wait_for(share.renew, stop)
        sharing = ("sharing the shards", partial(renew, share, troubles), TICK, stop)
        threading.Thread(target=keep, args=sharing, daemon=True).start()
        write(writers, share, stop, troubles)
        share.leave()
