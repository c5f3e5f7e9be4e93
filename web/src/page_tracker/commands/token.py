"""`page-tracker token`: who may read, send and administer over HTTP."""

import click

from page_tracker.commands.options import json_option, setting_option
from page_tracker.commands.tables import as_date, echo_json, echo_table
from page_tracker.errors import AccessError, OutputError
from page_tracker.settings import Settings
from page_tracker.sites.token import Scope, Token
from page_tracker.store.tokens import Tokens, token_as_json
from page_tracker.wiring.store import registry_of_folder


@click.group()
def token() -> None:
    """Make, list and revoke tokens for the HTTP interface."""


@token.command()
@click.option("--site", "sites", multiple=True, metavar="DOMAIN", help="For this site.")
@click.option("--all-sites", is_flag=True, help="For all sites, including later ones.")
@click.option(
    "--scope",
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="stats: read reports; events: send hits for visitors, as servers do;"
    " admin: both, and change settings and tokens.",
)
@click.option("--name", default="", help="What it is for, shown in the list.")
@click.option("--days", type=int, help="How long it is valid; default: until removed.")
@setting_option("data")
def add(  # pylint: disable=too-many-arguments,too-many-positional-arguments # options
    sites: tuple[str, ...],
    all_sites: bool,
    scope: str,
    name: str,
    days: int | None,
    data: str | None,
) -> None:
    """Create a token. Standard output has the token alone, this once."""
    if bool(sites) == all_sites:
        raise AccessError(
            "a token is for some sites or for all",
            "write --site DOMAIN (once or more) or --all-sites",
        )
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        tokens = Tokens(registry)
        made, text = tokens.add(scope, None if all_sites else sites, name, days)
        try:
            click.echo(
                f"Token {made.id} for {scope} of {_sites(made)}. It is shown this once"
                " and kept as a hash only:",
                err=True,
            )
            click.echo(text)
        except OutputError:  # Nobody has seen it, so nobody can use it.
            tokens.remove(made.id)
            raise
    click.echo(
        "Send it as a header: Authorization: Bearer TOKEN"
        f"\nTake it back:        page-tracker token remove {made.id}",
        err=True,
    )


@token.command(name="list")
@setting_option("data")
@json_option
def list_(data: str | None, as_json: bool) -> None:
    """List all tokens; the tokens themselves are not kept."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        tokens = Tokens(registry).all()
    if as_json:
        echo_json([token_as_json(each) for each in tokens])
    elif not tokens:
        click.echo(
            "There is no token yet: page-tracker token add --site DOMAIN --scope stats"
        )
    else:
        echo_table(
            ("ID", "SCOPE", "SITES", "MADE", "EXPIRES", "NAME"),
            [
                (
                    *(each.id, each.scope.value, _sites(each), as_date(each.created)),
                    "never" if each.expires is None else as_date(each.expires),
                    each.name,
                )
                for each in tokens
            ],
            shorten=(2, 5),
        )


@token.command()
@click.argument("token_id", metavar="ID")
@setting_option("data")
def remove(token_id: str, data: str | None) -> None:
    """Revoke the token ID; it is refused within a second."""
    with registry_of_folder(Settings.from_environment(data=data)) as registry:
        removed = Tokens(registry).remove(token_id)
    click.echo(f"Removed token {removed.id} ({removed.scope} of {_sites(removed)}).")


def _sites(of: Token) -> str:
    return "all sites" if of.sites is None else ", ".join(of.sites)
