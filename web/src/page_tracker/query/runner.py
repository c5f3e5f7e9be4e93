"""Runs questions: hits that several of them read are taken out once, and long ranges
are read slice by slice.

    asks → groups that read the same days and hits → their day tables, from memory
      → the sums of many hits of days that are over, kept from then on
      → slices of the other hits with no more rows than memory holds
      → each statement over each slice → what adds up, added up

Where a group's rows are few there is one slice, and an ask is one statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from page_tracker.lake.table_files import TableFiles
from page_tracker.query.lake_state import LakeState, paths_of
from page_tracker.query.plan import Days, Plan, days_between, runs, without
from page_tracker.query.query import Query
from page_tracker.query.shared_rows import (
    TAKEN,
    Ask,
    Slice,
    by_day,
    days_added_up,
    days_by_day,
    groups,
    over_days,
    shared_rows,
    shared_visits,
    slices,
    stretches,
)
from page_tracker.query.sql import Statement, sum_tables
from page_tracker.query.visit_sums import tells_visitors_apart

if TYPE_CHECKING:  # what only shapes answers does not load DuckDB
    from page_tracker.query.engine import Session


# Where no more than this share of visits is asked about, they are taken out once;
# others are added up as they are read.
FEW = 8
# Where visitors are told apart, a row is held for each who came back: so many visits
# take no more room than one row of hits.
VISITS_A_ROW = 2

# Work on less than this share of the rows that memory holds need not be done alone.
SMALL = 8


class Result(msgspec.Struct, frozen=True):
    """The rows of an ask's statement, and the seconds that each step took.

    `statement` reads `files`; what was run may have read copies of their rows.
    """

    ask: Ask
    statement: Statement
    values: list[tuple[object, ...]]
    files: Mapping[str, Sequence[str]]
    seconds: Mapping[str, float]


def run(asks: Iterable[Ask], sources: LakeState, session: Session) -> dict[Ask, Result]:
    """The rows of each ask's statement. Raises as Engine.session."""
    return {
        result.ask: result
        for group in groups(asks)
        for result in _Group(group, sources, session).results()
    }


class _Group:
    """Asks that read the same hits."""

    def __init__(
        self, asks: Sequence[Ask], sources: LakeState, session: Session
    ) -> None:
        self._asks, self._sources, self._session = asks, sources, session
        self._days: dict[Ask, str] = {}

    def results(self) -> list[Result]:
        began = time.perf_counter()
        self._remember_days()
        days = self._asks[0].plan.hits
        if settled := self._settled():
            return self._over_kept(settled, began)
        rows = self._sources.hits_about(days)
        if rows < self._session.max_rows // SMALL:
            return self._at_once(days, began)
        with self._session.large():
            if rows <= self._session.max_rows:
                return self._at_once(days, began)
            return self._bit_by_bit(began)

    def _at_once(self, days: tuple[Days, ...], began: float) -> list[Result]:
        hits = self._taken(Slice(days))
        seconds = {"share": time.perf_counter() - began}
        return [self._answered(ask, hits, seconds) for ask in self._asks]

    def _bit_by_bit(self, began: float) -> list[Result]:
        self.sum_up()
        seconds = {"slices": time.perf_counter() - began}
        return [self._summed(at, ask, seconds) for at, ask in enumerate(self._asks)]

    def _slices(self, days: tuple[Days, ...]) -> list[Slice]:
        if self._sources.hits_about(days) <= self._session.max_rows:
            return [Slice(days)]
        return slices(self._counted(days), days, self._session.max_rows)

    def _settled(self) -> Plan | None:
        """Where days that are over are read from, if their sums are worth keeping:
        their visits, or else their hits."""
        sources, worth = self._sources, self._session.worth_keeping
        visits = self._asks[0].plan.visits
        if visits:
            is_worth_it = sources.visits_about(visits) >= worth
            return Plan((), (), visits) if is_worth_it else None
        over = sources.over(self._asks[0].query.range, self._asks[0].plan.hits)
        return Plan((), over) if over and sources.hits_about(over) >= worth else None

    def _over_kept(self, settled: Plan, began: float) -> list[Result]:
        """The answers from the sums of days that are over, which are kept, and of the
        other days' hits."""
        whole = [replace(ask, query=_uncut(ask.query)) for ask in self._asks]
        asks = [replace(ask, plan=settled) for ask in whole]
        kept = _Group(asks, self._sources, self._session).kept_sums()
        for at, tables in enumerate(kept):
            for suffix, table in tables.items():
                self._session.keep(f"ask{at}{suffix}", _all_of(table))
        if others := without(self._asks[0].plan.hits, settled.hits):
            for plan, taken in self._bits(Plan((), others)):
                self._add(plan, taken, is_first=False)
        seconds = {"sums": time.perf_counter() - began}
        return [self._summed(at, ask, seconds) for at, ask in enumerate(self._asks)]

    def kept_sums(self) -> list[dict[str, str]]:
        """For each ask the kept tables with the sums of its hits, by what sets their
        names apart; those that are not there are made.
        """
        session = self._session
        sums = [self._sums_of(ask) for ask in self._asks]
        found = [
            {
                suffix: session.recalled(each, self._files)
                for suffix, each in asked.items()
            }
            for asked in sums
        ]
        missing = [at for at, tables in enumerate(found) if None in tables.values()]
        if missing:
            asks = [self._asks[at] for at in missing]
            with session.large():
                _Group(asks, self._sources, session).sum_up()
        for number, at in enumerate(missing):
            for suffix, each in sums[at].items():
                made = _all_of(f"ask{number}{suffix}")
                found[at][suffix] = session.remembered(each, self._files, made)
        return [
            {suffix: name for suffix, name in tables.items() if name is not None}
            for tables in found
        ]

    def sum_up(self) -> None:
        """Fill the tables of all asks with the sums of what they read."""
        for index, (plan, taken) in enumerate(self._bits(self._asks[0].plan)):
            self._add(plan, taken, is_first=index == 0)

    def _bits(self, plan: Plan) -> Iterator[tuple[Plan, dict[str, str]]]:
        """What a plan reads, bit by bit; what was taken out of its tables for that."""
        if plan.tables:
            yield Plan(plan.tables, ()), {}
        for days in self._stretches(plan.visits, FEW):
            yield from self._visits(days)
        if plan.hits:
            for part in self._slices(plan.hits):
                yield Plan((), part.days), {"hits": self._taken(part)}

    def _visits(self, days: tuple[Days, ...]) -> Iterator[tuple[Plan, dict[str, str]]]:
        """The visits of these days; taken out, where the filter leaves so few of them
        that this saves more time than to read, for each ask, what that asks.
        """
        visits = self._sources.tables(Plan((), (), days))["visits"]
        asks = [replace(ask, plan=Plan((), (), days)) for ask in self._asks]
        selected = shared_visits(asks, visits)
        ((number,),) = self._session.rows(
            replace(selected, sql=f"SELECT count(*) FROM ({selected.sql})")
        )
        if int(str(number)) > self._sources.visits_about(days) // FEW:
            is_large = any(tells_visitors_apart(ask.query) for ask in asks)
            for part in self._stretches(days, VISITS_A_ROW if is_large else FEW):
                yield Plan((), (), part), {}
            return
        self._session.keep("taken", selected)
        yield Plan((), (), days), {"visits": TAKEN}

    def _stretches(self, days: tuple[Days, ...], a_row: int) -> list[tuple[Days, ...]]:
        """The days in stretches of at most so many visits for a row of hits that memory
        holds."""
        about, most = self._sources.visits_about, a_row * self._session.max_rows
        if about(days) <= most:
            return [days] if days else []
        visits = {
            day: about((Days(day, day),)) for each in days for day in days_between(each)
        }
        return [runs(together) for together in stretches(visits, days, most)]

    @property
    def _files(self) -> TableFiles:
        """The files of what is over, which settled asks read."""
        plan = self._asks[0].plan
        name = "visits" if plan.visits else "hits"
        return TableFiles(name, self._sources.read_by(plan)[name])

    def _sums_of(self, ask: Ask) -> dict[str, Statement]:
        tables = self._sources.tables(ask.plan)
        return {
            table.name: table.sums
            for table in sum_tables(ask.query, ask.plan, tables, "")
        }

    def _remember_days(self) -> None:
        """Have the day tables' rows that the asks read in memory: few, and reusable."""
        if not self._asks[0].plan.tables:
            return
        plan = self._asks[0].plan
        files = TableFiles("days", paths_of(self._sources.days, plan.tables))
        days = self._sources.tables(plan)["days"]
        for asks, select in (
            (by_day(self._asks), days_by_day),
            (over_days(self._asks), days_added_up),
        ):
            if asks:
                table = self._session.remembered(select(asks, days), files)
                self._days |= {ask: f"SELECT * FROM {table}" for ask in asks}

    def _tables(self, ask: Ask, plan: Plan, taken: dict[str, str]) -> dict[str, str]:
        """The tables that an ask reads of a plan; in their place what was taken out."""
        tables = self._sources.tables(plan) | taken
        if plan.tables and ask in self._days:
            tables["days"] = self._days[ask]
        return tables

    def _counted(self, days: tuple[Days, ...]) -> dict[date, int]:
        """The number of rows of each day that the asks read."""
        selected = shared_rows(self._asks, self._sources.hits_of(days))
        counts = f"SELECT day, count(*) FROM ({selected.sql}) GROUP BY day"
        counted = self._session.rows(Statement(counts, selected.values))
        return {day: int(str(n)) for day, n in counted if isinstance(day, date)}

    def _taken(self, part: Slice) -> str:
        """The SQL of a slice's hits: extracted first, if several asks read them."""
        hits = part.of(self._sources.hits_of(part.days))
        if len(self._asks) == 1 or not part.days:
            return hits
        self._session.keep("taken", shared_rows(self._asks, hits, part.days))
        return TAKEN

    def _answered(self, ask: Ask, hits: str, sharing: Mapping[str, float]) -> Result:
        began = time.perf_counter()
        shared = ask.statement(self._tables(ask, ask.plan, {"hits": hits}))
        compiled = time.perf_counter()
        values = self._session.rows(shared)
        seconds = {"compile": compiled - began, "run": time.perf_counter() - compiled}
        return self._result(ask, values, {**sharing, **seconds})

    def _add(self, plan: Plan, taken: dict[str, str], is_first: bool) -> None:
        """Add the sums of what a plan reads to the tables of all asks."""
        for index, ask in enumerate(self._asks):
            tables = self._tables(ask, plan, taken)
            for table in sum_tables(ask.query, plan, tables, f"ask{index}"):
                if is_first:
                    self._session.keep(table.name, table.sums)
                else:
                    self._session.add(table)

    def _summed(self, index: int, ask: Ask, sharing: Mapping[str, float]) -> Result:
        began = time.perf_counter()
        values = self._session.rows(ask.statement_over_sums(f"ask{index}"))
        seconds = {"run": time.perf_counter() - began}
        return self._result(ask, values, {**sharing, **seconds})

    def _result(
        self,
        ask: Ask,
        values: list[tuple[object, ...]],
        seconds: Mapping[str, float],
    ) -> Result:
        statement = ask.statement(self._sources.tables(ask.plan))
        files = self._sources.read_by(ask.plan)
        return Result(ask, statement, values, files, seconds)


def _uncut(query: Query) -> Query:
    """The query over whole days."""
    return replace(query, range=replace(query.range, start=None, end=None))


def _all_of(table: str) -> Statement:
    return Statement(f"SELECT * FROM {table}", {})
