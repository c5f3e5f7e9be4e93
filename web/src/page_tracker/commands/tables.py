"""How commands print lists: columns for people, JSON for programs."""

import json
import shutil
import sys
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

GAP = "  "
# No column is cut below this many characters.
NARROWEST = 12


def echo_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def echo_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Container[int] = (),
    shorten: Container[int] = (),
    most: int | None = None,
) -> None:
    """Print rows under a header, each column as wide as its widest text.

    The columns whose indexes are `numbers` are right-aligned. If lines are wider than
    `most` characters in a terminal, the columns `shorten` are cut.
    """
    lines = [head, *rows]
    widths = _widths(lines)
    if most is not None:
        widths = fitted(widths, shorten, most)
    for line in lines:
        cells = []
        for column, (text, width) in enumerate(zip(line, widths, strict=True)):
            cell = shortened(text, width)
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if column in numbers else cell + space)
        click.echo(GAP.join(cells).rstrip())


def narrowest(lines: Sequence[Sequence[str]], shorten: Container[int]) -> int:
    """How many characters a table needs if the columns `shorten` are cut to the end."""
    return sum(fitted(_widths(lines), shorten, 0)) + len(GAP) * (len(lines[0]) - 1)


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*lines, strict=True)]


def terminal_width() -> int | None:
    """How many characters a line has; None if the output goes to a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def shortened(text: str, width: int) -> str:
    """A text of at most this many characters, with an ellipsis for what is left out.

    The ellipsis is in the middle: pages differ at their ends.
    """
    if cell_len(text) <= width:
        return text
    head = set_cell_size(text, (width - 1) // 3).rstrip()
    room = width - 1 - cell_len(head)
    tail = text[-room:]
    while cell_len(tail) > room:
        tail = tail[1:]
    return f"{head}…{tail}"


def fitted(widths: Sequence[int], shorten: Container[int], most: int) -> list[int]:
    """Column widths for lines of at most this many characters, if possible.

    The widest of those that may be cut is cut first, but none below `NARROWEST`.
    """
    found = list(widths)
    over = sum(found) + len(GAP) * (len(found) - 1) - most
    wide = [place for place in range(len(found)) if place in shorten]
    while over > 0 and wide:
        widest = max(wide, key=found.__getitem__)
        if found[widest] <= NARROWEST:
            break
        found[widest] -= 1
        over -= 1
    return found


def as_date(seconds: int) -> str:
    """The date of a UTC time, as YYYY-MM-DD."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
