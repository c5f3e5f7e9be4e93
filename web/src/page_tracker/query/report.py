"""Runs a question's statement on one state of the lake and shapes the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from page_tracker.query.buckets import label, labels, pairs
from page_tracker.query.catalog import METRICS, TIME_BUCKETS, ZERO_WHERE_EMPTY
from page_tracker.query.lake_state import LakeState
from page_tracker.query.partial_sums import in_days
from page_tracker.query.plan import Days, Plan, runs, without
from page_tracker.query.query import Query, Range, currency
from page_tracker.query.runner import Result
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import Statement
from page_tracker.query.where import Binder

if TYPE_CHECKING:  # what only shapes answers does not load DuckDB
    from page_tracker.query.database import Database, Session
    from page_tracker.query.engine import Column
    from page_tracker.query.time_budget import TimeBudget

Value = int | float | None

# More rows than any question has.
_ALL = 2**31 - 1

# What else an answer may need, as `Report.seconds` names it.
COMPARED, COUNTED = "compare", "count"


class Row(msgspec.Struct, frozen=True):
    """One group: its dimensions' values and its metrics, in the query's orders."""

    dimensions: tuple[str, ...]
    metrics: tuple[Value, ...]


class Report(msgspec.Struct, frozen=True):
    """The answer to a question; `compared` answers it for the compared range.

    `seconds` has how long each step took.
    """

    query: Query
    rows: tuple[Row, ...]
    total_rows: int
    plan: Plan
    files: Mapping[str, Sequence[str]]
    asked: Statement
    seconds: Mapping[str, float] = msgspec.field(default_factory=dict)
    compared: Mapping[tuple[str, ...], tuple[Value, ...]] | None = None


def days_with_hits(site: str, sources: LakeState, session: Session) -> Days | None:
    """The first and the last day for which a site has hits; None if it has none.

    Of days that are closed in `sources` their table tells. Raises as Database.session.
    """
    span = sources.span()
    if span is None:
        return None
    closed = runs(sources.closed)
    tables = sources.tables(Plan(closed, without((span,), closed)))
    binder = Binder(sources.reader.sql)
    its_own = f"site = {binder.bind(site)}"
    parts = [f"SELECT day FROM ({tables['hits']}) WHERE {its_own}"]
    if closed:
        parts.append(
            f"SELECT day FROM ({tables['days']}) WHERE {its_own} AND dimension = ''"
            f" AND {in_days(closed, binder)}"
        )
    of_all = " UNION ALL ".join(parts)
    # Not every database says NULL of no day at all.
    sql = f"SELECT min(day), max(day) FROM ({of_all}) HAVING count(*) > 0"
    for first, last in session.rows(Statement(sql, binder.values)):
        if isinstance(first, date) and isinstance(last, date):
            return Days(first, last)
    return None


def answer(query: Query, sources: LakeState, database: Database) -> Report:
    """Answer a question from one state of the lake. Raises as Database.session."""
    return answers([query], sources, database)[0]


def answers(
    queries: Sequence[Query],
    sources: LakeState,
    database: Database,
    budget: TimeBudget | None = None,
) -> list[Report]:
    """Answer questions from one state of the lake, in one go.

    Raises as Database.session.

    Questions that read the same rows share them.
    """
    asks = [Ask(_all_of(query), sources.plan(query)) for query in queries]
    with database.session(budget) as session:
        sources = session.as_read(sources)
        results = session.run(asks, sources)
        further = [_further(results[ask], sources) for ask in asks]
        results |= session.run(
            (ask for asks in further for ask in asks.values()), sources
        )
    return [
        _Answer(
            query,
            results[ask],
            {name: results[each] for name, each in its_further.items()},
        ).report()
        for query, ask, its_further in zip(queries, asks, further, strict=True)
    ]


def _is_over_time(query: Query) -> bool:
    """Whether the answer has rows for which only the compared range has hits."""
    names = query.dimensions
    return bool(query.comparison and names) and TIME_BUCKETS.keys() >= set(names)


def _all_of(query: Query) -> Query:
    """The query for all rows, if rows of the compared range go among them."""
    return replace(query, limit=_ALL, offset=0) if _is_over_time(query) else query


def _further(result: Result, sources: LakeState) -> dict[str, Ask]:
    """What else must be asked to answer: about the compared range, and how many rows.

    The number of rows stands beside each row; where none is left, it is asked for.
    """
    query, further = result.ask.query, {}
    over_time = _is_over_time(query)
    if query.comparison is not None and (result.values or over_time):
        compared = query.comparison.range
        other = replace(
            query,
            range=compared,
            comparison=None,
            limit=_ALL,
            offset=0,
            time_labels=False,
        )
        moves = key_moves(query, compared)
        only = () if over_time else tuple(_moved(key, moves) for key in _keys(result))
        further[COMPARED] = Ask(other, sources.plan(other), only)
    if query.total_rows and query.offset and not result.values:
        first = replace(query, limit=1, offset=0, comparison=None)
        further[COUNTED] = Ask(first, result.ask.plan)
    return further


class _Answer(msgspec.Struct, frozen=True):
    """The answer to a query on its way back, from rows of SQL to a report.

    `further` has the results of what else was asked, by name: COMPARED, COUNTED.
    """

    query: Query
    result: Result
    further: Mapping[str, Result]

    def report(self) -> Report:
        query, rows, total = self.query, rows_of(self.result), self._total_rows()
        compared = None if query.comparison is None else self._compared()
        if compared is not None and _is_over_time(query):
            rows = with_rows_before(query, rows, compared)
            total = len(rows)
            rows = rows[query.offset : query.offset + query.limit]
        return Report(
            query=query,
            rows=rows,
            total_rows=total,
            plan=self.result.ask.plan,
            files=self.result.files,
            asked=self.result.statement,
            seconds=self._seconds(),
            compared=compared,
        )

    def _total_rows(self) -> int:
        values = self.further.get(COUNTED, self.result).values
        return int(str(values[0][-1])) if values else 0

    def _seconds(self) -> dict[str, float]:
        return {
            **self.result.seconds,
            **{name: sum(each.seconds.values()) for name, each in self.further.items()},
        }

    def _compared(self) -> dict[tuple[str, ...], tuple[Value, ...]]:
        """The metrics of the compared range by our rows' dimensions."""
        if (other := self.further.get(COMPARED)) is None:
            return {}
        moves = label_moves(self.query, other.ask.query.range)
        ours = {
            index: {before: after for after, before in moved.items()}
            for index, moved in moves.items()
        }
        found = {_moved(row.dimensions, ours): row.metrics for row in rows_of(other)}
        # What has no counterpart among ours has no name for one either.
        return {
            key: metrics
            for key, metrics in found.items()
            if all(key[index] for index in ours)
        }


def with_rows_before(
    query: Query,
    rows: Sequence[Row],
    compared: Mapping[tuple[str, ...], tuple[Value, ...]],
) -> tuple[Row, ...]:
    """The rows, and those that only the compared range has, in the query's order."""
    ours = {row.dimensions for row in rows}
    found = [
        *rows,
        *(Row(key, nothing(query, key)) for key in compared if key not in ours),
    ]
    places = [
        {label: place for place, label in enumerate(labels(query.range, name))}
        for name in query.dimensions
    ]

    def place(row: Row, name: str, down: bool) -> tuple[bool, float]:
        if name in query.metrics:
            value = row.metrics[query.metrics.index(name)]
        else:
            index = query.dimensions.index(name)
            value = places[index].get(row.dimensions[index], -1)
        return value is None, (-(value or 0) if down else value or 0)

    order = [*query.order, *((name, False) for name in query.dimensions)]
    return tuple(
        sorted(found, key=lambda row: [place(row, name, down) for name, down in order])
    )


def nothing(query: Query, dimensions: Sequence[str]) -> tuple[Value, ...]:
    """The metrics of a group that has no hits."""
    unit = currency(query, dimensions)
    return tuple(
        0 if METRICS[name].counts and (METRICS[name].type != "money" or unit) else None
        for name in query.metrics
    )


def _keys(result: Result) -> list[tuple[str, ...]]:
    """Each row's values of the dimensions, as SQL has them."""
    width = len(result.ask.query.dimensions)
    return [tuple(str(value) for value in values[:width]) for values in result.values]


def rows_of(result: Result) -> tuple[Row, ...]:
    """The rows of a report from the rows of SQL."""
    keys = _keys(result)
    return tuple(
        _row(result.ask.query, key, values)
        for key, values in zip(keys, result.values, strict=True)
    )


def _row(query: Query, key: tuple[str, ...], values: Sequence[object]) -> Row:
    dimensions = tuple(
        label(name, text, query.range.timezone)
        for name, text in zip(query.dimensions, key, strict=True)
    )
    unit = currency(query, dimensions)
    metrics = zip(query.metrics, values[len(key) : -1], strict=True)
    return Row(dimensions, tuple(shaped(name, value, unit) for name, value in metrics))


def shaped(name: str, value: object, unit: str) -> Value:
    """A metric's value in the type that answers have it in.

    None for an amount without a currency (`unit`).
    """
    if METRICS[name].type == "money" and not unit:
        return None
    if value is None:
        return 0 if name in ZERO_WHERE_EMPTY else None
    number = float(str(value))
    if METRICS[name].type == "money":
        return number / 1000
    return number if METRICS[name].type == "float" else int(number)


def key_moves(query: Query, compared: Range) -> dict[int, dict[str, str]]:
    """Of each dimension of time, by its place: the compared range's keys by ours."""
    return {
        index: pairs(query.range, compared, name)
        for index, name in enumerate(query.dimensions)
        if name in TIME_BUCKETS
    }


def label_moves(query: Query, compared: Range) -> dict[int, dict[str, str]]:
    """Of each dimension of time, by its place: the compared range's labels by ours."""
    zone, names = query.range.timezone, query.dimensions
    return {
        index: {
            label(names[index], ours, zone): label(names[index], before, zone)
            for ours, before in moved.items()
        }
        for index, moved in key_moves(query, compared).items()
    }


def _moved(
    dimensions: Sequence[str], moves: Mapping[int, Mapping[str, str]]
) -> tuple[str, ...]:
    return tuple(
        moves[index].get(value, "") if index in moves else value
        for index, value in enumerate(dimensions)
    )


def columns_of(report: Report) -> dict[str, Column]:
    """A report's rows as the columns of a file, by name."""
    kinds = {"integer": "BIGINT", "float": "DOUBLE", "money": "DOUBLE"}
    query, rows = report.query, report.rows
    dimensions: dict[str, Column] = {
        name: ("VARCHAR", [row.dimensions[index] for row in rows])
        for index, name in enumerate(query.dimensions)
    }
    return dimensions | {
        name: (kinds[METRICS[name].type], [row.metrics[index] for row in rows])
        for index, name in enumerate(query.metrics)
    }
