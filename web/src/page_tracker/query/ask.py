"""The way of a question: JSON → Query → one state of the lake → Report.

HTTP, the command line and the pages all ask through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from page_tracker.days import MICROSECONDS
from page_tracker.errors import OutputError
from page_tracker.lake.data_files import DataFile
from page_tracker.query.database import Database
from page_tracker.query.dropped_hits import (
    DroppedHits,
    dropped_hits_statement,
    unknown_sites_statement,
)
from page_tracker.query.engine import Engine
from page_tracker.query.experiment import Experiment, groups_of, parse_experiment
from page_tracker.query.experiment_report import ExperimentReport, report_of
from page_tracker.query.lake_state import LakeState
from page_tracker.query.parse import Known, parse
from page_tracker.query.plan import Days, days_between, days_of
from page_tracker.query.problem import FilesGoneError
from page_tracker.query.property_keys import PropertyKey, property_keys_statement
from page_tracker.query.query import Query
from page_tracker.query.report import Report, answers, columns_of, days_with_hits
from page_tracker.query.report_cache import ReportCache
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget
from page_tracker.sites.site import Site, zone_at

T = TypeVar("T")


class Asking(msgspec.Struct, frozen=True):
    """Answers questions; safe to use from many threads."""

    reading: Reading
    engine: Engine
    # Who answers questions about hits in the engine's place, if anybody does.
    server: Database | None = None
    # The days with imported hits of a site.
    imported_days: Callable[[str], Sequence[date]] = lambda _: ()
    cache: ReportCache = msgspec.field(default_factory=ReportCache)

    @property
    def database(self) -> Database:
        """Who answers questions about hits."""
        return self.server or self.engine

    def budget(self, is_wanted: Callable[[], bool]) -> TimeBudget:
        """The budget of a question or of a list, while the answer is wanted."""
        return self.database.budget(is_wanted)

    def understand(
        self, body: object, site: Site, now: float, budget: TimeBudget | None = None
    ) -> Query:
        """Parse a question about a site, asked at `now` (UTC, seconds).

        Raises QueryError; where it is about all days, as `reports` too.
        """
        return parse(body, self._known(site, now, budget))

    def understand_experiment(
        self, body: object, site: Site, now: float, budget: TimeBudget | None = None
    ) -> Experiment:
        """Parse a question about an experiment. Raises as `understand`."""
        return parse_experiment(body, self._known(site, now, budget))

    def _known(self, site: Site, now: float, budget: TimeBudget | None) -> Known:
        zone = zone_at(site, int(now * MICROSECONDS))
        return Known(
            site=site.id,
            timezone=zone,
            now=datetime.fromtimestamp(now, UTC),
            begun=lambda: self._begun(site, now, budget),
            goals=site.goals,
            segments={each.id: list(each.filters) for each in site.segments},
        )

    def _begun(self, site: Site, now: float, budget: TimeBudget | None) -> date:
        days = self.days(site.id, budget)
        return days.first if days else datetime.fromtimestamp(now, UTC).date()

    def days(self, site: str, budget: TimeBudget | None = None) -> Days | None:
        """The first and the last day for which a site has hits. Raises as `reports`."""

        def ask() -> Days | None:
            span = self.reading.sources().span()
            sources = self.reading.sources(days_between(span) if span else ())

            def first_and_last() -> Days | None:
                with self.database.session(budget) as session:
                    return days_with_hits(site, session.as_read(sources), session)

            return self.cache.days_of(sources, site, first_and_last)

        return self._of_files_that_are_there(ask)

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

    def report(self, query: Query, budget: TimeBudget | None = None) -> Report:
        """The answer to a question. Raises as `reports`."""
        return self.reports([query], budget)[0]

    def reports(
        self, queries: Sequence[Query], budget: TimeBudget | None = None
    ) -> list[Report]:
        """The answers to questions, all from one state of the lake.

        Raises QuestionTooCostlyError, BusyError, NobodyWaitsError, LakeAwayError.
        """
        budget = budget or self.database.budget()
        return self._of_files_that_are_there(
            lambda: self._reports(queries, self._sources(queries), budget)
        )

    def experiment(
        self, asked: Experiment, budget: TimeBudget | None = None
    ) -> ExperimentReport:
        """What came of an experiment.

        Raises as `reports`, and QueryError if its groups are not those that it names.
        """

        def ask() -> ExperimentReport:
            with self.database.session(budget) as session:
                sources = session.as_read(self.reading.sources())
                groups = groups_of(asked, sources, session)
            return report_of(asked, groups)

        return self._of_files_that_are_there(ask)

    def left_out(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        """The hits of a site that did not count on these days, most frequent first.

        Raises as `reports`.
        """

        return self._drops(partial(dropped_hits_statement, site, days), budget)

    def unknown_sites(
        self, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        """What hits of these days named that is no site, the most first.

        Raises as `reports`.
        """
        return self._drops(partial(unknown_sites_statement, days), budget)

    def property_keys(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[PropertyKey]:
        """Which properties the events of these days have; raises as `reports`."""

        def ask() -> list[tuple[object, ...]]:
            with self.database.session(budget) as session:
                sources = session.as_read(self.reading.sources())
                return session.rows(property_keys_statement(site, days, sources))

        return [
            PropertyKey(str(name), str(key), int(str(events)), int(str(values)))
            for name, key, events, values in self._of_files_that_are_there(ask)
        ]

    def rows(
        self,
        asked_of: Callable[[LakeState], Statement],
        budget: TimeBudget | None = None,
    ) -> list[tuple[object, ...]]:
        """The rows of a statement about the hits of the present state, by the engine.

        Raises as `reports`.
        """
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

    def not_imported(self, query: Query) -> str:
        """The code that tells why an answer includes no imports; '' if it does."""
        days = self.imported_days(query.site)
        if not days:
            return "no_imported_data"
        asked = query.range
        is_in = any(asked.first <= day <= asked.last for day in days)
        return "" if is_in else "out_of_range"

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

    def write_parquet(self, report: Report, path: Path) -> None:
        """Write a report's rows into a file. Raises OutputError."""
        try:
            self.engine.write_parquet(columns_of(report), path)
        except FilesGoneError as error:
            raise OutputError(
                f"{path} cannot be written ({error.why})",
                "check that its folder is there and can be written, and ask again",
            ) from error

    def _sources(self, queries: Sequence[Query]) -> LakeState:
        days: set[date] = set()
        for query in queries:
            days.update(days_of(query.range))
            if query.comparison is not None:
                days.update(days_of(query.comparison.range))
        return self.reading.sources(days)
