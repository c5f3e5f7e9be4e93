"""Asks before anything is destroyed."""

import click

from page_tracker.errors import NotConfirmedError

yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def confirm(question: str) -> None:
    """Return once a person has answered yes. Raises NotConfirmedError."""
    try:
        is_agreed = click.confirm(question, err=True)
    except click.Abort as error:  # Ctrl-C, or nobody is there
        click.echo(err=True)
        raise NotConfirmedError(
            "nobody said yes, so nothing was changed", "answer y, or say --yes before"
        ) from error
    if not is_agreed:
        raise NotConfirmedError("nothing was changed", "answer y to have it done")
