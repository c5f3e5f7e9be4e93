"""`page-tracker writer`: move what waits in Redis to the lake."""

import logging
import signal
import threading
from contextlib import ExitStack
from dataclasses import replace

import click

from page_tracker.commands.options import setting_option
from page_tracker.lake.damage import mend
from page_tracker.lake.folder_format import require_folder
from page_tracker.processes.embedded import redis_of
from page_tracker.processes.folder import make_folder
from page_tracker.processes.garbage_collection import collect_garbage_seldom
from page_tracker.processes.log_lines import begin_log
from page_tracker.settings import Settings
from page_tracker.wiring.lake import open_lake, open_writers, require_lake
from page_tracker.wiring.store import open_redis, require_ready
from page_tracker.wiring.upkeep import open_light_recount, open_light_upkeep
from page_tracker.writer.service import PASS, TICK, keep, wait_for, write


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option("--once", is_flag=True, help="Stop when nothing is waiting.")
def writer(once: bool, **options: str | None) -> None:
    """Move hits from Redis to the lake until stopped.

    `page-tracker serve` starts one. Any number may run: none writes what another one
    has written.
    """
    settings = Settings.from_environment(**options)
    begin_log(settings, "writer", "writer: %(message)s")
    make_folder(settings.data)
    require_folder(settings.data)
    require_lake(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        if settings.redis_url is None:
            url = stack.enter_context(redis_of(settings))
            settings = replace(settings, redis_url=url)
        redis, shards = open_redis(settings), settings.shards
        wait_for(lambda: require_ready(redis, shards), stop)
        lake = open_lake(settings)
        for line in mend(lake):
            logging.error(line)
        for work in (
            (
                "upkeep of the lake",
                open_light_upkeep(settings, lake, logging.error),
                PASS,
                stop,
            ),
            ("the recount", open_light_recount(settings, lake), TICK, stop),
        ):
            threading.Thread(target=keep, args=work, daemon=True).start()
        if once:
            stop.set()
        writers = open_writers(settings, lake)
        collect_garbage_seldom()
        write(writers, stop)
