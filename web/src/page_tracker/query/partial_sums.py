"""The parts of an answer: sums of measures by the query's dimensions. Pure.

Each part is a SELECT over one of the blocks of `sql`. The parts are united, with 0 for
measures that a part lacks, and added up by dimension.
"""

from __future__ import annotations

from page_tracker.query import measures
from page_tracker.query.buckets import SECONDS
from page_tracker.query.catalog import (
    DIMENSIONS,
    ENTRY_OF,
    GOAL,
    TIME_BUCKETS,
)
from page_tracker.query.dialect import Counted, Part
from page_tracker.query.measures import Sum
from page_tracker.query.plan import Days, Plan, tabled
from page_tracker.query.query import (
    And,
    Query,
    all_about,
    currency,
    measures_of,
    property_key,
    renamed,
)
from page_tracker.query.strategies import Visitors, Visits, WholeVisits, strategies
from page_tracker.query.where import Binder, condition, labelled

BEGAN_READS = ("time", "elapsed")

_ENTERED = {
    "entered": measures.visits(),
    "entered_views": measures.VIEWS,
    "since": measures.SINCE,
}
# Measures of the visits for which a condition holds.
_LANDED = {"landed": measures.visits, "bounces": measures.bounces}
_ENGAGED = {
    "scroll": "sum(deepest)",
    "scrolled": "count(deepest)",
    "engaged": "sum(stayed)",
    "engaged_visits": "count(stayed)",
}
# The columns that only engagements have.
ENGAGEMENT = frozenset({"scroll", "engaged"})
# The whole of which conversion rates, and other shares, are a share.
CONVERSIONS = frozenset({"reached_visitors", "group_visitors"})
SHARES = CONVERSIONS | {"all_visitors"}


def in_days(days: tuple[Days, ...], binder: Binder) -> str:
    """The condition that a row belongs to one of these days."""
    found = [
        f"day BETWEEN {binder.bind(each.first)} AND {binder.bind(each.last)}"
        for each in days
    ]
    return "(" + (" OR ".join(found) or "false") + ")"


class PartialSums:
    """The parts that a query needs."""

    def __init__(self, query: Query, plan: Plan, binder: Binder) -> None:
        self.query, self.plan, self.binder = query, plan, binder
        self.needed = set(measures_of(query))
        self.by = strategies(query)

    def all(self) -> list[Part]:
        """All parts of what day tables and hits answer."""
        parts = self._of_tables()
        if self.plan.hits or not (self.plan.tables or self.plan.visits):
            parts += self._of_hits()
        return parts

    def _of_hits(self) -> list[Part]:
        return [
            self._of_events(),
            *self._of_who_came_back(),
            *self._of_distinct(),
            *self._of_entered(),
            *self._of_engagement(),
        ]

    @property
    def began(self) -> str:
        """When the visit of a row began."""
        return self.binder.sql.earlier("time", "elapsed")

    def _group(self, source: str, sums: dict[str, Sum], began: bool = False) -> Part:
        """A SELECT of those measures over a source, by the query's dimensions."""
        dims = self._expressions(began)
        columns = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        columns += [f"{each.sql} AS {name}" for name, each in sums.items()]
        self.binder.reads(
            *(column for each in sums.values() for column in each.columns)
        )
        lines = [f"SELECT {', '.join(columns)}", f"FROM {source}"]
        missing = self._has_values()
        if missing:
            lines.append(f"WHERE {missing}")
        if dims:
            lines.append(
                "GROUP BY " + ", ".join(str(index + 1) for index in range(len(dims)))
            )
        return Part("\n".join(lines), tuple(sums))

    def _expressions(self, began: bool) -> list[str]:
        found = []
        for name in self.query.dimensions:
            if name in TIME_BUCKETS:
                found.append(self._bucket(name, began))
            elif began and name in ENTRY_OF:
                found.append(labelled(ENTRY_OF[name], self.binder))
            elif name == GOAL:
                found.append("goal")
            else:
                found.append(labelled(name, self.binder))
        return found

    def _bucket(self, name: str, began: bool) -> str:
        """The key of a row's bucket of time, as `buckets` has it."""
        bind, sql = self.binder.bind, self.binder.sql
        if name == "time:day":
            return "day"
        if name == "time:month":
            return sql.month_of("day")
        if name == "time:week":
            return f"greatest({sql.week_of('day')}, {bind(self.query.range.first)})"
        instant = self.began if began else "time"
        self.binder.reads(*BEGAN_READS if began else ("time",))
        return sql.begin_of(instant, SECONDS[name], bind(self.query.range.timezone))

    def _has_values(self) -> str:
        """Rows without a value belong to no group, where the dimension has no label."""
        return " AND ".join(
            f"{DIMENSIONS[name].column} <> ''"
            for name in self.query.dimensions
            if name in DIMENSIONS and DIMENSIONS[name].empty is None
        )

    def _of_events(self) -> Part:
        sums = {"events": measures.ROWS}
        if "views" in self.needed:
            sums["views"] = measures.VIEWS
        if self.needed & {"revenue", "paid"}:
            is_by_goal = GOAL in self.query.dimensions
            unit = "unit" if is_by_goal else self.binder.bind(currency(self.query))
            sums["revenue"] = measures.revenue(unit)
            sums["paid"] = measures.paid(unit)
        if self.by.visitors in (Visitors.ARRIVALS, Visitors.ARRIVALS_AND_RETURNS):
            sums["visitors"] = measures.VISITORS
        if self.by.whole_visits is WholeVisits.MATCHED:
            sums |= self._of_whole_visits()
        return self._group("matched", sums)

    def _of_who_came_back(self) -> list[Part]:
        """Visitors with several visits a day, once in each group, minus their arrivals.

        Arrivals are counted already, and most visitors have no other visit.
        """
        if self.by.visitors is not Visitors.ARRIVALS_AND_RETURNS:
            return []
        self.binder.reads("visitor", "step", *measures.VISITORS.columns)
        dims = self._expressions(began=False)
        inner = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        outer = [f"d{index}" for index in range(len(dims))]
        missing = self._has_values()
        where = f" AND {missing}" if missing else ""
        keys = ", ".join([*outer, "day", "visitor"])
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        sql = (
            f"SELECT {', '.join([*outer, 'count(*) - sum(arrived) AS visitors'])}\n"
            f"FROM (\n  SELECT {', '.join([*inner, 'day', 'visitor'])},"
            f" {measures.VISITORS.sql} AS arrived\n"
            "  FROM matched SEMI JOIN (\n"
            "    SELECT day, visitor FROM matched WHERE step = 1 AND NOT arrival\n"
            f"  ) again USING (day, visitor) WHERE step = 1{where}\n"
            f"  GROUP BY {keys}\n){group}"
        )
        return [Part(sql, ("visitors",))]

    def _of_distinct(self) -> list[Part]:
        """Visitors and visits that have to be counted distinct rather than summed."""
        asked: dict[Counted, bool] = {
            "visitors": self.by.visitors is Visitors.DISTINCT,
            "visits": self.by.visits is Visits.DISTINCT,
        }
        counted = tuple(name for name, is_asked in asked.items() if is_asked)
        if not counted:
            return []
        self.binder.reads("visitor", *["visit"] * asked["visits"])
        missing = self._has_values()
        source = f"FROM matched{missing and f' WHERE {missing}'}"
        dims = self._expressions(began=False)
        return [Part(self.binder.sql.distinct(counted, dims, source), counted)]

    def _of_entered(self) -> list[Part]:
        if self.by.whole_visits is not WholeVisits.CHOSEN:
            return []
        return [self._group("chosen", self._of_whole_visits(), began=True)]

    def _of_whole_visits(self) -> dict[str, Sum]:
        """The measures of whole visits that are needed."""
        sums = {name: each for name, each in _ENTERED.items() if name in self.needed}
        if self.needed & _LANDED.keys():
            holds = self._landed()
            sums |= {
                name: sum_of(holds)
                for name, sum_of in _LANDED.items()
                if name in self.needed
            }
        if self.by.visits is Visits.FIRST_STEPS:
            sums["visits"] = _ENTERED["entered"]
        return sums

    def _landed(self) -> str:
        """The condition that the visit's entry page satisfies the filters by page."""
        pages = all_about(self.query.filter, "event:page")
        if not pages:
            return ""
        entry = And(tuple(renamed(page, "visit:entry_page") for page in pages))
        return condition(entry, self.query.goals, self.binder)

    def _of_engagement(self) -> list[Part]:
        wanted = self.needed & {"scroll", "scrolled", "engaged", "engaged_visits"}
        if not wanted:
            return []
        self.binder.reads("visit", "path", "step", *ENGAGEMENT)
        dims, page = self._expressions(began=False), "day, visit, path"
        # Columns that only the page's own events have are read from those.
        own = {
            index: f"{sql} AS own{index}"
            for index, sql in enumerate(dims)
            if _is_of_one_event(self.query.dimensions[index])
        }
        read = f"rows SEMI JOIN matched USING ({page})"
        if own:
            pages = f"SELECT DISTINCT {', '.join([page, *own.values()])} FROM matched"
            read = f"rows JOIN ({pages}) own USING ({page})"
        inner = [
            f"{f'own{index}' if index in own else sql} AS d{index}"
            for index, sql in enumerate(dims)
        ]
        outer = [f"d{index}" for index in range(len(dims))]
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        keys = ", ".join([*outer, "day", "visit"])
        sums = [f"{sql} AS {name}" for name, sql in _ENGAGED.items()]
        sql = (
            f"SELECT {', '.join([*outer, *sums])}\nFROM (\n"
            f"  SELECT {', '.join([*inner, 'day', 'visit'])},"
            " max(scroll) AS deepest, sum(engaged) AS stayed\n"
            f"  FROM {read}\n"
            f"  WHERE step = 0{self.within('time')}\n"
            f"  GROUP BY {keys}\n){group}"
        )
        return [Part(sql, tuple(_ENGAGED))]

    def _of_tables(self) -> list[Part]:
        if not self.plan.tables:
            return []
        bind = self.binder.bind
        dims, which = [], ""
        for index, name in enumerate(self.query.dimensions):
            if name in TIME_BUCKETS:
                dims.append(f"{self._bucket(name, False)} AS d{index}")
            else:
                which = name
                dims.append(f"value AS d{index}")
        # Day tables have no rows for values without events.
        sums = {"events": "count(*)"} | {
            name: f"sum({tabled(name)})" for name in sorted(self.needed - SHARES)
        }
        columns = [f"{sql} AS {name}" for name, sql in sums.items()]
        group = ", ".join(str(index + 1) for index in range(len(dims)))
        tail = f"\nGROUP BY {group}" if dims else ""
        sql = (
            f"SELECT {', '.join([*dims, *columns])}\nFROM days\n"
            f"WHERE site = {bind(self.query.site)} AND dimension = {bind(which)}"
            f" AND {in_days(self.plan.tables, self.binder)}{tail}"
        )
        return [Part(sql, tuple(sums))]

    def within(self, instant: str) -> str:
        """The condition that an instant is in a range that cuts a day."""
        asked = self.query.range
        if asked.start is None:
            return ""
        self.binder.reads("time")
        bind = self.binder.bind
        return (
            f" AND {instant} >= {bind(asked.start)} AND {instant} < {bind(asked.end)}"
        )


def _is_of_one_event(name: str) -> bool:
    """Whether an engagement with a page need not have what the page's view has."""
    return name in (GOAL, "event:name") or property_key(name) is not None
