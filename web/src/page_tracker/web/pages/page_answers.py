"""What a page's address asks about a site, parsed and answered.

View → Scope, with the days written out → questions → reports from one state
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from page_tracker.days import MICROSECONDS
from page_tracker.query.problem import QueryError
from page_tracker.query.query import Range
from page_tracker.query.typed_filters import short_name
from page_tracker.sites.site import Site, zone_at
from page_tracker.web.client_gone import is_wanted
from page_tracker.web.pages import periods
from page_tracker.web.pages.address_filter import Condition, text_of
from page_tracker.web.pages.page_questions import Body, Scope
from page_tracker.web.pages.view import View

if TYPE_CHECKING:  # loaded with the first question
    from page_tracker.query.ask import Asking
    from page_tracker.query.dropped_hits import DroppedHits
    from page_tracker.query.experiment_report import ExperimentReport
    from page_tracker.query.plan import Days
    from page_tracker.query.property_keys import PropertyKey
    from page_tracker.query.report import Report
    from page_tracker.query.time_budget import TimeBudget


class Asked(msgspec.Struct, frozen=True):
    """A view of a site at a moment: what it asks, and which parts of it are invalid.

    `view` is what is shown, without the invalid parts; `interval` is a short name.
    """

    site: Site
    view: View
    now: datetime
    scope: Scope
    interval: str
    problems: tuple[str, ...]

    @property
    def today(self) -> date:
        """Today in the site's zone."""
        return self.now.astimezone(ZoneInfo(self.scope.range.timezone)).date()


class Answers:
    """Asks the questions of one request, which share one budget."""

    def __init__(self, asking: Callable[[], Asking], site: Site) -> None:
        self._asking = asking()
        self.site = site
        self._budget: TimeBudget = self._asking.budget(is_wanted())
        self.now = time.time()

    def ask(self, bodies: Sequence[Body]) -> list[Report]:
        """The answers, in one go and from one state of the lake.

        Raises QueryError and what `Asking.reports` does.
        """
        queries = [
            self._asking.understand(body, self.site, self.now, self._budget)
            for body in bodies
        ]
        return self._asking.reports(queries, self._budget)

    def experiment(self, body: Body) -> ExperimentReport:
        """What came of an experiment. Raises as `ask`."""
        asked = self._asking.understand_experiment(
            body, self.site, self.now, self._budget
        )
        return self._asking.experiment(asked, self._budget)

    def days(self) -> Days | None:
        """The first and the last day with hits."""
        return self._asking.days(self.site.id, self._budget)

    def left_out(self, days: Days) -> list[DroppedHits]:
        """What did not count on these days. Raises as `ask`."""
        return self._asking.left_out(self.site.id, days, self._budget)

    def property_keys(self, days: Days) -> list[PropertyKey]:
        """Which properties the events of these days have; raises as `ask`."""
        return self._asking.property_keys(self.site.id, days, self._budget)

    def unknown_sites(self, days: Days) -> list[DroppedHits]:
        """The unknown sites that hits named on these days. Raises as `ask`."""
        return self._asking.unknown_sites(days, self._budget)

    def understand(self, view: View, problems: Sequence[str]) -> Asked:
        """What a view asks, with its invalid parts added to `problems`.

        Raises as `days`.
        """
        said = list(problems)
        now = datetime.fromtimestamp(self.now, UTC)
        view = replace(view, filters=self._filters(view.filters, said))
        view, asked = self._range(view, now, said)
        view, compared = _compared(view, asked, now, said)
        view, interval = _interval(view, asked, said)
        scope = Scope(self.site.id, asked, compared, view.filters, view.is_any)
        return Asked(self.site, view, now, scope, interval, tuple(said))

    def _filters(
        self, filters: Sequence[Condition], problems: list[str]
    ) -> tuple[Condition, ...]:
        """The valid ones."""
        kept = []
        for condition in filters:
            body = {
                "site_id": self.site.id,
                "metrics": ["visitors"],
                "date_range": "day",
                "filters": [condition.as_json],
            }
            try:
                self._asking.understand(body, self.site, self.now, self._budget)
                kept.append(condition)
            except QueryError as error:
                problems.append(f"f={text_of(condition)}: {error.problem}"[:2_000])
        return tuple(kept)

    def _range(
        self, view: View, now: datetime, problems: list[str]
    ) -> tuple[View, Range]:
        zone = zone_at(self.site, int(self.now * MICROSECONDS))
        begun = now.astimezone(ZoneInfo(zone)).date()
        if view.period == "all" and (days := self.days()):
            begun = days.first
        try:
            return view, periods.range_of(view.period, zone, now, begun)
        except (ValueError, OverflowError) as error:
            problems.append(f"period={view.period}: {error}"[:2_000])
            usual = replace(view, period=View().period)
            return usual, periods.range_of(usual.period, zone, now, begun)


def _compared(
    view: View, asked: Range, now: datetime, problems: list[str]
) -> tuple[View, Range | None]:
    if view.period == "all" and view.compare in ("previous", "year"):
        return view, None  # there is nothing before
    try:
        found = periods.compared(view.compare, view.weekdays, asked, now)
        return view, found
    except (ValueError, OverflowError) as error:
        problems.append(f"compare={view.compare}: {error}"[:2_000])
        return replace(view, compare="none"), None


def _interval(view: View, asked: Range, problems: list[str]) -> tuple[View, str]:
    offered = periods.intervals(asked)
    if not view.by or view.by in offered:
        usual = periods.usual_interval(asked)
        best = usual if usual in offered else offered[-1]
        return view, view.by or best
    known = ", ".join(map(short_name, offered))
    problems.append(
        f"by={view.by}: gives too many or too few points for these days; take {known}"
    )
    return _interval(replace(view, by=""), asked, problems)
