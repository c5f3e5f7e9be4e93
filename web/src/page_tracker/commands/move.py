"""`page-tracker move`: take the lake and the store to another place."""

from __future__ import annotations

import time

import click

from page_tracker.commands import confirmation
from page_tracker.commands.options import setting_option
from page_tracker.errors import SettingsError
from page_tracker.lake.moving import Left
from page_tracker.plural import counted
from page_tracker.settings import Settings, read_as
from page_tracker.wiring.moving import Move, opened_move, stay_here
from page_tracker.writer.service import reporting_lake_failures

# Seconds between two lines about the same table.
SAY_EVERY = 5.0


class Told:
    """Says on standard error what is left to copy."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def files(self, left: Left) -> None:
        if left.files and self._is_time(left.table):
            megabytes = f"{left.bytes / 1e6:,.1f} MB"
            click.echo(
                f"{left.table}: {counted(left.files, 'file')}, {megabytes} left",
                err=True,
            )

    def keys(self, number: int) -> None:
        if self._is_time("Redis"):
            click.echo(f"Redis: {counted(number, 'key')} copied", err=True)

    def _is_time(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._said.get(what, -SAY_EVERY) < SAY_EVERY:
            return False
        self._said[what] = now
        return True


@click.command()
@setting_option("data")
@setting_option("lake")
@click.option("--to-lake", metavar="DIR|URL", help="Where the lake shall be.")
@click.option("--to-redis", metavar="URL", help="The Redis that shall count.")
@click.option("--stay", is_flag=True, help="Go on with the old place after all.")
@confirmation.yes_option
def move(
    to_lake: str | None,
    to_redis: str | None,
    stay: bool,
    yes: bool,
    **options: str | None,
) -> None:
    """Move the lake to another folder or bucket, the store to another Redis.

    Copies while the server runs; at the end it takes hits to disk until it is started
    with the new settings, which are printed. The old place is left as it is. If this is
    interrupted, the same command goes on.
    """
    settings = Settings.from_environment(**options)
    with reporting_lake_failures():
        if stay:
            _stay(settings, yes)
            return
        with opened_move(settings, *_target(to_lake, to_redis)) as opened:
            told = Told()
            opened.run(told.files, told.keys, lambda line: click.echo(line, err=True))
            _say_done(opened)


def _target(to_lake: str | None, to_redis: str | None) -> tuple[str | None, str | None]:
    """Where lake and store go. Raises SettingsError."""
    if not (to_lake or to_redis):
        raise SettingsError(
            "nothing was named to move to", "give --to-lake, --to-redis or both"
        )
    return (
        read_as("lake", "--to-lake", to_lake) if to_lake else None,
        read_as("redis_url", "--to-redis", to_redis) if to_redis else None,
    )


def _stay(settings: Settings, yes: bool) -> None:
    click.echo(
        "What another place has taken since it was moved to is not brought back."
    )
    if not yes:
        confirmation.confirm("Go on with the old place?")
    stay_here(settings)
    click.echo("The old place takes hits again, and what has waited.")


def _say_done(move_: Move) -> None:
    """What is to be done now."""
    click.echo("Now set for every process, and start it again:")
    for name, value in move_.new_settings().items():
        click.echo(f"  {name}={value}")
    click.echo(
        "Until then hits wait in the old Redis or on the web processes' disks, and"
        " nothing else can be changed."
    )
    for line in move_.left_behind():
        click.echo(line)
