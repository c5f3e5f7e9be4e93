"""The way of a question: JSON → Query → one state of the lake → Report.

HTTP, the command line and the pages all ask through here. What a question means, its
asker works out: that is pure. What the lake says, finds out either this process
(`lake_asking`) or, beside `page-tracker serve`, one process for all (`server_asking`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from page_tracker.days import MICROSECONDS
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.query.experiment import Experiment, Groups, parse_experiment
from page_tracker.query.experiment_report import ExperimentReport, report_of
from page_tracker.query.goatcounter_export import DayPart
from page_tracker.query.parse import Known, parse
from page_tracker.query.plan import Days
from page_tracker.query.property_keys import PropertyKey
from page_tracker.query.query import Query
from page_tracker.query.report import Report
from page_tracker.query.time_budget import TimeBudget
from page_tracker.sites.site import Site, zone_at

# The days with imported hits of a site.
ImportedDays = Callable[[str], Sequence[date]]


class Asking(ABC):
    """Answers questions; safe to use from many threads.

    What asks the lake raises QuestionTooCostlyError, BusyError, NobodyWaitsError or
    LakeAwayError.
    """

    def __init__(self, imported_days: ImportedDays = lambda _: ()) -> None:
        self._imported_days = imported_days

    @abstractmethod
    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        """The budget of a question or of a list, while the answer is wanted."""

    @abstractmethod
    def days(self, site: str, budget: TimeBudget | None = None) -> Days | None:
        """The first and the last day for which a site has hits."""

    @abstractmethod
    def reports(
        self, queries: Sequence[Query], budget: TimeBudget | None = None
    ) -> list[Report]:
        """The answers to questions, all from one state of the lake."""

    @abstractmethod
    def groups(self, asked: Experiment, budget: TimeBudget | None = None) -> Groups:
        """The visitors of each group of an experiment."""

    @abstractmethod
    def left_out(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        """The hits of a site that did not count on these days, most frequent first."""

    @abstractmethod
    def unknown_sites(
        self, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        """What hits of these days named that is no site, the most first."""

    @abstractmethod
    def property_keys(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[PropertyKey]:
        """Which properties the events of these days have."""

    @abstractmethod
    def export_parts(
        self, site: str, after: int, last: int, budget: TimeBudget | None = None
    ) -> list[DayPart]:
        """What an export of a site has of each day, after one time up to another (UTC,
        microseconds)."""

    @abstractmethod
    def export_lines(
        self,
        site: str,
        day: date,
        times: tuple[int, int],
        budget: TimeBudget | None = None,
    ) -> str:
        """The lines of an export about a slice of a day: after one time up to another
        (UTC, microseconds)."""

    def report(self, query: Query, budget: TimeBudget | None = None) -> Report:
        """The answer to a question."""
        return self.reports([query], budget)[0]

    def experiment(
        self, asked: Experiment, budget: TimeBudget | None = None
    ) -> ExperimentReport:
        """What came of an experiment.

        Raises QueryError too, if its groups are not those that it names.
        """
        return report_of(asked, self.groups(asked, budget))

    def understand(
        self, body: object, site: Site, now: float, budget: TimeBudget | None = None
    ) -> Query:
        """Parse a question about a site, asked at `now` (UTC, seconds).

        Raises QueryError; where it is about all days, what asking the lake does too.
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

    def not_imported(self, query: Query) -> str:
        """The code that tells why an answer includes no imports; '' if it does."""
        days = self._imported_days(query.site)
        if not days:
            return "no_imported_data"
        asked = query.range
        is_in = any(asked.first <= day <= asked.last for day in days)
        return "" if is_in else "out_of_range"
