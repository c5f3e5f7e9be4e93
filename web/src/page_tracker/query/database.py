"""What answers questions: DuckDB in this process, or a server elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from page_tracker.query.lake_state import LakeState
from page_tracker.query.runner import Result
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget


class Session(Protocol):
    """Runs the statements of one asker, under one common limit."""

    # How many rows of hits it should read at once, and that in a `large` piece of work.
    max_rows: int
    large: Callable[[], AbstractContextManager[None]]

    def as_read(self, state: LakeState) -> LakeState:
        """A state of the lake, with how this database reads it."""

    def rows(self, asked: Statement) -> list[tuple[object, ...]]:
        """All rows of a statement."""

    def run(self, asks: Iterable[Ask], sources: LakeState) -> dict[Ask, Result]:
        """The rows of each ask's statement."""


class Database(Protocol):
    """Whoever answers questions; safe to use from many threads."""

    def budget(self, is_wanted: Callable[[], bool] | None = None) -> TimeBudget:
        """A new budget, for one question or a list; `is_wanted` as in TimeBudget."""

    def session(
        self, budget: TimeBudget | None = None
    ) -> AbstractContextManager[Session]:
        """Run statements under one common limit: what is left of `budget`, or a new
        budget.

        Raises QuestionTooCostlyError if they took too long, or needed too much memory,
        BusyError if too many others are being answered, NobodyWaitsError if nobody
        wants the answer any more, FilesGoneError if files that they read are no more,
        or cannot be read, or LakeAwayError if the database does not answer.
        """
