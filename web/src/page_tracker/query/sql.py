"""From a Query and a Plan to one SQL statement. Pure.

The statement is a sum of *parts*: each part is a SELECT that gives the query's
dimensions (`d0`, `d1`, …) and some measures; the parts are put under each other and
added up by dimension, and the metrics are formulas over the sums:

    rows      the site's hits on the days that hits must answer
    matched   the events among them that fulfil the filter
    chosen    all events of the visits that are counted: every visit that has such
              an event, and began in the range
    parts     sums over matched, chosen and day tables, by dimension
    summed    the parts added up
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from page_tracker.query.catalog import (
    DIMENSIONS,
    ENTRY_OF,
    EXIT_DIMENSIONS,
    METRICS,
    TIME_BUCKETS,
    dimension,
)
from page_tracker.query.conditions import (
    Binder,
    condition,
    goals_named,
    labelled,
    of_goal,
)
from page_tracker.query.plan import Days, Plan
from page_tracker.query.query import (
    And,
    Goal,
    Leaf,
    Query,
    all_leaves,
    asks_of_events,
    event_dimensions,
    measures,
    uses,
    without_goals,
)

GOAL = "event:goal"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with named placeholders, and their values."""

    sql: str
    values: dict[str, object]


def statement(
    query: Query, plan: Plan, tables: Mapping[str, str] | None = None
) -> Statement:
    """The statement that answers a query.

    It reads `hits`, `days` and `countries`, which are tables of the engine or given as
    SQL by `tables`. One row a group: the dimensions' values as text, then the metrics
    in the query's order, then `total_rows`, the number of all groups.
    """
    binder = Binder()
    blocks = _Blocks(query, plan, binder)
    body = ",\n".join(
        f"{name} AS (\n{_indent(sql)}\n)"
        for name, sql in [*(tables or {}).items(), *blocks.named()]
    )
    return Statement(f"WITH {body}\n{_answer(query, binder)}", binder.values)


def _answer(query: Query, binder: Binder) -> str:
    dims = _dims(query)
    columns = [f"d{index}::VARCHAR AS d{index}" for index in range(len(dims))]
    columns += [
        f"{METRICS[name].formula} AS m{index}"
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


def _dims(query: Query) -> tuple[str, ...]:
    return query.dimensions


def _indent(sql: str) -> str:
    return "\n".join("  " + line for line in sql.splitlines())


def _in_days(days: tuple[Days, ...], binder: Binder) -> str:
    found = [
        f"day BETWEEN {binder.bind(each.first)} AND {binder.bind(each.last)}"
        for each in days
    ]
    return "(" + (" OR ".join(found) or "false") + ")"


class _Blocks:
    """The named blocks of one statement, in the order in which they are read."""

    def __init__(self, query: Query, plan: Plan, binder: Binder) -> None:
        self.query, self.plan, self.binder = query, plan, binder
        self.needed = set(measures(query))
        self.cut = query.range.start is not None
        self.by_events = asks_of_events(query.filter)

    def named(self) -> list[tuple[str, str]]:
        """All blocks that the query needs: (name, SQL)."""
        blocks = [("rows", self._rows()), ("matched", self._matched())]
        if self._reads_chosen():
            blocks.append(("chosen", self._chosen()))
        blocks.append(("parts", self._parts()))
        blocks += self._shares()
        blocks.append(("summed", self._summed()))
        return blocks

    # Where rows come from

    def _rows(self) -> str:
        bind = self.binder.bind
        where = f"site = {bind(self.query.site)} AND {_in_days(self.plan.hits, self.binder)}"
        if not uses(self.query, EXIT_DIMENSIONS):
            return f"SELECT * FROM hits\nWHERE {where}"
        return (
            "SELECT h.*, coalesce(x.exit_path, '') AS exit_path,"
            " coalesce(x.exit_hostname, '') AS exit_hostname\n"
            "FROM hits h LEFT JOIN (\n"
            "  SELECT day, visit, arg_max(path, view) AS exit_path,"
            " arg_max(hostname, view) AS exit_hostname\n"
            f"  FROM hits WHERE {where} AND view > 0 GROUP BY day, visit\n"
            f") x USING (day, visit)\nWHERE {where}"
        )

    def _within(self, instant: str) -> str:
        asked = self.query.range
        if asked.start is None:
            return ""
        bind = self.binder.bind
        return (
            f" AND {instant} >= {bind(asked.start)} AND {instant} < {bind(asked.end)}"
        )

    def _events(self, part: And) -> str:
        holds = condition(part, self.query.goals, self.binder)
        return f"FROM rows WHERE step > 0{self._within('time')} AND {holds}"

    def _matched(self) -> str:
        if GOAL not in self.query.dimensions:
            return f"SELECT * {self._events(self.query.filter)}"
        found = [
            f"SELECT *, {self.binder.bind(goal.name)} AS goal"
            f" {self._events(self.query.filter)} AND {of_goal(goal, self.binder)}"
            for goal in _grouped_goals(self.query)
        ]
        if not found:
            return f"SELECT *, '' AS goal {self._events(self.query.filter)} AND false"
        return "\nUNION ALL\n".join(found)

    def _chosen(self) -> str:
        begun = self._within("(time - to_milliseconds(elapsed))")
        if self.by_events or self.cut or GOAL in self.query.dimensions:
            begun += " AND (day, visit) IN (SELECT (day, visit) FROM matched)"
        else:
            holds = condition(self.query.filter, self.query.goals, self.binder)
            begun += f" AND {holds}"
        return f"SELECT * FROM rows WHERE step > 0{begun}"

    # The parts

    def _reads_chosen(self) -> bool:
        return bool(self.needed & _ENTERED.keys()) or self._visits_are_entered()

    def _visits_are_entered(self) -> bool:
        return "visits" in self.needed and not event_dimensions(self.query)

    def _parts(self) -> str:
        found = [
            part
            for part in (
                self._of_events(),
                self._of_visitors(),
                self._of_distinct_visits(),
                self._of_entered(),
                self._of_engagement(),
                self._of_tables(),
            )
            if part
        ]
        return "\nUNION ALL BY NAME\n".join(found)

    def _group(self, source: str, names: dict[str, str], began: bool = False) -> str:
        """A SELECT of those measures over a source, by the query's dimensions."""
        dims = self._expressions(began)
        columns = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        columns += [f"{sql} AS {name}" for name, sql in names.items()]
        lines = [f"SELECT {', '.join(columns)}", f"FROM {source}"]
        missing = self._has_values()
        if missing:
            lines.append(f"WHERE {missing}")
        if dims:
            lines.append(
                "GROUP BY " + ", ".join(str(index + 1) for index in range(len(dims)))
            )
        return "\n".join(lines)

    def _expressions(self, began: bool) -> list[str]:
        found = []
        for name in self.query.dimensions:
            if name in TIME_BUCKETS:
                found.append(self._bucket(TIME_BUCKETS[name], began))
            elif began and name in ENTRY_OF:
                found.append(ENTRY_OF[name])
            elif name == GOAL:
                found.append("goal")
            else:
                found.append(labelled(name, self.binder))
        return found

    def _bucket(self, unit: str, began: bool) -> str:
        if unit == "day":
            return "day"
        if unit in ("week", "month"):
            return f"date_trunc('{unit}', day)::DATE"
        instant = "(time - to_milliseconds(elapsed))" if began else "time"
        zone = self.binder.bind(self.query.range.timezone)
        return f"date_trunc('{unit}', {instant} AT TIME ZONE {zone})"

    def _has_values(self) -> str:
        """Rows without a value belong to no group, where the dimension has no label."""
        return " AND ".join(
            f"{DIMENSIONS[name].column} <> ''"
            for name in self.query.dimensions
            if name in DIMENSIONS and DIMENSIONS[name].empty is None
        )

    def _of_events(self) -> str:
        names = {"events": "count(*)"}
        if "views" in self.needed:
            names["views"] = "count(*) FILTER (view > 0)"
        if self.needed & {"revenue", "paid"}:
            currency = self.binder.bind(self.plan.currency)
            names["revenue"] = f"sum(revenue) FILTER (currency = {currency})"
            names["paid"] = f"count(revenue) FILTER (currency = {currency})"
        if self._visitors_arrive():
            names["visitors"] = "count(*) FILTER (arrival)"
        return self._group("matched", names)

    def _visitors_arrive(self) -> bool:
        """Whether visitors are a plain sum: all that is asked is fixed for a visitor."""
        if self.cut or "visitors" not in self.needed:
            return False
        names = set(self.query.dimensions) | {
            leaf.dimension for leaf in all_leaves(self.query.filter)
        }
        days = {"time:day", "time:week", "time:month"}
        return all(name in days or dimension(name).fixed for name in names)

    def _of_visitors(self) -> str:
        if "visitors" not in self.needed or self._visitors_arrive():
            return ""
        return self._distinct("visitor", "visitors")

    def _of_distinct_visits(self) -> str:
        if "visits" not in self.needed or self._visits_are_entered():
            return ""
        return self._distinct("visit", "visits")

    def _distinct(self, number: str, measure: str) -> str:
        dims = self._expressions(began=False)
        inner = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        outer = [f"d{index}" for index in range(len(dims))]
        missing = self._has_values()
        where = f" WHERE {missing}" if missing else ""
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        return (
            f"SELECT {', '.join([*outer, f'count(*) AS {measure}'])}\nFROM (SELECT"
            f" DISTINCT {', '.join([*inner, 'day', number])} FROM matched{where}){group}"
        )

    def _of_entered(self) -> str:
        names = {name: sql for name, sql in _ENTERED.items() if name in self.needed}
        if self._visits_are_entered():
            names["visits"] = _ENTERED["entered"]
        if not names:
            return ""
        return self._group("chosen", names, began=True)

    def _of_engagement(self) -> str:
        wanted = self.needed & {"scroll", "scrolled", "engaged", "engaged_visits"}
        if not wanted:
            return ""
        dims = self._expressions(began=False)
        inner = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        outer = [f"d{index}" for index in range(len(dims))]
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        keys = ", ".join([*outer, "day", "visit"])
        return (
            f"SELECT {', '.join([*outer, *_ENGAGED])}\nFROM (\n"
            f"  SELECT {', '.join([*inner, 'day', 'visit'])},"
            " max(scroll) AS deepest, sum(engaged) AS stayed\n"
            f"  FROM rows WHERE name = 'engagement'{self._within('time')}\n"
            "    AND (day, visit, path) IN (SELECT (day, visit, path) FROM matched)\n"
            f"  GROUP BY {keys}\n){group}"
        )

    def _of_tables(self) -> str:
        if not self.plan.tables:
            return ""
        bind = self.binder.bind
        value = "value"
        dims, which = [], ""
        for index, name in enumerate(self.query.dimensions):
            if name in TIME_BUCKETS:
                dims.append(f"{self._bucket(TIME_BUCKETS[name], False)} AS d{index}")
            else:
                which = name
                empty = dimension(name).empty
                if empty is not None:
                    value = f"coalesce(nullif(value, ''), {bind(empty)})"
                dims.append(f"{value} AS d{index}")
        sums = [
            f"sum({name}) AS {name}"
            for name in sorted(self.needed | {"events"})
            if name not in _SHARES
        ]
        group = ", ".join(str(index + 1) for index in range(len(dims)))
        tail = f"\nGROUP BY {group}" if dims else ""
        present = " AND value <> ''" if which and dimension(which).empty is None else ""
        return (
            f"SELECT {', '.join([*dims, *sums])}\nFROM days\n"
            f"WHERE site = {bind(self.query.site)} AND dimension = {bind(which)}"
            f" AND {_in_days(self.plan.tables, self.binder)}{present}{tail}"
        )

    # Shares of a whole

    def _shares(self) -> list[tuple[str, str]]:
        found = []
        if "all_visitors" in self.needed:
            found.append(("whole", self._whole(replace(self.query, dimensions=()))))
        plain = replace(self.query, filter=without_goals(self.query.filter))
        if "reached_visitors" in self.needed:
            found.append(("reached", self._whole(replace(plain, dimensions=()))))
        if "group_visitors" in self.needed:
            dims = tuple(name for name in plain.dimensions if name != GOAL)
            found.append(("groups", self._whole(replace(plain, dimensions=dims))))
        return found

    def _whole(self, query: Query) -> str:
        """Visitors of another question over the same days, by its own dimensions."""
        asked = replace(query, metrics=("visitors",), order=())
        blocks = _Blocks(asked, self.plan, self.binder)
        body = ",\n".join(
            f"{name} AS (\n{_indent(sql)}\n)" for name, sql in blocks.named()
        )
        return f"WITH {body}\nSELECT * FROM summed"

    def _summed(self) -> str:
        dims = [f"d{index}" for index in range(len(self.query.dimensions))]
        sums = [
            f"coalesce(sum({name}), 0)::DOUBLE AS {name}"
            for name in sorted(self.needed | {"events"})
            if name not in _SHARES
        ]
        shares, joins = self._joined()
        group = f"\nGROUP BY {', '.join(dims)}\nHAVING sum(events) > 0" if dims else ""
        inner = f"SELECT {', '.join([*dims, *sums])} FROM parts{group}"
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


_ENTERED = {
    "entered": "count(*) FILTER (step = 1)",
    "entered_views": "count(*) FILTER (view > 0)",
    "bounces": "count(*) FILTER (step = 1) - count(*) FILTER (interaction = 2)",
    "since": "sum(since)",
}
_ENGAGED = (
    "sum(deepest) AS scroll",
    "count(deepest) AS scrolled",
    "sum(stayed) AS engaged",
    "count(stayed) AS engaged_visits",
)
_SHARES = frozenset({"all_visitors", "reached_visitors", "group_visitors"})


def _grouped_goals(query: Query) -> tuple[Goal, ...]:
    """The goals that are told apart: those that the filter's top level selects."""
    found = query.goals
    for part in query.filter.parts:
        if isinstance(part, Leaf) and part.dimension == GOAL:
            chosen = goals_named(part, query.goals)
            found = tuple(goal for goal in found if goal in chosen)
    return found
