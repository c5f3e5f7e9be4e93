"""`page-tracker support`: pack what somebody needs who is to find a fault."""

import time
from pathlib import Path
from typing import TextIO

import click

from page_tracker.commands.options import setting_option
from page_tracker.errors import DataFolderError
from page_tracker.files import unused
from page_tracker.settings import Settings
from page_tracker.support_pack import pack
from page_tracker.wiring.supporting import parts_of


@click.command()
@setting_option("data")
@setting_option("lake")
@setting_option("url")
@click.option(
    "--log",
    type=click.File(errors="replace"),
    metavar="FILE",
    help="The server's log, whose last lines are added; - is standard input.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, exists=True, writable=True, path_type=Path),
    default=".",
    metavar="DIR",
    help="The folder that the file is written to.  [default: this one]",
)
def support(log: TextIO | None, output: Path, **options: str | None) -> None:
    """Pack what a maintainer needs to find a fault, into one file to send.

    What doctor finds, versions, settings without passwords, sizes of files, metrics and
    the ends of logs. Sites' names and addresses are replaced. Look at it before you
    send it: it is a zip of texts.
    """
    settings = Settings.from_environment(**options)
    parts = parts_of(settings, log.read() if log else None)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    path = unused(output / f"page-tracker-support-{today}.zip")
    try:
        pack(path, parts.texts, parts.mask)
    except OSError as error:
        raise DataFolderError(
            f"{path} cannot be written ({error.strerror})",
            "choose another folder with --output",
        ) from error
    click.echo(f"Wrote {path}:")
    for name in parts.texts:
        click.echo(f"  {name}")
    click.echo("Look through it before you send it to anybody.")
