"""Asks a question's statement of one state of the lake and shapes the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from page_tracker.query import dates
from page_tracker.query.catalog import METRICS, TIME_BUCKETS, ZERO_WHERE_EMPTY
from page_tracker.query.plan import Days, Plan, plan
from page_tracker.query.query import Query, Range, currency
from page_tracker.query.running import Found, run
from page_tracker.query.sharing import Ask
from page_tracker.query.sources import Sources
from page_tracker.query.sql import Statement

if TYPE_CHECKING:  # what only shapes answers does not load DuckDB
    from page_tracker.query.engine import Engine

Value = int | float | None

# More rows than any question has.
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its dimensions' values and its metrics, in the query's orders."""

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a question; `compared` answers it for the compared range.

    `seconds` says what took how long.
    """

    query: Query
    rows: tuple[Row, ...]
    total_rows: int
    plan: Plan
    files: Mapping[str, Sequence[str]]
    asked: Statement
    seconds: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[tuple[str, ...], tuple[Value, ...]] | None = None


def first_day(site: str, sources: Sources, engine: Engine) -> date | None:
    """The first day that a site has hits of; None where it has none. Raises as rows."""
    tables = sources.tables(Plan((), (Days(date.min, date.max),)))
    sql = (
        f"WITH hits AS ({tables['hits']}) SELECT min(day) FROM hits WHERE site = $site"
    )
    ((found,),) = engine.rows(Statement(sql, {"site": site}))
    return found if isinstance(found, date) else None


def answer(query: Query, sources: Sources, engine: Engine) -> Report:
    """Ask a question of one state of the lake; raises as Engine.session."""
    return answers([query], sources, engine)[0]


def answers(queries: Sequence[Query], sources: Sources, engine: Engine) -> list[Report]:
    """Ask questions of one state of the lake, in one go; raises as Engine.session.

    Those that read the same rows share them.
    """
    asks = [Ask(query, plan(query, sources.closed)) for query in queries]
    with engine.session() as session:
        found = run(asks, sources, session)
        further = {ask: _further(found[ask], sources) for ask in asks}
        its = [each for named in further.values() for each in named.values()]
        found |= run(its, sources, session)
    return [
        _report(found[ask], {name: found[each] for name, each in further[ask].items()})
        for ask in asks
    ]


def _further(found: Found, sources: Sources) -> dict[str, Ask]:
    """What else must be asked to answer: about the compared range, and how many rows.

    The number of rows stands beside each row; where none is left, it is asked for.
    """
    query, further = found.ask.query, {}
    if query.comparison is not None and found.values:
        compared = query.comparison.range
        other = replace(
            query,
            range=compared,
            comparison=None,
            limit=_ALL,
            offset=0,
            time_labels=False,
        )
        moves = label_moves(query, compared)
        only = tuple(_moved(row.dimensions, moves) for row in _rows(found))
        further["compare"] = Ask(other, plan(other, sources.closed), only)
    if query.total_rows and query.offset and not found.values:
        first = replace(query, limit=1, offset=0, comparison=None)
        further["count"] = Ask(first, found.ask.plan)
    return further


def _report(found: Found, further: Mapping[str, Found]) -> Report:
    query, values = found.ask.query, found.values
    if "count" in further:
        values = further["count"].values
    total = int(str(values[0][-1])) if values else 0
    seconds = dict(found.seconds)
    for name, each in further.items():
        seconds[name] = sum(each.seconds.values())
    compared = None
    if query.comparison is not None:
        compared = _compared(found, further.get("compare"))
    return Report(
        query=query,
        rows=_rows(found),
        total_rows=total,
        plan=found.ask.plan,
        files=found.files,
        asked=found.asked,
        seconds=seconds,
        compared=compared,
    )


def _rows(found: Found) -> tuple[Row, ...]:
    return tuple(_row(found.ask.query, values) for values in found.values)


def _row(query: Query, values: tuple[object, ...]) -> Row:
    width = len(query.dimensions)
    metrics = zip(query.metrics, values[width:-1], strict=True)
    return Row(
        tuple(str(value) for value in values[:width]),
        tuple(shaped(query, name, value) for name, value in metrics),
    )


def shaped(query: Query, name: str, value: object) -> Value:
    """A metric's value in the type that answers tell it in.

    None for an amount of no currency, or of several.
    """
    if METRICS[name].type == "money" and not currency(query):
        return None
    if value is None:
        return 0 if name in ZERO_WHERE_EMPTY else None
    number = float(str(value))
    if METRICS[name].type == "money":
        return number / 1000
    return number if METRICS[name].type == "float" else int(number)


def _compared(
    found: Found, other: Found | None
) -> dict[tuple[str, ...], tuple[Value, ...]]:
    """The metrics of the compared range for each of the rows, by its dimensions."""
    if other is None:
        return {}
    moves = label_moves(found.ask.query, other.ask.query.range)
    known = {_moved(row.dimensions, moves): row.dimensions for row in _rows(found)}
    return {known[row.dimensions]: row.metrics for row in _rows(other)}


def label_moves(query: Query, compared: Range) -> dict[int, dict[str, str]]:
    """Of each dimension of time, by its place: the compared range's labels by ours.

    Buckets of time are matched by their place in the range.
    """
    return {
        index: dict(zip(dates.labels(query.range, name), dates.labels(compared, name)))
        for index, name in enumerate(query.dimensions)
        if name in TIME_BUCKETS
    }


def _moved(
    dimensions: Sequence[str], moves: Mapping[int, Mapping[str, str]]
) -> tuple[str, ...]:
    return tuple(
        moves[index].get(value, "") if index in moves else value
        for index, value in enumerate(dimensions)
    )
