"""`page-tracker update`: get newer lookup data."""

import click

from page_tracker.commands.options import setting_option
from page_tracker.errors import UpdateError
from page_tracker.lookups.update import DATASETS
from page_tracker.lookups.update import update as update_kind
from page_tracker.settings import Settings


@click.command()
@click.option(
    "--only",
    type=click.Choice(list(DATASETS)),
    multiple=True,
    help="Update only this; may be given more than once.",
)
@setting_option("data")
@setting_option("country_from")
@setting_option("bots_from")
@setting_option("spam_from")
def update(only: tuple[str, ...], **options: str | None) -> None:
    """Get newer data: countries of addresses, bots, and hosts of referrer spam.

    Each comes from a file, an http(s) address, or an npm package (npm:NAME), packed or
    not, and is tried before it replaces what is there. Servers take it within seconds.
    """
    settings = Settings.from_environment(**options)
    origins = {
        "country": settings.country_from,
        "bots": settings.bots_from,
        "spam": settings.spam_from,
    }
    failures = []
    for name in only or DATASETS:
        origin = origins[name]
        if origin is None:
            click.echo(f"{name}: left as it is; --{name}-from says where to get it")
            continue
        try:
            changed = update_kind(DATASETS[name], origin, settings.data / "lookups")
        except UpdateError as error:
            failures.append(error)
        else:
            click.echo(f"{name}: {'updated' if changed else 'up to date'}")
    if failures:
        raise UpdateError(
            "; ".join(each.problem for each in failures), failures[0].remedy
        )
