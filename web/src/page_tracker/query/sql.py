"""From a Query and a Plan to one SQL statement. Pure.

The statement is a sum of *parts*: each part is a SELECT that gives the query's
dimensions (`d0`, `d1`, …) and some measures; the parts are put under each other and
added up by dimension, and the metrics are formulas over the sums:

    visited   the visits that fulfil the filter, on the days that visits answer
    further   their pages beside those that they entered by, if pages are asked for
    rows      the site's hits on the days that hits must answer
    matched   the events among them that fulfil the filter
    chosen    all events of the visits that are counted: every visit that has such
              an event, and began in the range
    parts     sums over visited, further, matched, chosen and day tables, by dimension
    summed    the parts added up

What parts hold adds up over days, too: where there are too many rows to be looked at
at once, the sums of some days after the other are put into tables (`sum_tables`), and
the statement reads these (`statement_over_sums`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from page_tracker.query.catalog import EXIT_DIMENSIONS, GOAL, METRICS
from page_tracker.query.dialect import DUCKDB, Dialect
from page_tracker.query.partial_sums import (
    BEGAN_READS,
    SHARES,
    PartialSums,
    in_days,
)
from page_tracker.query.plan import Days, Plan
from page_tracker.query.query import (
    And,
    Leaf,
    Query,
    asks_of_events,
    counted_goals,
    measures_of,
    uses,
    with_hosts,
    without_conversions,
)
from page_tracker.query.strategies import WholeVisits
from page_tracker.query.visit_sums import VisitSums
from page_tracker.query.where import Binder, column, condition, of_goal
from page_tracker.sites.goal import Goal


class Statement(msgspec.Struct, frozen=True):
    """SQL with named placeholders, their values, and the columns of `hits` it reads."""

    sql: str
    values: dict[str, object]
    columns: frozenset[str] = frozenset()


def statement(
    query: Query,
    plan: Plan,
    tables: Mapping[str, str] | None = None,
    sql: Dialect = DUCKDB,
) -> Statement:
    """The statement that answers a query, in a dialect.

    It reads `hits`, `days` and `countries`, which are tables of the engine or given as
    SQL by `tables`. One row a group: the dimensions' values as text, then the metrics
    in the query's order, then `total_rows`, the number of all groups.
    """
    binder = Binder(sql)
    blocks = _Blocks(query, plan, binder).named()
    body = _with([*(tables or {}).items(), *blocks], sql)
    asked = f"{body}\n{_answer(query, binder)}"
    return Statement(asked, binder.values, frozenset(binder.columns))


class SumTable(msgspec.Struct, frozen=True):
    """A table of sums that is filled bit by bit.

    `sums` gives what some days add to it, `again` its own rows, added up.
    """

    name: str
    sums: Statement
    again: Statement


def sum_tables(
    query: Query, plan: Plan, tables: Mapping[str, str], name: str
) -> Iterator[SumTable]:
    """What the days of a plan add to the tables that answer a query."""
    binder = Binder()
    blocks = _Blocks(query, plan, binder)
    body = _with([*tables.items(), *blocks.sources()])
    sums_of = blocks.added_up()
    yield SumTable(
        name,
        Statement(f"{body}\n{sums_of}", binder.values),
        Statement(f"{_with([('parts', f'SELECT * FROM {name}')])}\n{sums_of}", {}),
    )
    for share, asked in blocks.shares():
        yield from sum_tables(asked, plan, tables, f"{name}_{share}")


def statement_over_sums(query: Query, name: str) -> Statement:
    """The statement that answers a query from the tables of `sum_tables`."""
    binder = Binder()
    blocks = _Blocks(query, Plan((), ()), binder, name).named()
    return Statement(f"{_with(blocks)}\n{_answer(query, binder)}", binder.values)


def sums(query: Query, plan: Plan) -> Statement:
    """The statement that gives the sums for metrics: dimensions, then measures."""
    binder = Binder()
    columns = [f"d{index}" for index in range(len(query.dimensions))]
    columns += [f"{name}::BIGINT AS {name}" for name in measures_of(query)]
    body = _with(_Blocks(query, plan, binder).named())
    return Statement(f"{body}\nSELECT {', '.join(columns)} FROM summed", binder.values)


def groups_statement(
    query: Query,
    days: tuple[Days, ...],
    goal: Goal,
    hits: str,
    most: int,
    sql: Dialect = DUCKDB,
) -> Statement:
    """The statement that divides visitors by a query's dimension; `hits` is SQL.

    One row a group, at most so many: its name, its visitors, and how many of them
    reached the goal with their first hit in the group or later on that day. The name is
    NULL for visitors who were in several groups of a day; who has no value is in none.
    """
    binder = Binder(sql)
    blocks = _Blocks(query, Plan((), days), binder)
    reaching = And((Leaf("is", GOAL, (goal.name,)),))
    name = column(query.dimensions[0], binder)
    named = [
        ("hits", hits),
        *blocks.matching(),
        (
            "placed",
            f"SELECT day, visitor, {name} AS name, min(time) AS since FROM matched\n"
            f"WHERE {name} <> '' GROUP BY ALL",
        ),
        (
            "told",
            "SELECT day, visitor, min(since) AS since,"
            " CASE WHEN count(*) = 1 THEN any_value(name) END AS name\n"
            "FROM placed GROUP BY day, visitor",
        ),
        (
            "reached",
            f"SELECT day, visitor, max(time) AS last {blocks.events(reaching)}\n"
            "GROUP BY day, visitor",
        ),
    ]
    return Statement(
        f"{_with(named, sql)}\n"
        "SELECT name, count(*), count(*) FILTER (WHERE last >= since)"
        " FROM told LEFT JOIN reached USING (day, visitor) GROUP BY name"
        f" LIMIT {most}",
        binder.values,
    )


def _with(blocks: Iterable[tuple[str, str]], sql: Dialect = DUCKDB) -> str:
    named = dict(blocks)
    # What several parts read is computed once, if that costs more than to read it.
    how = {
        name: "MATERIALIZED "
        for name in ("matched", "further")
        if named.get("parts", "").count(f"FROM {name}") > 1
    } | {name: "NOT MATERIALIZED " for name in ("visits", "pages", "visited")}
    return "WITH " + ",\n".join(
        f"{name} AS {how.get(name, '') * sql.is_materializing}(\n{_indent(block)}\n)"
        for name, block in named.items()
    )


def _answer(query: Query, binder: Binder) -> str:
    dims = query.dimensions
    columns = [f"d{index}::VARCHAR AS d{index}" for index in range(len(dims))]
    columns += [
        f"{METRICS[name].value(binder.sql)} AS m{index}"
        for index, name in enumerate(query.metrics)
    ]
    columns.append("count(*) OVER () AS total_rows")
    order = ", ".join(
        f"{_place(query, name)} {'DESC' if down else 'ASC'} NULLS LAST"
        for name, down in query.order
    )
    ties = ", ".join(f"summed.d{index}" for index in range(len(dims)))
    ordered = ", ".join(part for part in (order, ties) if part)
    lines = [f"SELECT {', '.join(columns)}", "FROM summed"]
    if ordered:
        lines.append(f"ORDER BY {ordered}")
    lines.append(f"LIMIT {binder.bind(query.limit)} OFFSET {binder.bind(query.offset)}")
    return "\n".join(lines)


def _place(query: Query, name: str) -> str:
    if name in query.metrics:
        return f"m{query.metrics.index(name)}"
    return f"summed.d{query.dimensions.index(name)}"


def _indent(sql: str) -> str:
    return "\n".join("  " + line for line in sql.splitlines())


class _Blocks:
    """The named blocks (CTEs) of one statement, in the order in which they are read.

    `sum_table` is the table that has the parts already, where there is one.
    """

    def __init__(
        self, query: Query, plan: Plan, binder: Binder, sum_table: str = ""
    ) -> None:
        query = with_hosts(query)
        self.query, self.plan, self.binder = query, plan, binder
        self.sum_table = sum_table
        self.parts = PartialSums(query, plan, binder)
        self.needed = self.parts.needed
        self.cut = query.range.start is not None
        self.by_events = asks_of_events(query.filter)

    def named(self) -> list[tuple[str, str]]:
        """All blocks that the query needs: (name, SQL)."""
        if self.sum_table:
            blocks = [("parts", f"SELECT * FROM {self.sum_table}")]
        else:
            blocks = self.sources()
        blocks += [(name, self._whole(name, asked)) for name, asked in self.shares()]
        blocks.append(("summed", self._summed()))
        return blocks

    def sources(self) -> list[tuple[str, str]]:
        """The blocks from which parts are made, and the parts."""
        blocks = self.matching() if self.plan.hits or not self.plan.visits else []
        if self.plan.visits:
            blocks += VisitSums(self.query, self.plan, self.binder).sources()
        if self.parts.by.whole_visits is WholeVisits.CHOSEN:
            blocks.append(("chosen", self._chosen()))
        return [*blocks, ("parts", self._united())]

    def matching(self) -> list[tuple[str, str]]:
        """The blocks of all events, and of those that fulfil the filter."""
        return [("rows", self._rows()), ("matched", self._matched())]

    def _united(self) -> str:
        visits = VisitSums(self.query, self.plan, self.binder)
        parts = [*visits.all(), *self.parts.all()]
        return self.binder.sql.united(parts, len(self.query.dimensions))

    # Where rows come from

    def _rows(self) -> str:
        bind = self.binder.bind
        self.binder.reads("site", "day")
        days = in_days(self.plan.hits, self.binder)
        where = f"site = {bind(self.query.site)} AND {days}"
        if not uses(self.query, EXIT_DIMENSIONS):
            return f"SELECT * FROM hits\nWHERE {where}"
        self.binder.reads("visit", "path", "hostname", "view")
        return (
            "SELECT h.*, coalesce(x.exit_path, '') AS exit_path,"
            " coalesce(x.exit_hostname, '') AS exit_hostname\n"
            f"FROM hits h LEFT JOIN (\n{_indent(self.binder.sql.last_views(where))}\n"
            f") x USING (day, visit)\nWHERE {where}"
        )

    def events(self, part: And) -> str:
        """The events of the range that fulfil a filter, from `FROM` on."""
        self.binder.reads("step")
        holds = condition(part, self.query.goals, self.binder)
        return f"FROM rows WHERE step > 0{self.parts.within('time')} AND {holds}"

    def _matched(self) -> str:
        if GOAL not in self.query.dimensions:
            return f"SELECT * {self.events(self.query.filter)}"
        found = [
            f"SELECT *, {self.binder.bind(goal.name)} AS goal,"
            f" {self.binder.bind(goal.currency)} AS unit"
            f" {self.events(self.query.filter)} AND {of_goal(goal, self.binder)}"
            for goal in counted_goals(self.query)
        ]
        if not found:
            nothing = f"{self.events(self.query.filter)} AND false"
            return f"SELECT *, '' AS goal, '' AS unit {nothing}"
        return "\nUNION ALL\n".join(found)

    def _chosen(self) -> str:
        begun = self.parts.within(self.parts.began)
        self.binder.reads("step", *BEGAN_READS * bool(begun))
        if self.by_events or self.cut or GOAL in self.query.dimensions:
            self.binder.reads("visit")
            begun += " AND (day, visit) IN (SELECT (day, visit) FROM matched)"
        else:
            holds = condition(self.query.filter, self.query.goals, self.binder)
            begun += f" AND {holds}"
        return f"SELECT * FROM rows WHERE step > 0{begun}"

    # Shares of a whole

    def shares(self) -> list[tuple[str, Query]]:
        """The questions whose visitors are the whole that a share is of."""
        found = []
        if "all_visitors" in self.needed:
            found.append(("whole", replace(self.query, dimensions=())))
        plain = replace(self.query, filter=without_conversions(self.query.filter))
        if "reached_visitors" in self.needed:
            found.append(("reached", replace(plain, dimensions=())))
        if "group_visitors" in self.needed:
            dims = tuple(name for name in plain.dimensions if name != GOAL)
            found.append(("groups", replace(plain, dimensions=dims)))
        return [
            (name, replace(asked, metrics=("visitors",), order=()))
            for name, asked in found
        ]

    def _whole(self, name: str, asked: Query) -> str:
        """Visitors of another question over the same days, by its own dimensions."""
        sum_table = self.sum_table and f"{self.sum_table}_{name}"
        blocks = _Blocks(asked, self.plan, self.binder, sum_table)
        return f"{_with(blocks.named(), self.binder.sql)}\nSELECT * FROM summed"

    def added_up(self) -> str:
        """The parts added up by dimension."""
        dims = [f"d{index}" for index in range(len(self.query.dimensions))]
        sums_of = [
            f"coalesce(sum({name}), 0)::DOUBLE AS {name}"
            for name in sorted(self.needed | {"events"})
            if name not in SHARES
        ]
        group = f"\nGROUP BY {', '.join(dims)}" if dims else ""
        return f"SELECT {', '.join([*dims, *sums_of])} FROM parts{group}"

    def _summed(self) -> str:
        shares, joins = self._joined()
        having = "\nHAVING sum(events) > 0" if self.query.dimensions else ""
        inner = f"{self.added_up()}{having}"
        if not shares:
            return inner
        return f"SELECT s.*, {', '.join(shares)}\nFROM (\n{_indent(inner)}\n) s{joins}"

    def _joined(self) -> tuple[list[str], str]:
        shares, joins = [], ""
        if "all_visitors" in self.needed:
            shares.append("whole.visitors AS all_visitors")
            joins += "\nCROSS JOIN whole"
        if "reached_visitors" in self.needed:
            shares.append("reached.visitors AS reached_visitors")
            joins += "\nCROSS JOIN reached"
        if "group_visitors" in self.needed:
            shares.append("groups.visitors AS group_visitors")
            kept = [
                index
                for index, name in enumerate(self.query.dimensions)
                if name != GOAL
            ]
            same = [
                f"s.d{index} IS NOT DISTINCT FROM groups.d{place}"
                for place, index in enumerate(kept)
            ]
            joins += f"\nLEFT JOIN groups ON {' AND '.join(same) or 'true'}"
        return shares, joins
