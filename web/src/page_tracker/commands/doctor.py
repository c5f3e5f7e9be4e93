"""`page-tracker doctor`: is all well, and what to do if it is not?"""

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json
from page_tracker.diagnosis import Finding, examine
from page_tracker.plural import counted
from page_tracker.settings import Settings
from page_tracker.wiring.diagnosing import patient_of_folder

_SHARD = re.compile(r" \d+$")  # at the end of a finding's name


@click.command()
@setting_option("data")
@setting_option("lake")
@setting_option("url")
@json_option
def doctor(as_json: bool, **options: str | None) -> None:
    """Check everything that has to be right for hits to be counted and kept.

    Each line is ok, or a problem and what to do. Ends with 1 where there is one. By
    --url the server is asked through its proxies: which address does it see?
    """
    settings = Settings.from_environment(**options)
    with patient_of_folder(settings) as patient:
        findings = list(examine(patient))
    if as_json:
        echo_json([_as_json(each) for each in findings])
    else:
        for each in shards_as_one(findings):
            click.echo(
                f"{'problem' if each.remedy else 'ok':7}  {each.name}: {each.message}"
            )
            if each.remedy:
                click.echo(f"         → {each.remedy}")
    sys.exit(any(each.remedy for each in findings))


def shards_as_one(findings: Iterable[Finding]) -> Iterator[Finding]:
    """A line for all shards that are well, in place of one for each."""
    for name, group in groupby(findings, lambda each: _SHARD.sub("", each.name)):
        together = list(group)
        well = [each for each in together if each.name != name and not each.remedy]
        yield from (each for each in together if each not in well)
        if well:
            yield Finding(name, f"all is well with {counted(len(well), 'shard')}")


def _as_json(found: Finding) -> dict[str, object]:
    return {
        "ok": not found.remedy,
        "name": found.name,
        "says": found.message,
        "remedy": found.remedy,
    }
