"""`page-tracker account`: people who sign in to the pages, and what they may do."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec

from page_tracker.commands.confirmation import confirm, yes_option
from page_tracker.commands.options import Command, json_option, setting_option
from page_tracker.commands.server_url import reached_at
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.errors import AccountError, LinkError
from page_tracker.people.account import (
    Account,
    roles_in_words,
    signs_in_by,
    with_role,
    with_second_factor,
)
from page_tracker.people.one_time import LIFETIMES, Link, Purpose
from page_tracker.people.roles import Role
from page_tracker.settings import Settings
from page_tracker.store.accounts import Accounts, account_as_json, found_named
from page_tracker.store.links import Links
from page_tracker.store.registry import Registry
from page_tracker.store.sessions import Sessions
from page_tracker.store.sites import Sites
from page_tracker.wiring.store import (
    open_people,
    registry_of_folder,
)

NOBODY = "There is no account yet: page-tracker account link"
NO_ROLE = "none"


class Kept(msgspec.Struct, frozen=True):
    """What a command of ours changes."""

    accounts: Accounts
    links: Links
    sessions: Sessions
    sites: Sites


@click.group()
def account() -> None:
    """Let people in: the first account, further ones, their roles."""


def reach_options(command: Command) -> Command:
    """`--site DOMAIN` and `--all-sites`: the sites of a role."""
    for option in (
        click.option(
            "--all-sites", is_flag=True, help="For all sites, including later ones."
        ),
        click.option(
            "--site", "sites", multiple=True, metavar="DOMAIN", help="For this site."
        ),
    ):
        command = option(command)
    return command


@account.command()
@setting_option("data")
@setting_option("url")
def link(**options: str | None) -> None:
    """Print a one-time link to create the first account, an owner of all sites."""
    settings = Settings.from_environment(**options)
    with (
        registry_of_folder(settings) as registry,
        _kept(settings, registry) as kept,
    ):
        if kept.accounts.all():
            raise LinkError(
                "there is an account already",
                "page-tracker account add NAME makes further ones, and page-tracker"
                " account reset NAME lets one in again",
            )
        _echo_link(
            kept, settings, Link(purpose=Purpose.FIRST), "makes the first account"
        )


@account.command()
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="viewer: read; editor: also manage goals and what counts; owner: everything.",
)
@reach_options
@setting_option("data")
@setting_option("url")
def add(  # pylint: disable=too-many-arguments,too-many-positional-arguments # options
    name: str,
    role: str,
    sites: tuple[str, ...],
    all_sites: bool,
    **options: str | None,
) -> None:
    """Create the account NAME, and print a one-time link to choose its password."""
    _require_reach(sites, all_sites)
    settings = Settings.from_environment(**options)
    with (
        registry_of_folder(settings) as registry,
        _kept(settings, registry) as kept,
    ):
        reach = _site_ids(kept, sites, all_sites)
        made = kept.accounts.add(name, lambda new: with_role(new, Role(role), reach))
        click.echo(f"Added {made.name}, {roles_in_words(made)}.", err=True)
        _echo_link(kept, settings, _password_link(made), "lets them choose a password")


@account.command(name="list")
@setting_option("data")
@json_option
def list_(data: str | None, as_json: bool) -> None:
    """List all accounts."""
    settings = Settings.from_environment(data=data)
    with registry_of_folder(settings) as registry, _kept(settings, registry) as kept:
        accounts = kept.accounts.all()
    if as_json:
        echo_json([account_as_json(each) for each in accounts])
    elif not accounts:
        click.echo(NOBODY)
    else:
        echo_table(
            ("NAME", "ROLES", "SIGNS IN BY", "MADE"),
            [
                (
                    each.name,
                    roles_in_words(each),
                    signs_in_by(each),
                    as_date(each.created),
                )
                for each in accounts
            ],
            shorten=(0, 1),
        )


@account.command()
@click.argument("name")
@click.argument("role", type=click.Choice([*[role.value for role in Role], NO_ROLE]))
@reach_options
@setting_option("data")
def role(
    name: str, role: str, sites: tuple[str, ...], all_sites: bool, data: str | None
) -> None:
    """Give the account NAME a ROLE for sites; `none` takes it away."""
    _require_reach(sites, all_sites)
    settings = Settings.from_environment(data=data)
    given = None if role == NO_ROLE else Role(role)
    with registry_of_folder(settings) as registry, _kept(settings, registry) as kept:
        found = found_named(kept.accounts.all(), name)
        reach = _site_ids(kept, sites, all_sites)
        changed = kept.accounts.change(
            found.id, lambda before: with_role(before, given, reach)
        )
    click.echo(f"{changed.name}: {roles_in_words(found)} → {roles_in_words(changed)}")


@account.command()
@click.argument("name")
@yes_option
@setting_option("data")
def remove(name: str, yes: bool, data: str | None) -> None:
    """Remove the account NAME; its sessions end at once."""
    settings = Settings.from_environment(data=data)
    with registry_of_folder(settings) as registry, _kept(settings, registry) as kept:
        found = found_named(kept.accounts.all(), name)
        if not yes:
            confirm(f"Remove {found.name}, {roles_in_words(found)}?")
        kept.accounts.remove(found.id)
        kept.sessions.end_all(found.id)
    click.echo(f"Removed {found.name}.")


@account.command()
@click.argument("name")
@click.option(
    "--second-factor", is_flag=True, help="Also turn the second factor off, if lost."
)
@setting_option("data")
@setting_option("url")
def reset(name: str, second_factor: bool, **options: str | None) -> None:
    """Print a one-time link to choose a new password for the account NAME."""
    settings = Settings.from_environment(**options)
    with registry_of_folder(settings) as registry, _kept(settings, registry) as kept:
        found = found_named(kept.accounts.all(), name)
        if second_factor:
            kept.accounts.change(
                found.id, lambda each: with_second_factor(each, "", ())
            )
            kept.sessions.end_all(found.id)
            click.echo(f"{found.name} signs in without a second factor.", err=True)
        _echo_link(kept, settings, _password_link(found), "sets a new password")


@contextmanager
def _kept(settings: Settings, registry: Registry) -> Iterator[Kept]:
    accounts = Accounts(open_people(settings, registry.redis))
    yield Kept(
        accounts, Links(registry.redis), Sessions(registry.redis), Sites(registry)
    )


def _require_reach(sites: tuple[str, ...], all_sites: bool) -> None:
    if bool(sites) == all_sites:
        raise AccountError(
            "a role is for some sites or for all",
            "write --site DOMAIN (once or more) or --all-sites",
        )


def _site_ids(
    kept: Kept, domains: tuple[str, ...], all_sites: bool
) -> tuple[str, ...] | None:
    """The ids of the sites, None for all. Raises UnknownSiteError."""
    if all_sites:
        return None
    return tuple(kept.sites.get(domain).id for domain in domains)


def _password_link(of: Account) -> Link:
    return Link(purpose=Purpose.PASSWORD, account=of.id)


def _echo_link(kept: Kept, settings: Settings, made: Link, does: str) -> None:
    """Print a link; standard output has nothing else."""
    hours = LIFETIMES[made.purpose] // 3600
    click.echo(f"This link {does}. It works once, for {hours} hours:", err=True)
    click.echo(f"{reached_at(settings)}/welcome/{kept.links.make(made)}")
