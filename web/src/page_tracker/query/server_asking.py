"""Questions that one process answers for all of a server's: asked over its socket.

    connect → the question → wait, as long as the answer is wanted → the answer

A connection has one question. Whoever does not want its answer any more closes it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from datetime import date
from multiprocessing.connection import Connection
from typing import TypeVar

from page_tracker.query import messages
from page_tracker.query.ask import Asking, ImportedDays
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.query.experiment import Experiment, Groups
from page_tracker.query.goatcounter_export import DayPart
from page_tracker.query.plan import Days
from page_tracker.query.problem import AnswererGoneError, BusyError, nobody_waits
from page_tracker.query.property_keys import PropertyKey
from page_tracker.query.query import Query
from page_tracker.query.report import Report
from page_tracker.query.time_budget import TimeBudget

T = TypeVar("T")

# Seconds between two looks whether an answer is still wanted.
LOOK = 0.1
# Seconds beyond a question's own, after which its answer is not waited for any more:
# they are for opening the lake, which may lie far away.
BEYOND = 60.0


class ServerAsking(Asking):
    """Asks who listens at `socket_path`; of those `seconds` each may take.

    Where nobody listens, no server runs (any more), and `here` answers.
    """

    def __init__(
        self,
        socket_path: str,
        seconds: float,
        here: Callable[[], Asking],
        imported_days: ImportedDays = lambda _: (),
    ) -> None:
        super().__init__(imported_days)
        self._path = socket_path
        self._seconds = seconds
        self._here = here

    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        budget = TimeBudget(self._seconds, self._seconds)
        if is_wanted is not None:
            budget.is_wanted = is_wanted
        return budget

    def days(self, site: str, budget: TimeBudget | None = None) -> Days | None:
        return self._ask(messages.DAYS, (site,), budget)

    def reports(
        self, queries: Sequence[Query], budget: TimeBudget | None = None
    ) -> list[Report]:
        found = self._ask(messages.REPORTS, (tuple(queries),), budget)
        return [sent.of(query) for sent, query in zip(found, queries, strict=True)]

    def groups(self, asked: Experiment, budget: TimeBudget | None = None) -> Groups:
        return self._ask(messages.GROUPS, (asked,), budget)

    def left_out(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        return self._ask(messages.LEFT_OUT, (site, days), budget)

    def unknown_sites(
        self, days: Days, budget: TimeBudget | None = None
    ) -> list[DroppedHits]:
        return self._ask(messages.UNKNOWN_SITES, (days,), budget)

    def property_keys(
        self, site: str, days: Days, budget: TimeBudget | None = None
    ) -> list[PropertyKey]:
        return self._ask(messages.PROPERTY_KEYS, (site, days), budget)

    def export_parts(
        self, site: str, after: int, last: int, budget: TimeBudget | None = None
    ) -> list[DayPart]:
        return self._ask(messages.EXPORT_PARTS, (site, after, last), budget)

    def export_lines(
        self,
        site: str,
        day: date,
        times: tuple[int, int],
        budget: TimeBudget | None = None,
    ) -> str:
        return self._ask(messages.EXPORT_LINES, (site, day, times), budget)

    def _ask(
        self,
        kind: messages.Kind[T],
        arguments: tuple[object, ...],
        budget: TimeBudget | None,
    ) -> T:
        budget = budget or self.budget()
        connection = self._connected()
        if connection is None:
            return kind.ask(self._here(), arguments, budget)
        with connection:
            try:
                connection.send_bytes(kind.question(arguments, budget))
                _wait(connection, budget)
                answer = connection.recv_bytes()
            except (EOFError, OSError) as error:
                raise AnswererGoneError(
                    "the process that was answering has ended",
                    "ask again in a moment; if that ends it too, ask for fewer days",
                ) from error
        return kind.found(answer, budget)

    def _connected(self) -> Connection | None:
        """A connection to who answers; None if nobody listens."""
        asker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            asker.connect(self._path)
        except OSError:
            asker.close()
            return None
        return Connection(asker.detach())


def _wait(connection: Connection, budget: TimeBudget) -> None:
    """Wait for the answer. Raises NobodyWaitsError, BusyError."""
    deadline = time.monotonic() + budget.seconds + budget.patience + BEYOND
    while not connection.poll(LOOK):
        if not budget.is_wanted():
            raise nobody_waits()
        if time.monotonic() > deadline:
            raise BusyError(
                "the process that answers questions is silent", "ask again in a moment"
            )
