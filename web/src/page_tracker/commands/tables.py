"""How commands print lists: columns for people, JSON for programs."""

import json
import shutil
import sys
from collections.abc import Container, Iterable, Iterator, Sequence
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
) -> None:
    """Print rows under a header, as `table_lines` does, for the terminal."""
    for line in table_lines([head, *rows], numbers, shorten, terminal_width()):
        click.echo(line)


def table_lines(
    rows: Sequence[Sequence[str]],
    numbers: Container[int],
    shorten: Container[int],
    most: int | None,
) -> Iterator[str]:
    """The lines of a table, each column as wide as its widest text.

    The columns whose indexes are `numbers` are right-aligned. If lines are wider than
    `most` characters, the columns `shorten` are cut; where that is not enough, further
    columns follow below, beside the first ones again.
    """
    widths = _widths(rows)
    if most is not None:
        widths = fitted(widths, shorten, most)
    parts = [list(range(len(widths)))]
    if most is not None and _length(widths) > most:
        first = _first_columns(shorten, len(widths))
        widths = [
            *fitted(_widths(rows)[:first], shorten, most // 2),
            *widths[first:],
        ]
        parts = _parts(widths, first, most)
    for place, part in enumerate(parts):
        if place:
            yield ""
        for row in rows:
            yield GAP.join(
                _cell(row[at], widths[at], at in numbers) for at in part
            ).rstrip()


def _first_columns(shorten: Container[int], columns: int) -> int:
    """How many columns say what a row is about: the first, and names beside it."""
    return next((at for at in range(1, columns) if at not in shorten), 1)


def _parts(widths: Sequence[int], first: int, most: int) -> list[list[int]]:
    """The columns that stand beside each other, each time with the first ones."""
    parts = [list(range(first))]
    for column in range(first, len(widths)):
        wider = [widths[at] for at in (*parts[-1], column)]
        if _length(wider) > most and len(parts[-1]) > first:
            parts.append(list(range(first)))
        parts[-1].append(column)
    return parts


def _cell(text: str, width: int, is_number: bool) -> str:
    cell = shortened(text, width)
    space = " " * (width - cell_len(cell))
    return space + cell if is_number else cell + space


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def narrowest(lines: Sequence[Sequence[str]], shorten: Container[int]) -> int:
    """How many characters a table needs if the columns `shorten` are cut to the end."""
    return _length(fitted(_widths(lines), shorten, 0))


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
    over = _length(found) - most
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
