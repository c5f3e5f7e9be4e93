"""How commands print lists: columns for people, JSON for programs."""

import json
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click


def echo_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def echo_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Container[int] = (),
) -> None:
    """Print rows under a head, each column as wide as its widest text.

    The columns whose places are `numbers` are aligned at their right.
    """
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (
            text.rjust(width) if column in numbers else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())


def as_date(seconds: int) -> str:
    """The date of a UTC time, as YYYY-MM-DD."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
