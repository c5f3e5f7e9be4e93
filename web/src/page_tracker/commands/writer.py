"""`page-tracker writer`: take what waits in Redis to the lake."""

import logging
import signal
import threading
from contextlib import ExitStack
from dataclasses import replace

import click

from page_tracker.commands.options import setting_option
from page_tracker.lake.service import keep, write
from page_tracker.lake.writer import Writer
from page_tracker.server.embedded import redis_of
from page_tracker.services import open_lake, open_streams, open_upkeep
from page_tracker.settings import Settings


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option("--once", is_flag=True, help="End when nothing waits any more.")
def writer(once: bool, **options: str | None) -> None:
    """Take what waits in Redis to the lake, until told to stop.

    `page-tracker serve` runs one by itself. Any number may run: none writes what
    another one has written.
    """
    logging.basicConfig(format="writer: %(message)s", level=logging.WARNING)
    settings = Settings.from_environment(**options)
    stop = threading.Event()
    if once:
        stop.set()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        if settings.redis_url is None:
            url = stack.enter_context(redis_of(settings))
            settings = replace(settings, redis_url=url)
        lake = open_lake(settings)
        tidy = open_upkeep(settings, lake)
        thread = threading.Thread(target=keep, args=(tidy, stop), daemon=True)
        thread.start()
        write([Writer(stream, lake) for stream in open_streams(settings)], stop)
