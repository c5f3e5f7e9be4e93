"""`page-tracker doctor`: is all well, and what to do if it is not?"""

import sys

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json
from page_tracker.diagnosis import Finding, examine
from page_tracker.settings import Settings
from page_tracker.wiring.diagnosing import patient_of_folder


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
        for each in findings:
            click.echo(
                f"{'problem' if each.remedy else 'ok':7}  {each.name}: {each.message}"
            )
            if each.remedy:
                click.echo(f"         → {each.remedy}")
    sys.exit(any(each.remedy for each in findings))


def _as_json(found: Finding) -> dict[str, object]:
    return {
        "ok": not found.remedy,
        "name": found.name,
        "says": found.message,
        "remedy": found.remedy,
    }
