"""The parts of an answer that visits of closed days give, and their pages. Pure.

They are sums of the same measures as those over hits: a visit's row has what its hits
add up to, and a visitor is told apart there only who has several visits on the day.
"""

from __future__ import annotations

from page_tracker.query import measures
from page_tracker.query.catalog import ENTRY_OF, PAGE, TIME_BUCKETS, dimension
from page_tracker.query.dialect import Part
from page_tracker.query.measures import Sum
from page_tracker.query.partial_sums import PartialSums, in_days
from page_tracker.query.plan import Days
from page_tracker.query.query import Query
from page_tracker.query.strategies import OF_WHOLE_VISITS, Visitors
from page_tracker.query.where import Binder, condition

_OF_VISITS = {
    "visits": Sum("sum(entered)", ("entered",)),
    "entered": Sum("sum(entered)", ("entered",)),
    "landed": Sum("sum(entered)", ("entered",)),
    "entered_views": Sum("sum(views)", ("views",)),
    "views": Sum("sum(views)", ("views",)),
    "bounces": Sum("sum(bounces)", ("bounces",)),
    "since": Sum("sum(since)", ("since",)),
    "scroll": Sum("sum(scroll)", ("scroll",)),
    "scrolled": Sum("count(scroll)", ("scroll",)),
    "engaged": Sum("sum(engaged)", ("engaged",)),
    "engaged_visits": Sum("count(engaged)", ("engaged",)),
}
_SEEN_EVENTS = Sum("sum(events)", ("events",))
_ARRIVED = Sum("sum(arrivals)", ("arrivals",))
_ALONE = Sum("count(*) FILTER (WHERE visitor IS NULL)", ("visitor",))


def of_chosen_visits(query: Query, days: tuple[Days, ...], binder: Binder) -> str:
    """The visits of these days that a query is about, from `FROM` on."""
    binder.reads("site", "day")
    return (
        f"FROM visits\nWHERE site = {binder.bind(query.site)}"
        f" AND {in_days(days, binder)}"
        f" AND {condition(query.filter, query.goals, binder)}"
    )


class VisitSums(PartialSums):
    """The parts that a query needs of visits."""

    def all(self) -> list[Part]:
        """All parts of what visits answer."""
        if not self.plan.visits:
            return []
        return [*self._of_visits(), *self._of_visitors_told_apart()]

    def _of_visits(self) -> list[Part]:
        """The sums over visits, in which a visitor who has a single one stands once.

        By page, what is measured of visits as a whole is that of those that entered
        there; the rest is summed over their pages.
        """
        sums = {"events": _SEEN_EVENTS}
        sums |= {name: each for name, each in _OF_VISITS.items() if name in self.needed}
        if self.by.visitors is not Visitors.NONE:
            is_by_arrival = self.by.visitors is Visitors.ARRIVALS
            sums["visitors"] = _ARRIVED if is_by_arrival else _ALONE
        if PAGE not in self.query.dimensions:
            return [self._by_columns("visited", sums)]
        entered = {name: sums[name] for name in sums if name in OF_WHOLE_VISITS}
        paged = {name: sums[name] for name in sums if name not in OF_WHOLE_VISITS}
        if "visits" in paged:
            paged["visits"] = measures.ROWS
        parts = [self._by_columns("paged", paged)]
        if entered:
            parts.append(self._by_columns("visited", entered, began=True))
        return parts

    def _by_columns(
        self, source: str, sums: dict[str, Sum], began: bool = False
    ) -> Part:
        """A SELECT of those measures over a source, by the query's dimensions.

        Rows are grouped by columns as they are, which is twice as fast, and the groups
        named then.
        """
        self.binder.reads(
            *(column for each in sums.values() for column in each.columns)
        )
        dims = [
            f"{sql} AS d{index}" for index, sql in enumerate(self._expressions(began))
        ]
        keys = dict.fromkeys(
            _column_of(ENTRY_OF.get(name, name) if began else name)
            for name in self.query.dimensions
        )
        found = [*keys, *(f"{each.sql} AS its_{name}" for name, each in sums.items())]
        given = [*dims, *(f"its_{name} AS {name}" for name in sums)]
        where = f" WHERE {missing}" if (missing := self._has_values()) else ""
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        return Part(
            f"SELECT {', '.join(given)}\n"
            f"FROM (SELECT {', '.join(found)} FROM {source}{where}{group})",
            tuple(sums),
        )

    def _of_visitors_told_apart(self) -> list[Part]:
        """Visitors who have several visits on a day, once in each group."""
        if self.by.visitors in (Visitors.NONE, Visitors.ARRIVALS):
            return []
        self.binder.reads("visitor")
        dims = self._expressions(began=False)
        inner = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        outer = [f"d{index}" for index in range(len(dims))]
        source = "paged" if PAGE in self.query.dimensions else "visited"
        where = " AND ".join(filter(None, ("visitor IS NOT NULL", self._has_values())))
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        sql = (
            f"SELECT {', '.join([*outer, 'count(*) AS visitors'])}\nFROM (\n"
            f"  SELECT DISTINCT {', '.join([*inner, 'day', 'visitor'])} FROM {source}"
            f" WHERE {where}\n){group}"
        )
        return [Part(sql, ("visitors",))]


def _column_of(name: str) -> str:
    """The column of visits from which a dimension's value is computed."""
    if name in TIME_BUCKETS:
        return "day"
    return dimension(name).column
