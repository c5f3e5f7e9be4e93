"""The `page-tracker` command."""

import sys

import click

from page_tracker.commands.delete import delete
from page_tracker.commands.doctor import doctor
from page_tracker.commands.goal import goal
from page_tracker.commands.import_ import import_
from page_tracker.commands.query import query
from page_tracker.commands.serve import serve
from page_tracker.commands.site import site
from page_tracker.commands.token import token
from page_tracker.commands.update import update
from page_tracker.commands.upkeep import upkeep
from page_tracker.commands.writer import writer
from page_tracker.errors import PageTrackerError


class ErrorTellingGroup(click.Group):
    """A group of commands whose errors are one line for a person, never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PageTrackerError as error:
            click.echo(f"page-tracker: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(
    cls=ErrorTellingGroup, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="page-tracker")
def main() -> None:
    """Count every view of every page, exactly once.

    `page-tracker serve` is all that it takes: it keeps what it counts in a folder of
    yours and says where to look.
    """


main.add_command(delete)
main.add_command(serve)
main.add_command(doctor)
main.add_command(import_)
main.add_command(update)
main.add_command(site)
main.add_command(goal)
main.add_command(query)
main.add_command(token)
main.add_command(upkeep)
main.add_command(writer)
