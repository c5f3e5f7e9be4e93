"""A report for spreadsheets: rows of CSV in which nothing is a formula. Pure."""

from __future__ import annotations

from typing import Any, Protocol

from page_tracker.query.answer import before_of
from page_tracker.query.report import Report, Value
from page_tracker.query.typed_filters import short_name

# What spreadsheets begin a formula with, or skip before one.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Writer(Protocol):
    """What `csv.writer` makes."""

    def writerow(self, row: list[str], /) -> Any: ...


def write_rows(report: Report, writer: Writer) -> None:
    """Write a head and the rows; where days are compared, the figures before too."""
    asked = report.query
    head = [*map(short_name, asked.dimensions), *asked.metrics]
    if asked.comparison:
        head += [f"{name}_before" for name in asked.metrics]
    writer.writerow([cell(name) for name in head])
    for row in report.rows:
        before = before_of(report, row) if asked.comparison else ()
        numbers = map(exact, [*row.metrics, *before])
        writer.writerow([*map(cell, row.dimensions), *numbers])


def exact(value: Value) -> str:
    """A metric's value for programs."""
    return "" if value is None else str(value)


def cell(text: str) -> str:
    """A text for a spreadsheet: one that looks like a formula gets a quote in front.

    See OWASP's page on CSV injection.
    """
    return f"'{text}" if text.startswith(FORMULAS) else text
