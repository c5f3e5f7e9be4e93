"""`page-tracker goal`: what visitors should reach."""

from __future__ import annotations

from typing import Any

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import echo_json, echo_table
from page_tracker.settings import Settings
from page_tracker.sites.goal import (
    described,
    goal_as_json,
    new_goal,
    props_of,
    with_goal,
    without_goal,
)
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import registry_of_folder


@click.group()
def goal() -> None:
    """Add, list and remove the goals of a site."""


@goal.command()
@click.argument("domain", metavar="SITE")
@click.option("--event", metavar="NAME", help="Reached by sending this event.")
@click.option(
    "--page",
    metavar="PATH",
    help="Reached by viewing this page; * is anything but a slash, ** is anything.",
)
@click.option("--name", help="What it is called; default: the event or page.")
@click.option(
    "--prop",
    "props",
    multiple=True,
    metavar="KEY=VALUE",
    help="The event must have this property.",
)
@click.option("--currency", help="The currency of its events' revenue, like EUR.")
@setting_option("data")
def add(domain: str, props: tuple[str, ...], data: str | None, **said: Any) -> None:
    """Add a goal to SITE; one of the same name is replaced."""
    wanted = {name: text for name, text in said.items() if text is not None}
    made = new_goal({**wanted, "props": props_of(props)})
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        sites = Sites(registry)
        before = {each.name: each for each in sites.get(domain).goals}
        site = sites.put_goals(domain, lambda goals: with_goal(goals, made))
    click.echo(f"{site.id} has the goal {made.name!r}: {described(made)}.")
    if replaced := before.get(made.name):
        click.echo(f"  It stands in place of: {described(replaced)}.")
    click.echo(
        f"  page-tracker query {site.id} --metrics visitors,conversion_rate --by goal"
    )


@goal.command(name="list")
@click.argument("domain", metavar="SITE")
@setting_option("data")
@json_option
def list_(domain: str, data: str | None, as_json: bool) -> None:
    """List the goals of SITE."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        site = Sites(registry).get(domain)
    if as_json:
        echo_json([goal_as_json(each) for each in site.goals])
    elif not site.goals:
        click.echo(
            f"{site.id} has no goal yet: page-tracker goal add {site.id} --event NAME"
        )
    else:
        rows = [(each.name, described(each)) for each in site.goals]
        echo_table(("GOAL", "REACHED BY"), rows)


@goal.command()
@click.argument("domain", metavar="SITE")
@click.argument("name")
@setting_option("data")
def remove(domain: str, name: str, data: str | None) -> None:
    """Remove the goal NAME from SITE; its events stay."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        sites = Sites(registry)
        before = {each.name: each for each in sites.get(domain).goals}
        site = sites.put_goals(domain, lambda goals: without_goal(goals, name))
    click.echo(f"{site.id} no longer has the goal {name!r}: {described(before[name])}.")
