"""`page-tracker annotation`: what happened to a site on a day, beside its figures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json, echo_table
from page_tracker.days import MICROSECONDS, date_of
from page_tracker.settings import Settings
from page_tracker.sites.annotation import with_annotation, without_annotation
from page_tracker.sites.letting_in import COMMAND_LINE
from page_tracker.sites.site import Site, day_of
from page_tracker.store.annotations import AnnotationStore
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import open_annotations, registry_of_folder


@click.group()
def annotation() -> None:
    """Add, list and remove the annotations under a site's chart."""


@annotation.command()
@click.argument("domain", metavar="SITE")
@click.argument("text")
@click.option("--date", "day", metavar="DATE", help="When; usually today.")
@click.option("--time", "moment", metavar="TIME", default="", help="Like 14:30.")
@setting_option("data")
def add(domain: str, text: str, day: str | None, moment: str, data: str | None) -> None:
    """Write TEXT, a line, under SITE's chart, at a day of the site."""
    with _opened(domain, data) as (site, store):
        said = {"date": day or _today(site), "time": moment, "text": text}
        known = store.change(
            site.id, lambda known: with_annotation(known, said, COMMAND_LINE)
        )
    added = max(known, key=lambda each: each.id)
    when = f"{added.date} {added.time}".strip()
    click.echo(f"{site.id} has the annotation {added.id}, of {when}.")


@annotation.command(name="list")
@click.argument("domain", metavar="SITE")
@setting_option("data")
@json_option
def list_(domain: str, data: str | None, as_json: bool) -> None:
    """List the annotations of SITE that are kept."""
    with _opened(domain, data) as (site, store):
        known = store.known(site.id)
    if as_json:
        echo_json([msgspec.structs.asdict(each) for each in known])
    elif not known:
        click.echo("There is none yet: page-tracker annotation add SITE TEXT")
    else:
        echo_table(
            ("NUMBER", "DATE", "TIME", "BY", "ANNOTATION"),
            [
                (str(a.id), a.date, a.time, a.by or "Page Tracker", a.text)
                for a in known
            ],
        )


@annotation.command()
@click.argument("domain", metavar="SITE")
@click.argument("number", type=int)
@setting_option("data")
def remove(domain: str, number: int, data: str | None) -> None:
    """Remove the annotation of this NUMBER from SITE."""
    with _opened(domain, data) as (site, store):
        store.change(site.id, lambda known: without_annotation(known, number))
    click.echo(f"{site.id} no longer has the annotation {number}.")


@contextmanager
def _opened(domain: str, data: str | None) -> Iterator[tuple[Site, AnnotationStore]]:
    settings = Settings.from_environment(data=data)
    with registry_of_folder(settings) as registry:
        site = Sites(registry).get(domain)
        yield site, AnnotationStore(open_annotations(settings, registry.redis))


def _today(site: Site) -> str:
    return str(date_of(day_of(site, int(time.time() * MICROSECONDS))))
