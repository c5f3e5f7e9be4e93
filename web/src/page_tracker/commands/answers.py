"""How answers look in a terminal: tables with bars, lines over time, explanations."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

import click

from page_tracker.commands.charts import BAR_WIDTH, SPARK_WIDTH, bar_of, sparkline
from page_tracker.commands.tables import (
    GAP,
    echo_table,
    narrowest,
    terminal_width,
)
from page_tracker.plural import counted
from page_tracker.query.answer import (
    POINTS,
    before_of,
    change,
    metric_warnings,
    range_as_json,
)
from page_tracker.query.buckets import labels, max_labels
from page_tracker.query.catalog import METRICS, TIME_BUCKETS
from page_tracker.query.live_figures import LiveFigures
from page_tracker.query.parse import MAX_LABELS
from page_tracker.query.plan import Days, days_between
from page_tracker.query.query import Query, Range, currency
from page_tracker.query.report import Report, Row, Value
from page_tracker.query.typed_filters import short_name

SECONDS = frozenset({"visit_duration", "time_on_page"})
# The columns beside a metric when days are compared.
BEFORE = ("BEFORE", "CHANGE")


def echo_report(report: Report, days: Callable[[], Days | None]) -> None:
    """Print an answer as a table for people; `days` are those with hits."""
    query = report.query
    click.echo(f"{query.site}, {_range(query.range)}")
    if query.comparison is not None:
        click.echo(f"compared with {_range(query.comparison.range)}")
    for name, warning in metric_warnings(query).items():
        click.echo(f"{name}: {warning['warning']}")
    if report.rows and not query.dimensions:
        _echo_totals(report, report.rows[0])
    elif report.rows:
        _echo_line(report)
        _echo_rows(report)
        shown_rows = query.offset + len(report.rows)
        if report.total_rows > shown_rows:
            more = report.total_rows - shown_rows
            click.echo(
                f"… {more:,} more; --limit shows {'it' if more == 1 else 'them'}"
            )
    elif query.offset:
        click.echo(f"No rows beyond the first {query.offset:,}.")
    if not query.offset and not any(any(row.metrics) for row in report.rows):
        click.echo(_why_none(report, days()))


def _why_none(report: Report, days: Days | None) -> str:
    """Why an answer has no hits, as far as the days with hits show."""
    asked = report.query.range
    if days is None:
        return f"No hits: nothing of {report.query.site} was counted yet."
    there = f"{report.query.site} has hits {_from_to(days)}"
    if days.last < asked.first or asked.last < days.first:
        return f"No hits in that time: {there}; --period all asks for all of them."
    if report.query.filter.parts:
        return f"No hits that fit the filters: {there} in all."
    return f"No hits here: {there}."


def _from_to(days: Days) -> str:
    if days.first == days.last:
        return f"of {days.first}"
    return f"from {days.first} to {days.last}"


def _echo_rows(report: Report) -> None:
    query = report.query
    head = [short_name(name).upper() for name in query.dimensions]
    for name in query.metrics:
        head += [name.upper(), *(BEFORE if query.comparison else ())]
    lines = [
        head,
        *([*_labels(query, row), *_cells(report, row)] for row in report.rows),
    ]
    # A shortened time is useless.
    names = [
        place for place, name in enumerate(query.dimensions) if name not in TIME_BUCKETS
    ]
    values = [row.metrics[0] or 0 for row in report.rows]
    _echo_with_bars(lines, values, len(query.dimensions), names)


def _labels(query: Query, row: Row) -> list[str]:
    """A row's dimensions, as a table shows them: a month has no day."""
    return [
        text[:7] if name == "time:month" else text
        for name, text in zip(query.dimensions, row.dimensions, strict=True)
    ]


def _echo_with_bars(
    lines: Sequence[Sequence[str]],
    values: Sequence[float],
    place: int,
    shorten: Container[int],
) -> None:
    """Print a header and rows, with a bar for each row's value if there is room.

    The values are in the column at index `place`; it and all after it have numbers.
    """
    width, numbers = terminal_width(), set(range(place, len(lines[0])))
    if width is None or narrowest(lines, shorten) + len(GAP) + BAR_WIDTH <= width:
        bars = ["", *(bar_of(value, max(values)) for value in values)]
        at = place + 1
        lines = [
            [*line[:at], drawn, *line[at:]]
            for line, drawn in zip(lines, bars, strict=True)
        ]
        numbers = {each + (each >= at) for each in numbers}
    echo_table(lines[0], lines[1:], numbers, shorten)


def _echo_totals(report: Report, row: Row) -> None:
    cells = _cells(report, row)
    head = ["METRIC", "VALUE", *(BEFORE if report.query.comparison else ())]
    width = len(head) - 1
    lines = [
        [name, *cells[index * width : (index + 1) * width]]
        for index, name in enumerate(report.query.metrics)
    ]
    echo_table(head, lines, numbers=range(1, width + 1))


def _echo_line(report: Report) -> None:
    """Print the first metric over time, if time is the only dimension."""
    query = report.query
    if len(query.dimensions) != 1 or query.dimensions[0] not in TIME_BUCKETS:
        return
    # A line of all minutes of some years shows nothing, and takes long.
    if max_labels(query.range, query.dimensions[0]) > MAX_LABELS:
        return
    known = {row.dimensions[0]: row.metrics[0] or 0 for row in report.rows}
    names = labels(query.range, query.dimensions[0])
    values = [known.get(name, 0) for name in names]
    click.echo(_line(query.metrics[0], values, f"most {max(values):,}"))


def _line(title: str, values: Sequence[float], note: str) -> str:
    """A line over time between two texts, no wider than the terminal."""
    width, room = terminal_width(), SPARK_WIDTH
    if width is not None:
        room = min(room, width - len(title) - len(note) - 2 * len(GAP))
    return GAP.join((title, sparkline(values, max(1, room)), note))


def _cells(report: Report, row: Row) -> list[str]:
    unit = currency(report.query, row.dimensions)
    found = []
    for index, name in enumerate(report.query.metrics):
        now = row.metrics[index]
        found.append(shown(name, now, unit))
        if report.query.comparison:
            before = before_of(report, row)[index]
            found.append(shown(name, before, unit))
            found.append(_changed(name, change(name, now, before)))
    return found


def shown(metric: str, value: Value, unit: str = "") -> str:
    """A metric's value for people."""
    if value is None:
        return "-"
    if METRICS[metric].type == "money":
        return f"{value:,.2f} {unit}".rstrip()
    if metric in SECONDS:
        minutes, seconds = divmod(int(value), 60)
        return f"{minutes}m {seconds:02d}s" if minutes else f"{seconds}s"
    if metric in POINTS:
        return f"{value:,}%"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def _changed(metric: str, by: Value) -> str:
    if by is None:
        return "-"
    return f"{by:+,} pt" if metric in POINTS else f"{by:+,}%"


def _range(asked: Range) -> str:
    if asked.start is None:
        first, last = str(asked.first), str(asked.last)
    else:
        first, last = range_as_json(asked)
    return first if first == last else f"{first} to {last}"


# The parts whose time is shown, in the order of the work.
STEPS = {
    "share": "to read what questions share",
    "slices": "to read the hits slice by slice",
    "compile": "to write the SQL",
    "run": "to run it",
    "compare": "for the days compared with",
    "count": "to count the rows",
}


def echo_explanation(report: Report) -> None:
    """Print how a question is answered, and how long each part took."""
    for days, source in (
        (report.plan.tables, "the days' tables, where it is added up"),
        (report.plan.visits, "their visits, of which each is one row"),
        (report.plan.hits, "the hits themselves"),
    ):
        if days:
            number = sum(len(days_between(run)) for run in days)
            click.echo(f"{counted(number, 'day')} from {source}: {_runs(days)}")
    for name, files in report.files.items():
        kind = {"days": "days' tables"}.get(name, name)
        click.echo(f"{counted(len(files), 'file')} of {kind} read{':' * bool(files)}")
        for path in files:
            click.echo(f"  {path}")
    total = 1000 * sum(report.seconds.values())
    parts = [
        f"{1000 * report.seconds[name]:.1f} ms {said}"
        for name, said in STEPS.items()
        if name in report.seconds
    ]
    click.echo(f"{total:.1f} ms in all: {', '.join(parts)}")
    click.echo(f"{counted(report.total_rows, 'row')} in the answer\n")
    click.echo(f"The SQL that was run:\n\n{report.asked.sql}\n\nwith the values:\n")
    for name, value in report.asked.values.items():
        click.echo(f"  ${name} = {value}")


def _runs(days: Sequence[Days]) -> str:
    return ", ".join(
        f"{run.first}" if run.first == run.last else f"{run.first} to {run.last}"
        for run in days
    )


def echo_realtime(site: str, found: LiveFigures) -> None:
    """Print who is on a site now, its last 30 minutes, and what did not count today."""
    current = found.current
    views = [minute.views for minute in found.minutes]
    click.echo(f"{site}, now: {counted(current.visitors, 'visitor')}")
    click.echo(_line("last 30 minutes", views, counted(sum(views), "page view")))
    if found.ai_assistants:
        click.echo(
            f"fetched today by AI assistants that people asked: {found.ai_assistants:,}"
        )
    dropped = {
        f"{each.reason} {each.name}".strip(): each.number for each in found.dropped
    }
    for title, number_of, counts in (
        ("PAGE", "VISITORS", current.pages),
        ("SOURCE", "VISITORS", current.sources),
        ("NOT COUNTED TODAY", "HITS", dropped),
    ):
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
        if ordered:
            rows = [(name, f"{number:,}") for name, number in ordered]
            values = [number for _, number in ordered]
            _echo_with_bars([(title, number_of), *rows], values, 1, [0])
    if found.folded:
        click.echo(
            f"\n{counted(found.folded, 'hit')} of today by visitors beyond the bound,"
            " who count as one: see PAGE_TRACKER_VISITORS_OF_ADDRESS"
        )
