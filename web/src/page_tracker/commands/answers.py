"""How answers look in a terminal: tables with bars, lines over time, explanations."""

from __future__ import annotations

from collections.abc import Container, Sequence

import click

from page_tracker.commands.charts import BAR_WIDTH, SPARK_WIDTH, bar_of, sparkline
from page_tracker.commands.tables import GAP, echo_table, narrowest, terminal_width
from page_tracker.query import dates
from page_tracker.query.answer import (
    POINTS,
    before_of,
    change,
    metric_warnings,
    range_as_json,
)
from page_tracker.query.catalog import METRICS, TIME_BUCKETS
from page_tracker.query.parse import MOST_LABELS
from page_tracker.query.plan import Days
from page_tracker.query.query import currency
from page_tracker.query.report import Report, Row, Value
from page_tracker.query.words import short_name
from page_tracker.realtime import Realtime

SECONDS = frozenset({"visit_duration", "time_on_page"})


def echo_report(report: Report) -> None:
    """Print an answer as a table for people."""
    query = report.query
    click.echo(f"{query.site}, {_range(range_as_json(query.range))}")
    if query.comparison is not None:
        before = _range(range_as_json(query.comparison.range))
        click.echo(f"compared with {before}")
    for name, warning in metric_warnings(query).items():
        click.echo(f"{name}: {warning['message']}")
    if not report.rows:
        beyond = f"No rows beyond the first {query.offset:,}."
        click.echo(beyond if query.offset else "No hits.")
        return
    if not query.dimensions:
        _echo_totals(report, report.rows[0])
        return
    _echo_line(report)
    _echo_rows(report)
    shown = query.offset + len(report.rows)
    if report.total_rows > shown:
        click.echo(f"… {report.total_rows - shown:,} more; --limit shows them")


def _echo_rows(report: Report) -> None:
    query = report.query
    head = [short_name(name).upper() for name in query.dimensions]
    for name in query.metrics:
        head += [name.upper(), "CHANGE"] if query.comparison else [name.upper()]
    lines = [head, *([*row.dimensions, *_cells(report, row)] for row in report.rows)]
    # A time that is cut tells nothing.
    names = [
        place for place, name in enumerate(query.dimensions) if name not in TIME_BUCKETS
    ]
    numbers = range(len(query.dimensions), len(head))
    _echo_with_bars(lines, [row.metrics[0] or 0 for row in report.rows], numbers, names)


def _echo_with_bars(
    lines: Sequence[Sequence[str]],
    values: Sequence[float],
    numbers: Container[int],
    shorten: Container[int],
) -> None:
    """Print a head and rows, with a bar for each row's value where there is room."""
    width = terminal_width()
    if width is None or narrowest(lines, shorten) + len(GAP) + BAR_WIDTH <= width:
        bars = ["", *(bar_of(value, max(values)) for value in values)]
        lines = [[*line, drawn] for line, drawn in zip(lines, bars, strict=True)]
    echo_table(lines[0], lines[1:], numbers, shorten, width)


def _echo_totals(report: Report, row: Row) -> None:
    cells = _cells(report, row)
    width = 2 if report.query.comparison else 1
    names = report.query.metrics
    lines = [
        [name, *cells[index * width : (index + 1) * width]]
        for index, name in enumerate(names)
    ]
    head = ["METRIC", "VALUE", "CHANGE"][: width + 1]
    echo_table(head, lines, numbers=range(1, width + 1))


def _echo_line(report: Report) -> None:
    """Print the first metric over time, where time is all that is asked by."""
    query = report.query
    if len(query.dimensions) != 1 or query.dimensions[0] not in TIME_BUCKETS:
        return
    # A line of all minutes of some years says nothing, and takes its time.
    if dates.most_labels(query.range, query.dimensions[0]) > MOST_LABELS:
        return
    known = {row.dimensions[0]: row.metrics[0] or 0 for row in report.rows}
    labels = dates.labels(query.range, query.dimensions[0])
    values = [known.get(label, 0) for label in labels]
    click.echo(_line(query.metrics[0], values, f"most {max(values):,}"))


def _line(title: str, values: Sequence[float], note: str) -> str:
    """A line over time between two texts, no longer than the terminal's."""
    width, room = terminal_width(), SPARK_WIDTH
    if width is not None:
        room = min(room, width - len(title) - len(note) - 2 * len(GAP))
    return GAP.join((title, sparkline(values, max(1, room)), note))


def _cells(report: Report, row: Row) -> list[str]:
    unit = currency(report.query)
    found = []
    for index, name in enumerate(report.query.metrics):
        found.append(shown(name, row.metrics[index], unit))
        if report.query.comparison:
            before = before_of(report, row)[index]
            found.append(_changed(name, change(name, row.metrics[index], before)))
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


def exact(value: Value) -> str:
    """A metric's value for programs."""
    return "" if value is None else str(value)


def _range(ends: Sequence[str]) -> str:
    first, last = ends
    if first[11:19] == "00:00:00" and last[11:19] == "23:59:59":
        first, last = first[:10], last[:10]
    return first if first == last else f"{first} to {last}"


def echo_explanation(report: Report) -> None:
    """Print how a question is answered, and how long each part took."""
    click.echo(f"days from day tables: {_runs(report.plan.tables)}")
    click.echo(f"days from hits:       {_runs(report.plan.hits)}")
    for name, files in report.files.items():
        click.echo(f"files of {name}: {len(files)}")
        for path in files:
            click.echo(f"  {path}")
    for name, seconds in report.seconds.items():
        click.echo(f"{name}: {1000 * seconds:.1f} ms")
    click.echo(f"rows: {report.total_rows}\n")
    click.echo(report.asked.sql)
    click.echo(f"\n{report.asked.values}")


def _runs(days: Sequence[Days]) -> str:
    return (
        ", ".join(
            f"{run.first}" if run.first == run.last else f"{run.first} to {run.last}"
            for run in days
        )
        or "none"
    )


def echo_realtime(site: str, found: Realtime) -> None:
    """Print who is on a site now, its last 30 minutes, and what did not count today."""
    current = found.current
    views = [minute.views for minute in found.minutes]
    click.echo(
        f"{site}, now: {current.visitors:,} visitor{'s' * (current.visitors != 1)}"
    )
    click.echo(_line("last 30 minutes", views, f"{sum(views):,} page views"))
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
            _echo_with_bars([(title, number_of), *rows], values, [1], [0])
    if found.folded:
        click.echo(
            f"\n{found.folded:,} hits of today are of visitors beyond the bound, who"
            " count as one: see PAGE_TRACKER_VISITORS_OF_ADDRESS"
        )
