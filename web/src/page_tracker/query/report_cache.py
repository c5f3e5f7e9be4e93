"""Reports of one state of the lake: the same question is answered once.

a question of the state that is known → its report, if it was asked before
a newer state → all is forgotten
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import Days
from page_tracker.query.query import Query
from page_tracker.query.report import Report

# Limits: the number of reports, and the rows of each.
MAX_REPORTS = 256
MAX_ROWS = 100


class ReportCache:
    """Remembers reports; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: tuple[object, ...] = ()
        self._reports: dict[Query, Report] = {}
        self._days: dict[str, Days | None] = {}

    def of(self, sources: LakeState, queries: Iterable[Query]) -> dict[Query, Report]:
        """The reports that are known of a state, by question."""
        with self._lock:
            self._turn_to(sources)
            return {
                query: self._reports[query]
                for query in queries
                if query in self._reports
            }

    def keep(self, sources: LakeState, reports: Iterable[Report]) -> None:
        """Keep reports of a state, if that is still the newest one.

        Closing a day changes how an answer is found, but not the answer.
        """
        with self._lock:
            if self._state != _state_of(sources):
                return
            for report in reports:
                if len(report.rows) <= MAX_ROWS:
                    self._reports[report.query] = report
            while len(self._reports) > MAX_REPORTS:
                del self._reports[next(iter(self._reports))]

    def days_of(
        self, sources: LakeState, site: str, ask: Callable[[], Days | None]
    ) -> Days | None:
        """A site's days with hits in a state: remembered, or else from `ask`."""
        with self._lock:
            self._turn_to(sources)
            if site in self._days:
                return self._days[site]
        found = ask()
        with self._lock:
            if self._state == _state_of(sources):
                self._days[site] = found
        return found

    def _turn_to(self, sources: LakeState) -> None:
        state = _state_of(sources)
        if self._state != state:
            self._state = state
            self._reports.clear()
            self._days.clear()


def _state_of(sources: LakeState) -> tuple[object, ...]:
    return sources.hits, sources.days, sources.visits, sources.pages
