"""`page-tracker segment`: filters with a name, which questions use by number."""

from __future__ import annotations

import json

import click
import msgspec

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json, echo_table
from page_tracker.errors import QuestionError, UnknownGoalError
from page_tracker.query.filters import segment_filters
from page_tracker.query.problem import QueryError
from page_tracker.query.typed_filters import EXAMPLE, parse_filter, segment_of
from page_tracker.settings import Settings
from page_tracker.sites.goal import Segment, with_segment, without_segment
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import registry_of_folder


@click.group()
def segment() -> None:
    """Add, list and remove the segments of a site."""


@segment.command()
@click.argument("domain", metavar="SITE")
@click.argument("name")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    required=True,
    help=f"Those of whom this holds: {EXAMPLE}. All must hold.",
)
@setting_option("data")
def add(domain: str, name: str, filters: tuple[str, ...], data: str | None) -> None:
    """Add a segment called NAME to SITE."""
    try:
        made = segment_filters([parse_filter(text) for text in filters])
    except QueryError as error:
        raise QuestionError(
            f"--filter: {error.problem}", "see page-tracker segment add --help"
        ) from error
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        site = Sites(registry).put_segments(
            domain, lambda known: with_segment(known, name, made)
        )
    number = site.segments[-1].id
    click.echo(f"{site.id} has the segment {number}, {site.segments[-1].name!r}.")
    click.echo(f"  page-tracker query {site.id} --filter 'segment is {number}'")


@segment.command(name="list")
@click.argument("domain", metavar="SITE")
@setting_option("data")
@json_option
def list_(domain: str, data: str | None, as_json: bool) -> None:
    """List the segments of SITE."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        segments = Sites(registry).get(domain).segments
    if as_json:
        echo_json([msgspec.structs.asdict(each) for each in segments])
    elif not segments:
        click.echo(
            "There is no segment yet: page-tracker segment add SITE NAME --filter …"
        )
    else:
        echo_table(
            ("NUMBER", "SEGMENT", "FILTERS"),
            [
                (str(each.id), each.name, json.dumps(each.filters, ensure_ascii=False))
                for each in segments
            ],
        )


@segment.command()
@click.argument("domain", metavar="SITE")
@click.argument("which", metavar="NUMBER|NAME")
@setting_option("data")
def remove(domain: str, which: str, data: str | None) -> None:
    """Remove the segment of this number, or this name, from SITE."""
    removed: list[str] = []

    def without(known: tuple[Segment, ...]) -> tuple[Segment, ...]:
        try:
            number = segment_of(which, known)
        except QueryError as error:
            raise UnknownGoalError(
                error.problem, f"see page-tracker segment list {domain}"
            ) from error
        removed[:] = [
            f"{each.id}, {each.name!r}" for each in known if each.id == number
        ]
        return without_segment(known, number)

    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        site = Sites(registry).put_segments(domain, without)
    click.echo(f"{site.id} no longer has the segment {removed[0]}.")
