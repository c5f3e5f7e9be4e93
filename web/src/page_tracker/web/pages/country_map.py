"""The map of countries: each that visitors came from is shaded, and is a filter.

Its shapes are in `static/world.svg`, by country code (made by scripts/make-map).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec

from page_tracker.plural import counted
from page_tracker.query.report import Report
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.rows import lines_of

SHAPES = Path(__file__).parents[1] / "static" / "world.svg"
# The share of visitors, in percent, from which on a country has the next darker shade.
STEPS = (1, 3, 10, 30)
SHADES = ("under 1%", "1% and more", "3% and more", "10% and more", "30% and more")


class Country(msgspec.Struct, frozen=True):
    """A country on the map: its shade is 1 to 5, `text` is its description.

    `href` leads to the page with this filter, or without it if it is on.
    """

    code: str
    shade: int
    text: str
    href: str


class World(msgspec.Struct, frozen=True):
    """The map; `elsewhere` has the names of rows for which it has no shape."""

    countries: list[Country]
    elsewhere: list[str]


@cache
def drawn() -> frozenset[str]:
    """The codes of the countries for which the map has a shape."""
    return frozenset(re.findall('id="([A-Z]{2})"', SHAPES.read_text("utf-8")))


def shade(percent: float) -> int:
    """
    >>> [shade(percent) for percent in (0.2, 1, 9.9, 10, 100)]
    [1, 2, 3, 4, 5]
    """
    return 1 + sum(percent >= step for step in STEPS)


def world(asked: Asked, report: Report) -> World:
    """The map of a report by country."""
    lines = lines_of(asked.view, report, asked.site.id, is_compared=False)
    column = report.query.metrics.index("percentage")
    countries, elsewhere = [], []
    for row, line in zip(report.rows, lines, strict=True):
        (code,) = row.dimensions
        if code not in drawn():
            elsewhere.append(line.name)
            continue
        visitors = counted(int(row.metrics[0] or 0), "visitor")
        countries.append(
            Country(
                code=code,
                shade=shade(row.metrics[column] or 0),
                text=f"{line.name}: {visitors}, {line.cells[column].value}",
                href=line.with_,
            )
        )
    return World(countries, elsewhere)
