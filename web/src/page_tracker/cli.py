"""The `page-tracker` command: whatever goes wrong in it ends as one line."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from page_tracker.commands.output import one_line, standard_streams
from page_tracker.errors import (
    OutputError,
    PageTrackerError,
    ReaderGoneError,
    StoppedError,
)
from page_tracker.processes.limits import leave_no_core, raise_file_limit

# The modules of `commands`, each with a command of the same name, and how its docstring
# begins: listing them loads none.
COMMANDS = {
    "account": "Let people in: the first account, further ones, their roles.",
    "annotation": "Add, list and remove the annotations under a site's chart.",
    "aside": "List and replay what the writer could not read, and set aside.",
    "delete": "Delete hits of SITE for good, from files and from Redis.",
    "demo": "Create the site demo.example from a real log, to see what a site's page"
    " shows.",
    "doctor": "Check everything that has to be right for hits to be counted and kept.",
    "experiment": "Compare groups of visitors of SITE by who reached GOAL.",
    "fill_reports": "Copy the lake into tables of the ClickHouse that answers"
    " questions.",
    "flags": "List the flags of features that are not for everybody yet.",
    "goal": "Add, list and remove the goals of a site.",
    "import_": "Import page views of SITE from access logs, compressed or not; - is"
    " stdin.",
    "move": "Move the lake to another folder or bucket, the store to another Redis.",
    "query": "Ask about the counts of SITE.",
    "recover": "Rebuild the lake's log from its files, or begin with a new lake or"
    " store.",
    "segment": "Add, list and remove the segments of a site.",
    "serve": "Run the whole server: web, writer and, unless REDIS_URL is set, its own"
    " Redis.",
    "shared_link": "Share a site's page by a link: make, list and revoke such links.",
    "site": "Add, list, show, change and remove sites.",
    "support": "Pack what a maintainer needs to find a fault, into one file to send.",
    # Text that bandit takes for a password, by the name before it.
    "token": "Make, list and revoke tokens for the HTTP interface.",  # nosec B105
    "update": "Get newer data: countries of addresses, bots, and hosts of referrer"
    " spam.",
    "upkeep": "Tidy the lake now: close days, merge files, delete expired hits.",
    "writer": "Move hits from Redis to the lake until stopped.",
}
# Those that only the program itself starts, and that no list shows.
INTERNAL = ("answer_questions", "sent_log")


class Commands(click.Group):
    """Our commands, each loaded when it is needed: `serve` stays small.

    This is the one place where an error becomes a line for a person and an exit code.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [_name_of(module) for module in COMMANDS]

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List all commands, without loading any of them."""
        shown = [
            click.Command(_name_of(module), help=text)
            for module, text in COMMANDS.items()
        ]
        click.Group(commands=shown).format_commands(ctx, formatter)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for module in (*COMMANDS, *INTERNAL):
            if _name_of(module) == cmd_name:
                found = import_module(f"page_tracker.commands.{module}")
                command: click.Command = getattr(found, module)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = [_name_of(module) for module in (*COMMANDS, *INTERNAL)]
        if args[0] not in names and (near := _nearest(args[0], names)):
            raise click.UsageError(
                f"No such command {args[0]!r}. Did you mean {near!r}?", ctx
            )
        return super().resolve_command(ctx, args)

    def main(self, *arguments: Any, **options: Any) -> NoReturn:
        raise_file_limit()
        leave_no_core()
        args = arguments[0] if arguments else options.pop("args", None)
        words = sys.argv[1:] if args is None else list(args)
        with standard_streams():
            try:
                status = self._run(words, {**options, "standalone_mode": False})
            except ReaderGoneError as error:
                status = error.exit_code
            except click.exceptions.NoArgsIsHelpError as error:
                status = _tell(error.format_message(), error.exit_code)
            except Exception as error:  # pylint: disable=broad-exception-caught
                line, status = _told(error)
                status = _tell(f"page-tracker: {one_line(line)}", status)
        sys.exit(status)

    def _run(self, words: list[str], options: Mapping[str, Any]) -> int:
        for word in words:
            try:
                word.encode()
            except UnicodeEncodeError as error:
                raise click.UsageError(f"{word!r} is not valid UTF-8") from error
        status = super().main(words, **options)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0


def _name_of(module: str) -> str:
    """The name of a module's command: a module cannot be called `import`."""
    return module.rstrip("_").replace("_", "-")


def _nearest(word: str, names: Sequence[str]) -> str:
    """The name that was probably meant; empty if none is like the word."""
    # pylint: disable-next=import-outside-toplevel # only a mistake loads it
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, names, n=1)), "")


def _told(error: Exception) -> tuple[str, int]:
    """An error's line and its exit code. Raises the error if it is a bug of ours."""
    if isinstance(error, PageTrackerError):
        return str(error), error.exit_code
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "page-tracker"
        said, _, meant = error.format_message().partition("Did you mean ")
        # What to do may be in parentheses.
        said = said.rstrip(" .(" if meant else ".")
        instead = f"see {path} --help"
        if meant:
            instead = f"did you mean {meant.rstrip('.?)')}? Else {instead}"
        return f"{said[:1].lower()}{said[1:]}; {instead}", error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, click.Abort):
        stopped = StoppedError()
        return str(stopped), stopped.exit_code
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        return (
            f"{what}{error.strerror or error}; check that it is there, may be used by"
            " this user, and has room",
            PageTrackerError.exit_code,
        )
    raise error


def _tell(line: str, status: int) -> int:
    with suppress(OutputError):  # Nobody reads errors either.
        click.echo(line, err=True)
    return status


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="page-tracker")
def main() -> None:
    """Count every view of every page, exactly once.

    `page-tracker serve` is all that it takes: it keeps what it counts in a folder of
    yours and says where to look.
    """
