"""The parts of an answer: sums of measures by the query's dimensions. Pure.

Each part is a SELECT over one of the blocks of `sql`; parts are put under each other,
a measure that a part lacks is nothing, and then added up by dimension.
"""

from __future__ import annotations

from page_tracker.query.catalog import DIMENSIONS, ENTRY_OF, TIME_BUCKETS, dimension
from page_tracker.query.conditions import Binder, labelled
from page_tracker.query.plan import Days, Plan
from page_tracker.query.query import (
    Query,
    all_leaves,
    currency,
    event_dimensions,
    measures,
)

GOAL = "event:goal"
BEGAN = "(time - to_milliseconds(elapsed))"

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
SHARES = frozenset({"all_visitors", "reached_visitors", "group_visitors"})


def in_days(days: tuple[Days, ...], binder: Binder) -> str:
    """The condition that a row is of one of these days."""
    found = [
        f"day BETWEEN {binder.bind(each.first)} AND {binder.bind(each.last)}"
        for each in days
    ]
    return "(" + (" OR ".join(found) or "false") + ")"


class Parts:
    """The parts that a query needs."""

    def __init__(self, query: Query, plan: Plan, binder: Binder) -> None:
        self.query, self.plan, self.binder = query, plan, binder
        self.needed = set(measures(query))

    def reads_chosen(self) -> bool:
        """Whether anything is asked of whole visits."""
        return bool(self.needed & _ENTERED.keys()) or self._visits_are_entered()

    def _visits_are_entered(self) -> bool:
        return "visits" in self.needed and not event_dimensions(self.query)

    def all(self) -> str:
        """All parts, one under the other."""
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
                found.append(labelled(ENTRY_OF[name], self.binder))
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
        instant = BEGAN if began else "time"
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
            told = self.binder.bind(currency(self.query))
            names["revenue"] = f"sum(revenue) FILTER (currency = {told})"
            names["paid"] = f"count(revenue) FILTER (currency = {told})"
        if self._visitors_arrive():
            names["visitors"] = "count(*) FILTER (arrival)"
        return self._group("matched", names)

    def _visitors_arrive(self) -> bool:
        """Whether visitors are a sum: all that is asked is fixed for a visitor."""
        if self.query.range.start or "visitors" not in self.needed:
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
        distinct = ", ".join([*inner, "day", number])
        return (
            f"SELECT {', '.join([*outer, f'count(*) AS {measure}'])}\n"
            f"FROM (SELECT DISTINCT {distinct} FROM matched{where}){group}"
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
            f"  FROM rows WHERE name = 'engagement'{self.within('time')}\n"
            "    AND (day, visit, path) IN (SELECT (day, visit, path) FROM matched)\n"
            f"  GROUP BY {keys}\n){group}"
        )

    def _of_tables(self) -> str:
        if not self.plan.tables:
            return ""
        bind = self.binder.bind
        dims, which = [], ""
        for index, name in enumerate(self.query.dimensions):
            if name in TIME_BUCKETS:
                dims.append(f"{self._bucket(TIME_BUCKETS[name], False)} AS d{index}")
            else:
                which = name
                dims.append(f"value AS d{index}")
        sums = [
            f"sum({name}) AS {name}"
            for name in sorted(self.needed | {"events"})
            if name not in SHARES
        ]
        group = ", ".join(str(index + 1) for index in range(len(dims)))
        tail = f"\nGROUP BY {group}" if dims else ""
        return (
            f"SELECT {', '.join([*dims, *sums])}\nFROM days\n"
            f"WHERE site = {bind(self.query.site)} AND dimension = {bind(which)}"
            f" AND {in_days(self.plan.tables, self.binder)}{tail}"
        )

    def within(self, instant: str) -> str:
        """The condition that an instant lies in a range that cuts a day."""
        asked = self.query.range
        if asked.start is None:
            return ""
        bind = self.binder.bind
        return (
            f" AND {instant} >= {bind(asked.start)} AND {instant} < {bind(asked.end)}"
        )
