"""The parts of an answer that visits of closed days give, and their pages. Pure.

They are sums of the same measures as those over hits: a visit's row has what its hits
add up to. Visitors are told by the cheapest of these:

    arrivals     all that is asked is a visitor's own → visits that are the first ones
    first_of     one thing is asked that a visitor's visits may differ in
                 → visits that are the first ones with their value of it
    otherwise    → visits, less those by which visitors are counted too often
"""

from __future__ import annotations

from page_tracker.query import measures
from page_tracker.query.catalog import ENTRY_OF, PAGE, TIME_BUCKETS, dimension
from page_tracker.query.dialect import Part
from page_tracker.query.measures import Sum
from page_tracker.query.partial_sums import PartialSums, in_days
from page_tracker.query.plan import Days, Plan
from page_tracker.query.query import Filter, Leaf, Query, all_leaves, conjuncts
from page_tracker.query.strategies import (
    OF_WHOLE_VISITS,
    WHOLE_DAYS,
    Visitors,
    strategies,
)
from page_tracker.query.where import Binder, condition
from page_tracker.schema import FIRSTS

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
# By page, of the page that visits entered by.
_OF_ENTRY_PAGES = {
    "visits": Sum("count(*) FILTER (WHERE entry_events > 0)", ("entry_events",)),
    "views": Sum("sum(entry_views)", ("entry_views",)),
    "events": Sum("sum(entry_events)", ("entry_events",)),
}
_FIRST_ON_PAGE = Sum("count(*) FILTER (WHERE coalesce(first, true))", ("first",))
_OF_FURTHER_PAGES = {
    "visits": measures.ROWS,
    "views": Sum("sum(views)", ("views",)),
    "events": _SEEN_EVENTS,
}


def of_chosen_visits(query: Query, days: tuple[Days, ...], binder: Binder) -> str:
    """The visits of these days that a query is about, from `FROM` on."""
    binder.reads("site", "day")
    return (
        f"FROM visits\nWHERE site = {binder.bind(query.site)}"
        f" AND {in_days(days, binder)}"
        f" AND {condition(query.filter, query.goals, binder)}"
    )


def first_of(query: Query) -> str | None:
    """What a query asks that a visitor's visits may differ in, as in FIRSTS: a
    dimension, or one value by a filter; None where that is more than one thing."""
    chosen = [part for part in conjuncts(query.filter) if _is_of_one_value(part)]
    filtered = [leaf for leaf in all_leaves(query.filter) if _differs(leaf.dimension)]
    if any(leaf not in chosen for leaf in filtered):
        return None
    asked = [name for name in query.dimensions if name not in WHOLE_DAYS]
    asked += [leaf.dimension for leaf in filtered]
    differing = {dimension(name).column for name in asked if _differs(name)}
    return differing.pop() if len(differing) == 1 else None


def tells_visitors_apart(query: Query) -> bool:
    """Whether, to answer it, visitors with several visits a day are held one by one."""
    is_summed = strategies(query).visitors in (Visitors.NONE, Visitors.ARRIVALS)
    return not is_summed and first_of(query) is None


def _differs(name: str) -> bool:
    """Whether a visitor's visits of a day may differ in a dimension."""
    return not dimension(name).fixed


def _is_of_one_value(part: Filter) -> bool:
    return (
        isinstance(part, Leaf)
        and part.operator == "is"
        and part.case_sensitive
        and len(part.values) == 1
    )


class VisitSums(PartialSums):
    """The parts that a query needs of visits."""

    def __init__(self, query: Query, plan: Plan, binder: Binder) -> None:
        super().__init__(query, plan, binder)
        self._first_of = first_of(query)
        self._is_by_page = PAGE in query.dimensions

    def sources(self) -> list[tuple[str, str]]:
        """The blocks that the parts read: (name, SQL)."""
        chosen = of_chosen_visits(self.query, self.plan.visits, self.binder)
        blocks = [("visited", f"SELECT * {chosen}")]
        if self._is_by_page:
            blocks.append(("further", self._further()))
        return blocks

    def all(self) -> list[Part]:
        """All parts of what visits answer."""
        if not self.plan.visits:
            return []
        return [*self._of_visits(), *self._of_visitors_told_apart()]

    def _further(self) -> str:
        """The chosen visits' pages beside those that they entered by; with the visitor,
        where these are told apart."""
        self.binder.reads("visit", "events", "entry_events")
        several = "FROM visited WHERE events > entry_events"
        if "visitors" in self.needed and not self._first_of:
            return self._pages(f"JOIN (SELECT day, visit, visitor {several})")
        return self._pages(f"SEMI JOIN (SELECT day, visit {several})")

    def _pages(self, joined: str) -> str:
        """The further pages that are joined with visits."""
        site = self.binder.bind(self.query.site)
        days = in_days(self.plan.visits, self.binder)
        return (
            f"SELECT * FROM pages {joined} these\n"
            f"USING (day, visit) WHERE site = {site} AND {days}"
        )

    def _of_visits(self) -> list[Part]:
        """The sums over visits.

        By page, what is measured of visits as a whole is that of those that entered
        there; the rest is summed over their pages, of which that is one.
        """
        sums = {"events": _SEEN_EVENTS}
        sums |= {name: each for name, each in _OF_VISITS.items() if name in self.needed}
        if not self._is_by_page:
            return [self._by_columns("visited", sums | self._visitors())]
        paged = [name for name in sums if name not in OF_WHOLE_VISITS]
        sums |= {name: _OF_ENTRY_PAGES[name] for name in paged} | self._visitors()
        further = {name: _OF_FURTHER_PAGES[name] for name in paged}
        if "visitors" in self.needed:
            further["visitors"] = _FIRST_ON_PAGE if self._first_of else measures.ROWS
        return [
            self._by_columns("visited", sums, began=True),
            self._by_columns("further", further),
        ]

    def _visitors(self) -> dict[str, Sum]:
        """Visitors, if asked for: of each of a visit's values its own is the first, but
        for `_of_visitors_told_apart`."""
        if self.by.visitors is Visitors.NONE:
            return {}
        if self.by.visitors is Visitors.ARRIVALS:
            return {"visitors": _ARRIVED}
        found = _OF_ENTRY_PAGES["visits"] if self._is_by_page else measures.ROWS
        if self._first_of:
            bit = 1 << FIRSTS.index(self._first_of)
            is_first = f"coalesce(firsts % {2 * bit} >= {bit}, true)"
            if self._is_by_page:
                is_first += " AND entry_events > 0"
            columns = (*found.columns, "firsts")
            found = Sum(f"count(*) FILTER (WHERE {is_first})", columns)
        return {"visitors": found}

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
        """Visitors who may be counted several times in a group of a day: once, minus
        that."""
        if self.by.visitors in (Visitors.NONE, Visitors.ARRIVALS):
            return []
        apart = "firsts IS NULL" if self._first_of else "visitor IS NOT NULL"
        self.binder.reads("visitor", *["firsts"] * bool(self._first_of))
        dims = self._expressions(began=False)
        inner = [f"{sql} AS d{index}" for index, sql in enumerate(dims)]
        outer = [f"d{index}" for index in range(len(dims))]
        source = (
            f"visited WHERE {' AND '.join(filter(None, (apart, self._has_values())))}"
        )
        if self._is_by_page:
            source = f"({self._pages_apart(apart)})"
        keys = ", ".join([*outer, "day", "visitor"])
        group = f"\nGROUP BY {', '.join(outer)}" if outer else ""
        sql = (
            f"SELECT {', '.join([*outer, 'count(*) - sum(its) AS visitors'])}\nFROM (\n"
            f"  SELECT {', '.join([*inner, 'day', 'visitor'])}, count(*) AS its"
            f" FROM {source}\n  GROUP BY {keys}\n){group}"
        )
        return [Part(sql, ("visitors",))]

    def _pages_apart(self, apart: str) -> str:
        """The pages of visits of which `apart` holds, with their visitors."""
        further = f"further WHERE {apart}"
        if self._first_of:
            visits = f"SELECT day, visit, visitor FROM visited WHERE {apart}"
            further = f"({self._pages(f'JOIN ({visits})')}) WHERE first IS NULL"
        return (
            "SELECT entry_path AS path, day, visitor FROM visited"
            f" WHERE entry_events > 0 AND {apart}\n"
            f"UNION ALL SELECT path, day, visitor FROM {further}"
        )


def _column_of(name: str) -> str:
    """The column of visits from which a dimension's value is computed."""
    if name in TIME_BUCKETS:
        return "day"
    return dimension(name).column
