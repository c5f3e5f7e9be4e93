"""`page-tracker flags`: what is turned on for whom, and until when."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json, echo_table
from page_tracker.errors import FlagsError
from page_tracker.flags.file import NAME, FlagFile
from page_tracker.flags.listing import Line, listed
from page_tracker.flags.provider import Flags
from page_tracker.settings import Settings


@click.command()
@click.option("--person", default="", metavar="NAME", help="For this account.")
@click.option("--site", default="", metavar="SITE", help="At this site.")
@setting_option("data")
@json_option
def flags(person: str, site: str, data: str | None, as_json: bool) -> None:
    """List the flags of features that are not for everybody yet.

    The file flags.json in the data folder decides them, for a person, a site or a share
    of all; a change of it needs no restart.
    """
    path = Settings.from_environment(data=data).data / NAME
    # What is wrong with the file is told below, and once.
    opened = Flags(FlagFile(path, report=lambda _: None))
    lines = listed(opened, person, site, datetime.now(UTC).date())
    if as_json:
        echo_json([_as_json(line) for line in lines])
    else:
        echo_table(
            ("FLAG", "IS", "BY", "UNTIL", "OWNER", "WHAT FOR"),
            [_cells(line) for line in lines],
        )
    if problem := opened.problem():
        raise FlagsError(
            problem,
            "fix it. This table shows the declared values; running servers keep the"
            " last valid version",
        )


def _as_json(line: Line) -> dict[str, object]:
    return {
        "flag": line.flag.name,
        "is_on": line.is_on,
        "by": line.by,
        "default": line.flag.default,
        "until": str(line.flag.until),
        "is_over": line.is_over,
        "owner": line.flag.owner,
        "purpose": line.flag.purpose,
    }


def _cells(line: Line) -> list[str]:
    until = f"{line.flag.until}{' (over)' if line.is_over else ''}"
    is_on = "on" if line.is_on else "off"
    flag = line.flag
    return [flag.name, is_on, line.by, until, flag.owner, flag.purpose]
