"""Questions that read the same hits share the rows, which are taken out once. Pure.

    asks → groups of one site, one filter and the same days of hits → the rows of all
    visits that the filter can choose, in the columns that the group's statements name

Each statement then reads these rows in place of the hits, and filters them by itself:
rows too many change no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import ceil

import msgspec
from msgspec.structs import replace

from page_tracker.query.catalog import EXIT_DIMENSIONS, TIME_BUCKETS
from page_tracker.query.dialect import DUCKDB, Dialect
from page_tracker.query.partial_sums import (
    CONVERSIONS,
    ENGAGEMENT,
    in_days,
)
from page_tracker.query.plan import Days, Plan, days_between, runs, tabled
from page_tracker.query.query import (
    And,
    Filter,
    HasDone,
    Not,
    Or,
    Query,
    all_leaves,
    asks_of_events,
    measures_of,
    without_conversions,
)
from page_tracker.query.sql import Statement, statement, statement_over_sums
from page_tracker.query.visit_sums import of_chosen_visits
from page_tracker.query.where import Binder, condition
from page_tracker.schema import DAYS, HITS, VISITS

# The rows that were taken out, in place of the hits, or of the visits.
TAKEN = "SELECT * FROM taken"


class Ask(msgspec.Struct, frozen=True):
    """A question of one range, and where each of its days is read from.

    Where `only` is given, of these groups.
    """

    query: Query
    plan: Plan
    only: tuple[tuple[str, ...], ...] = ()

    def statement(self, tables: Mapping[str, str], sql: Dialect = DUCKDB) -> Statement:
        """The statement that answers it, reading these tables."""
        asked = statement(self.query, self.plan, tables, sql)
        return _only(asked, self.only, sql)

    def statement_over_sums(self, name: str) -> Statement:
        """The statement that answers it from its tables of sums."""
        return _only(statement_over_sums(self.query, name), self.only)


def groups(asks: Iterable[Ask]) -> list[list[Ask]]:
    """The asks that read the same rows, in the order in which they came."""
    found: dict[object, list[Ask]] = {}
    for ask in asks:
        key = (ask.query.site, ask.query.filter, ask.query.goals, ask.plan)
        found.setdefault(key, []).append(ask)
    return list(found.values())


class Slice(msgspec.Struct, frozen=True):
    """Hits that are looked at together: those of some days, or of a part of a day.

    A day is divided by its visitors, so that nobody's hits are apart: `part`, from 0,
    is one of `parts`.
    """

    days: tuple[Days, ...]
    part: int = 0
    parts: int = 1

    def of(self, hits: str) -> str:
        """The SQL of those of the hits, which are SQL, that are in it."""
        if self.parts == 1:
            return hits
        return f"SELECT * FROM ({hits}) WHERE visitor % {self.parts} = {self.part}"


def slices(rows: Mapping[date, int], days: tuple[Days, ...], most: int) -> list[Slice]:
    """The days in slices of at most this many rows, if visitors' are spread evenly."""
    return [
        each
        for together in stretches(rows, days, most)
        for each in _divided(together, sum(rows.get(day, 0) for day in together), most)
    ]


def stretches(
    rows: Mapping[date, int], days: tuple[Days, ...], most: int
) -> list[list[date]]:
    """The days in stretches of at most this many rows, or of a single day."""
    found: list[list[date]] = []
    size = most
    for day in (day for each in days for day in days_between(each)):
        size += rows.get(day, 0)
        if size > most or not found:
            found.append([])
            size = rows.get(day, 0)
        found[-1].append(day)
    return found


def _divided(days: Sequence[date], rows: int, most: int) -> list[Slice]:
    """Days with this many rows as one slice, or a single one as several."""
    parts = max(1, ceil(rows / most))
    return [Slice(runs(days), part, parts) for part in range(parts)]


def shared_rows(
    group: Sequence[Ask], hits: str, days: tuple[Days, ...] | None = None
) -> Statement:
    """The SELECT of the rows that a group's asks read of `hits`, which is SQL.

    Of all days of hits, or of these.
    """
    query, binder = group[0].query, Binder()
    read = {name for ask in group for name in ask.statement({}).columns}
    columns = [column.name for column in HITS if column.name in read]
    conditions = [
        f"site = {binder.bind(query.site)}",
        in_days(group[0].plan.hits if days is None else days, binder),
    ]
    if not read & ENGAGEMENT:
        conditions.append("step > 0")
    parts = [part for part in _common(group).parts if _is_of_rows(part)]
    of_visits = And(tuple(part for part in parts if not asks_of_events(part)))
    of_events = And(tuple(part for part in parts if asks_of_events(part)))
    conditions.append(condition(of_visits, query.goals, binder))
    where = " AND ".join(conditions)
    if of_events.parts:
        holds = condition(of_events, query.goals, binder)
        where += (
            f"\nAND (day, visit) IN (SELECT (day, visit) FROM hits WHERE {where}"
            f" AND {holds})"
        )
    return Statement(
        f"WITH hits AS ({hits})\nSELECT {', '.join(columns)} FROM hits WHERE {where}",
        binder.values,
    )


def shared_visits(group: Sequence[Ask], visits: str) -> Statement:
    """The SELECT of the visits that a group's asks read of `visits`, which is SQL."""
    query, binder = group[0].query, Binder()
    read = {name for ask in group for name in ask.statement({}).columns}
    columns = [column.name for column in VISITS if column.name in read]
    found = of_chosen_visits(query, group[0].plan.visits, binder)
    return Statement(
        f"WITH visits AS ({visits})\nSELECT {', '.join(columns)} {found}",
        binder.values,
    )


def _common(group: Sequence[Ask]) -> And:
    """The filter that all that a group's asks read must fulfil.

    A conversion rate is a share of the visitors without the goal.
    """
    whole = group[0].query.filter
    needed = {name for ask in group for name in measures_of(ask.query)}
    return without_conversions(whole) if needed & CONVERSIONS else whole


def by_day(asks: Iterable[Ask]) -> list[Ask]:
    """Those with a figure for each day, or of the site as a whole."""
    return [ask for ask in asks if not _tabled(ask.query)]


def over_days(asks: Iterable[Ask]) -> list[Ask]:
    """Those whose day tables can be added up over the days beforehand."""
    return [
        ask
        for ask in asks
        if _tabled(ask.query) and not set(ask.query.dimensions) & TIME_BUCKETS.keys()
    ]


def days_by_day(group: Sequence[Ask], days: str) -> Statement:
    """The SELECT of the day tables' rows of a site as a whole; `days` is SQL."""
    query, plan, binder = group[0].query, group[0].plan, Binder()
    return Statement(
        f"WITH days AS ({days})\nSELECT * EXCLUDE (month) FROM days\n"
        f"WHERE site = {binder.bind(query.site)} AND dimension = ''"
        f" AND {in_days(plan.tables, binder)}",
        binder.values,
    )


def days_added_up(group: Sequence[Ask], days: str) -> Statement:
    """The SELECT of what asks read of day tables, added up; `days` is SQL.

    Each row bears the first of its days, which is in the range, too.
    """
    query, plan, binder = group[0].query, group[0].plan, Binder()
    wanted = {"visitors"} | {
        tabled(name) for ask in group for name in measures_of(ask.query)
    }
    sums = ", ".join(
        f"sum({column.name})::BIGINT AS {column.name}"
        for column in DAYS
        if column.name in wanted
    )
    # What a share is of stands in the figures of the site as a whole.
    read = {"", *(_tabled(ask.query) for ask in group)}
    dimensions = ", ".join(binder.bind(name) for name in sorted(read))
    return Statement(
        f"WITH days AS ({days})\n"
        f"SELECT site, dimension, value, min(day) AS day, {sums} FROM days\n"
        f"WHERE site = {binder.bind(query.site)} AND dimension IN ({dimensions})"
        f" AND {in_days(plan.tables, binder)}\nGROUP BY site, dimension, value",
        binder.values,
    )


def _tabled(query: Query) -> str:
    """The dimension by which day tables have a query's figures."""
    return next((name for name in query.dimensions if name not in TIME_BUCKETS), "")


def _is_of_rows(part: Filter) -> bool:
    """Whether a row's own columns decide it."""
    names = {leaf.dimension for leaf in all_leaves(part)}
    return not (names & EXIT_DIMENSIONS or _has_done(part))


def _has_done(part: Filter) -> bool:
    """Whether it asks for another event of the visit."""
    match part:
        case And(parts) | Or(parts):
            return any(_has_done(each) for each in parts)
        case Not(inner):
            return _has_done(inner)
        case HasDone():
            return True
        case _:
            return False


def _only(
    asked: Statement, groups: tuple[tuple[str, ...], ...], sql: Dialect = DUCKDB
) -> Statement:
    """The statement with the rows of these groups alone; all, where none are given."""
    if not groups or groups == ((),):
        return asked
    columns = {f"g{place}": list(of) for place, of in enumerate(zip(*groups))}
    dims = [f"d{place}" for place in range(len(columns))]
    lists = [sql.placeholder(name, values) for name, values in columns.items()]
    return replace(
        asked,
        sql=f"SELECT * FROM (\n{asked.sql}\n)\nWHERE {sql.among(dims, lists)}",
        values={**asked.values, **columns},
    )
