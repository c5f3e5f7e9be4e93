"""The `page-tracker` command."""

import sys
from importlib import import_module
from io import TextIOWrapper

import click

from page_tracker.errors import PageTrackerError
from page_tracker.process import leave_no_core, raise_file_limit

# The modules of `commands`, each with a command of its name.
COMMANDS = (
    *("aside", "delete", "doctor", "goal", "import_", "query", "recover", "segment"),
    *("serve", "site", "token", "update", "upkeep", "writer"),
)


class Commands(click.Group):
    """Our commands, each loaded when it is asked for: `serve` stays small.

    Their errors are one line for a person, never a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [module.rstrip("_") for module in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module in COMMANDS:
            if module.rstrip("_") == cmd_name:
                found = import_module(f"page_tracker.commands.{module}")
                command: click.Command = getattr(found, module)
                return command
        return None

    def invoke(self, ctx: click.Context) -> object:
        raise_file_limit()
        leave_no_core()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # Not every locale's encoding has all signs that names and bars need.
                stream.reconfigure(encoding="utf-8", errors="replace")
        try:
            return super().invoke(ctx)
        except PageTrackerError as error:
            click.echo(f"page-tracker: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="page-tracker")
def main() -> None:
    """Count every view of every page, exactly once.

    `page-tracker serve` is all that it takes: it keeps what it counts in a folder of
    yours and says where to look.
    """
