"""Questions that this process answers: by DuckDB, or a server that it asks in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

from page_tracker.errors import OutputError
from page_tracker.lake.data_files import DataFile
from page_tracker.query import goatcounter_export as exported
from page_tracker.query.ask import Asking, ImportedDays
from page_tracker.query.database import Database
from page_tracker.query.dropped_hits import (
    DroppedHits,
    dropped_hits_statement,
    unknown_sites_statement,
)
from page_tracker.query.engine import Engine
from page_tracker.query.experiment import Experiment, Groups, groups_of
from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import Days, days_between, days_of
from page_tracker.query.problem import FilesGoneError
from page_tracker.query.property_keys import PropertyKey, property_keys_statement
from page_tracker.query.query import Query
from page_tracker.query.report import Report, answers, columns_of, days_with_hits
from page_tracker.query.report_cache import ReportCache
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget

T = TypeVar("T")


class LakeAsking(Asking):
    """Asks the lake itself.

    `server` answers questions about hits in the engine's place, if there is any.
    """

    def __init__(
        self,
        reading: Reading,
        engine: Engine,
        server: Database | None = None,
        imported_days: ImportedDays = lambda _: (),
    ) -> None:
        super().__init__(imported_days)
        self.reading = reading
        self.engine = engine
        self.database: Database = server or engine
        self.cache = ReportCache()

    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        return self.database.budget(is_wanted)

    def days(self, site: str, budget: TimeBudget | None = None) -> Days | None:
        def ask() -> Days | None:
            span = self.reading.sources().span()
            sources = self.reading.sources(days_between(span) if span else ())

            def first_and_last() -> Days | None:
                with self.database.session(budget) as session:
                    return days_with_hits(site, session.as_read(sources), session)

            return self.cache.days_of(sources, site, first_and_last)

        return self._of_files_that_are_there(ask)

    def reports(
        self, queries: Sequence[Query], budget: TimeBudget | None = None
    ) -> list[Report]:
        budget = budget or self.database.budget()
        return self._of_files_that_are_there(
            lambda: self._reports(queries, self._sources(queries), budget)
        )

    def groups(self, asked: Experiment, budget: TimeBudget | None = None) -> Groups:
        def ask() -> Groups:
            with self.database.session(budget) as session:
                sources = session.as_read(self.reading.sources())
                return groups_of(asked, sources, session)

        return self._of_files_that_are_there(ask)

    def left_out(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        return self._drops(partial(dropped_hits_statement, site, days), budget)

    def unknown_sites(
        self, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        return self._drops(partial(unknown_sites_statement, days), budget)

    def property_keys(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[PropertyKey]:
        def ask() -> list[tuple[object, ...]]:
            with self.database.session(budget) as session:
                sources = session.as_read(self.reading.sources())
                return session.rows(property_keys_statement(site, days, sources))

        return [
            PropertyKey(str(name), str(key), int(str(events)), int(str(values)))
            for name, key, events, values in self._of_files_that_are_there(ask)
        ]

    def export_parts(
        self, site: str, after: int, last: int, budget: TimeBudget | None = None
    ) -> list[exported.DayPart]:
        asked = partial(exported.parts_statement, site, after, last)
        return [exported.part_of(row) for row in self._rows(asked, budget)]

    def export_lines(
        self,
        site: str,
        day: date,
        times: tuple[int, int],
        budget: TimeBudget | None = None,
    ) -> str:
        asked = partial(exported.rows_statement, site, day, times)
        return exported.lines(self._rows(asked, budget))

    def require_read(self) -> None:
        """Have a row of the lake read by whoever answers questions.

        Raises as `reports`.
        """

        def ask() -> None:
            with self.database.session() as session:
                state = session.as_read(self.reading.sources())
                span = state.span()
                hits = state.hits_of((span,) if span else ())
                session.rows(Statement(f"SELECT 1 FROM ({hits}) LIMIT 1", {}))

        self._of_files_that_are_there(ask)

    def write_parquet(self, report: Report, path: Path) -> None:
        """Write a report's rows into a file. Raises OutputError."""
        try:
            self.engine.write_parquet(columns_of(report), path)
        except FilesGoneError as error:
            raise OutputError(
                f"{path} cannot be written ({error.why})",
                "check that its folder is there and can be written, and ask again",
            ) from error

    def _rows(
        self,
        asked_of: Callable[[LakeState], Statement],
        budget: TimeBudget | None = None,
    ) -> list[tuple[object, ...]]:
        """The rows of a statement about the hits as they are now, by the engine."""
        return self._of_files_that_are_there(
            lambda: self.engine.rows(asked_of(self.reading.sources()), budget)
        )

    def _drops(
        self,
        asked_of: Callable[[Iterable[DataFile]], Statement],
        budget: TimeBudget | None,
    ) -> list[DroppedHits]:
        def ask() -> list[DroppedHits]:
            found = self.engine.rows(asked_of(self.reading.drops()), budget)
            return [
                DroppedHits(str(why), str(name), int(str(n))) for why, name, n in found
            ]

        return self._of_files_that_are_there(ask)

    def _of_files_that_are_there(self, ask: Callable[[], T]) -> T:
        """Ask, and ask once more of a newer state if files are gone.

        A state keeps its files for some minutes, so one newer state is enough.

        Raises FilesGoneError if files of that one are gone, too.
        """
        try:
            return ask()
        except FilesGoneError:
            self.reading.renew()
            return ask()

    def _reports(
        self, queries: Sequence[Query], sources: LakeState, budget: TimeBudget
    ) -> list[Report]:
        known = self.cache.of(sources, queries)
        new = [query for query in dict.fromkeys(queries) if query not in known]
        if new:
            found = answers(new, sources, self.database, budget)
            self.cache.keep(sources, found)
            known |= {report.query: report for report in found}
        return [known[query] for query in queries]

    def _sources(self, queries: Sequence[Query]) -> LakeState:
        days: set[date] = set()
        for query in queries:
            days.update(days_of(query.range))
            if query.comparison is not None:
                days.update(days_of(query.comparison.range))
        return self.reading.sources(days)
