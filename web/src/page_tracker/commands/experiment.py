"""`page-tracker experiment`: which group of visitors reached a goal more often."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.query import asker_of, range_of, said_of
from page_tracker.commands.tables import echo_json, echo_table
from page_tracker.days import MICROSECONDS
from page_tracker.errors import QuestionError
from page_tracker.plural import counted
from page_tracker.query import dates
from page_tracker.query.answer import range_as_json
from page_tracker.query.experiment import shares_of_text
from page_tracker.query.experiment_report import (
    CONFIDENCE,
    UNDECIDED,
    WARNINGS,
    ExperimentReport,
    Group,
    experiment_as_json,
)
from page_tracker.query.problem import QueryError
from page_tracker.query.typed_filters import (
    EXAMPLE,
    full_name,
    parse_filter,
    short_name,
)
from page_tracker.settings import Settings
from page_tracker.sites.site import Site, zone_at

# The place of each argument and option in the question's JSON.
PLACES = {
    "#/dimension": "PROPERTY",
    "#/goal": "GOAL",
    "#/date_range": "--period, --from, --to",
    "#/filters": "--filter",
    "#/control": "--control",
    "#/shares": "--shares",
}


@click.command()
@click.argument("domain", metavar="SITE")
@click.argument("dimension", metavar="PROPERTY")
@click.argument("goal", metavar="GOAL")
@click.option(
    "--period",
    help=f"Like {', '.join(dates.WORDS)}, yesterday, 5d, 2026 or 2026-01; default: the"
    " last 30 days with today.",
)
@click.option("--from", "first", metavar="DATE", help="From this day or moment on.")
@click.option("--to", "last", metavar="DATE", help="Up to this one.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    help=f"Assign visitors to groups by matching events only: {EXAMPLE}.",
)
@click.option("--control", help="The group to compare with; default: the first.")
@click.option(
    "--shares",
    metavar="GROUP=SHARE,…",
    help="How visitors were meant to be split, like a=90,b=10; default: evenly.",
)
@json_option
@setting_option("data")
@setting_option("lake")
def experiment(
    domain: str, as_json: bool, data: str | None, lake: str | None, **said: Any
) -> None:
    """Compare groups of visitors of SITE by who reached GOAL.

    The groups are the values of PROPERTY, which is a property of events or whatever
    else a question can be asked by.

    \b
      page-tracker experiment example.com props:buttons Signup [--control old]
      page-tracker experiment example.com utm_content Signup [--period 28d]
    """
    settings, now = Settings.from_environment(data=data, lake=lake), time.time()
    with asker_of(settings) as asker:
        site = asker.sites.get(domain)
        try:
            body = _body(site, said, now)
            asked = asker.asking.understand_experiment(body, site, now)
            report = asker.asking.experiment(asked)
        except QueryError as error:
            raise QuestionError(
                said_of(error, PLACES), "see page-tracker experiment --help"
            ) from error
    if as_json:
        echo_json(experiment_as_json(report))
    else:
        _echo(report)


def _body(site: Site, said: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The question as JSON, asked at this time (seconds, UTC).

    Raises QueryError, click.UsageError.
    """
    zone = ZoneInfo(zone_at(site, int(seconds * MICROSECONDS)))
    now = datetime.fromtimestamp(seconds, zone)
    return {
        "site_id": site.id,
        "dimension": full_name(said["dimension"]),
        "goal": said["goal"],
        "date_range": range_of(said["period"], said["first"], said["last"], now),
        "filters": [parse_filter(text, site.segments) for text in said["filters"]],
        "control": said["control"] or "",
        "shares": shares_of_text(said["shares"] or ""),
    }


def _echo(report: ExperimentReport) -> None:
    """Print a report for people."""
    query = report.asked.query
    first, last = (text[:10] for text in range_as_json(query.range))
    days = first if first == last else f"{first} to {last}"
    click.echo(f"{query.site}, {days}: who reached {report.asked.goal.name}")
    if report.groups:
        name = short_name(query.dimensions[0])
        _echo_groups(name.removeprefix("props:").upper(), report)
        _echo_verdict(report)
    if report.in_several:
        were = "was" if report.in_several == 1 else "were"
        click.echo(
            f"{counted(report.in_several, 'visitor')} {were} in several groups on one"
            " day, and counted in none."
        )
    for code in report.warnings:
        click.echo(f"! {WARNINGS[code]}")


def _echo_groups(name: str, report: ExperimentReport) -> None:
    head = (name, "VISITORS", "CONVERSIONS", "RATE", "DIFFERENCE", "BETTER")
    rows = [_cells(group) for group in report.groups]
    echo_table(head, rows, range(1, len(head)), (0,))


def _cells(group: Group) -> list[str]:
    """A group's row; each interval stands in brackets behind its figure."""
    found, (low, high) = group.found, group.interval
    cells = [group.name, f"{found.visitors:,}", f"{found.conversions:,}"]
    cells.append(f"{found.rate:.2%} ({100 * low:.1f} to {100 * high:.1f})")
    if group.compared is None:
        return [*cells, "", ""]
    low, high = (100 * end for end in group.compared.interval)
    difference = 100 * group.compared.difference
    return [
        *cells,
        f"{difference:+.2f} pt ({low:+.1f} to {high:+.1f})",
        f"{group.compared.chance:.1%}",
    ]


def _echo_verdict(report: ExperimentReport) -> None:
    control = report.groups[0].name
    click.echo(
        f"In brackets: {CONFIDENCE:.0%} intervals. BETTER: the chance to be better than"
        f" {control}."
    )
    for group in report.groups[1:]:
        verdict = group.compared.verdict if group.compared else UNDECIDED
        if verdict == UNDECIDED:
            click.echo(
                f"It is undecided whether {group.name} is better than {control}."
            )
        else:
            click.echo(f"{group.name} is {verdict} than {control}.")
    if report.detectable is not None:
        click.echo(
            "With this many visitors, a true difference of"
            f" {100 * report.detectable:.1f} points would be detected in four out of"
            " five experiments."
        )
