"""The page of all commands, made from the help that click prints for each of them."""

from collections.abc import Iterator
from inspect import cleandoc
from textwrap import fill

import click

from page_tracker.cli import main
from support.documentation import DOCS

FILE = DOCS / "reference" / "commands.md"
INTRODUCTION = """\
# Commands

Each command does one thing and ends, except `page-tracker serve`, `page-tracker
writer`, `page-tracker upkeep --until-stopped` and `page-tracker import --follow`, which
run until they are stopped. The exit status is 0 where all went well; 1 where something
was wrong, which one line on standard error names together with what to do; 2 where the
command line or a setting is invalid; 130 after Ctrl-C.

`--help` after any command prints what this page says of it: `scripts/document-commands`
makes the page from the commands.
"""
WIDTH = 88

Found = tuple[click.Command, click.Context]


def rendered() -> str:
    """Return the whole page, as it has to be."""
    found = list(every_command())
    index = ["| command | |", "|---|---|", *map(_line, found)]
    sections = (part for each in found for part in _section(*each))
    return "\n".join([INTRODUCTION, *index, "", *sections])


def every_command() -> Iterator[Found]:
    """Every command of `page-tracker`."""
    return _commands(main, click.Context(main, info_name="page-tracker"))


def _commands(group: click.Group, context: click.Context) -> Iterator[Found]:
    """Every command of the tree, in its order; groups are not among them."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, context, info_name=name)
        if isinstance(command, click.Group):
            yield from _commands(command, inner)
        else:
            yield command, inner


def _line(found: Found) -> str:
    command, context = found
    path = context.command_path
    says = _escaped(command.get_short_help_str(limit=WIDTH))
    return f"| [`{path}`](#{path.replace(' ', '-')}) | {says} |"


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## {context.command_path}\n"
    yield f"    {context.command_path} {usage}\n"
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield _paragraph(paragraph) + "\n"
    yield "\n".join(["| option | |", "|---|---|", *_options(command, context)]) + "\n"


def _paragraph(text: str) -> str:
    if text.startswith("\b\n"):  # click's mark of lines to be left as they are
        return "\n".join(f"    {line.strip()}" for line in text.splitlines()[1:])
    return fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for option in command.params:
        record = option.get_help_record(context)
        if isinstance(option, click.Option) and record:
            names, says = record[0].replace("|", r"\|"), _escaped(record[1])
            yield f"| `{names}` | {says} |"


def _escaped(text: str) -> str:
    """Text as a cell of a table has it."""
    return " ".join(text.split()).replace("|", r"\|").replace("*", r"\*")


if __name__ == "__main__":
    FILE.write_text(rendered(), "utf-8")
