"""`page-tracker aside`: what the writer could not read, and set aside."""

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.wiring.store import open_streams, store_of_folder


@click.group()
def aside() -> None:
    """List and replay what the writer could not read, and set aside."""


@aside.command("list")
@json_option
@setting_option("data")
def list_(as_json: bool, data: str | None) -> None:
    """List the batches that were set aside, oldest first."""
    with store_of_folder(Settings.from_environment(data=data)) as settings:
        found = [
            {
                "id": f"{stream.shard}/{each.id}",
                "date": as_date(each.moment // 1000),
                "rows": each.size,
                "sites": list(each.sites),
                "why": each.why,
            }
            for stream in open_streams(settings)
            for each in stream.aside()
        ]
    if as_json:
        echo_json(found)
    elif found:
        rows = [
            (
                *(str(each[name]) for name in ("id", "date", "rows")),
                *(" ".join(each["sites"]), str(each["why"])),  # type: ignore[arg-type]
            )
            for each in found
        ]
        echo_table(("id", "set aside", "rows", "sites", "why"), rows)
    else:
        click.echo("Nothing is set aside.")


@aside.command()
@setting_option("data")
def replay(data: str | None) -> None:
    """Give them all back to the writer, after an update that can read them."""
    with store_of_folder(Settings.from_environment(data=data)) as settings:
        number = sum(
            bool(stream.replay(each.id))
            for stream in open_streams(settings)
            for each in stream.aside()
        )
    if not number:
        click.echo("Nothing is set aside.")
        return
    wait = "waits" if number == 1 else "wait"
    click.echo(f"{counted(number, 'batch', 'batches')} {wait} for the writer again.")
