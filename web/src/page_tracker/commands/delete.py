"""`page-tracker delete`: delete hits for good."""

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

import click

from page_tracker.commands.options import setting_option
from page_tracker.errors import SettingsError
from page_tracker.lake.deletion import Deletion, Selection
from page_tracker.lake.table import day_of
from page_tracker.lake.writer import Writer
from page_tracker.server.embedded import redis_of
from page_tracker.services import open_lake, open_removal, open_streams
from page_tracker.settings import Settings

DATE = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("site")
@click.option("--path", metavar="PATH", help="Only hits of this page, like /about.")
@click.option("--from", "first", type=DATE, help="Only from this day on.")
@click.option("--to", "last", type=DATE, help="Only up to this day, itself included.")
@click.option("--dry-run", is_flag=True, help="Say how many, and delete none.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@setting_option("data")
@setting_option("lake")
def delete(
    site: str,
    path: str | None,
    first: datetime | None,
    last: datetime | None,
    dry_run: bool,
    yes: bool,
    **options: str | None,
) -> None:
    """Delete the hits of SITE for good: from files, Redis and what waits in it.

    The visits that are cut are numbered anew. Stopped half-way, the same command once
    more finishes it.
    """
    if first and last and first > last:
        raise SettingsError(
            f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}", "swap them"
        )
    selection = Selection(
        site, path, first and day_of(first.date()), last and day_of(last.date())
    )
    settings = Settings.from_environment(**options)
    with ExitStack() as stack:
        if settings.redis_url is None:
            url = stack.enter_context(redis_of(settings))
            settings = replace(settings, redis_url=url)
        lake = open_lake(settings)
        writers = [Writer(stream, lake) for stream in open_streams(settings)]
        deletion = Deletion(selection, lake, writers, open_removal(settings))
        number, waiting = deletion.count(), deletion.waiting()
        click.echo(f"{number} hits in the lake would go, and what of {waiting} waiting")
        if dry_run:
            return
        if not yes:
            click.confirm("Delete them for good?", abort=True)
        # The date line is half a day ahead of UTC at most, and a bit.
        newest_day = int(time.time() + 14 * 3600) // 86_400
        deleted = deletion.run(newest_day, lambda line: click.echo(f"  {line}"))
        click.echo(f"{deleted} hits are gone.")
