"""What askers and the process that answers say to each other, in MessagePack. Pure.

    Question   which of QUESTIONS, its arguments, what may still be used
      → Answer   what was found, or what went wrong; what is left to use

Types are checked when a message is read; and nothing in one names code, as a pickle
does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.msgpack import Decoder

from page_tracker.errors import LakeError, PageTrackerError, SettingsError
from page_tracker.query.ask import Asking
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.query.experiment import Experiment, Groups
from page_tracker.query.goatcounter_export import DayPart
from page_tracker.query.plan import Days, Plan
from page_tracker.query.problem import (
    BusyError,
    LakeAwayError,
    NobodyWaitsError,
    QuestionTooCostlyError,
)
from page_tracker.query.property_keys import PropertyKey
from page_tracker.query.query import Query
from page_tracker.query.report import Report, Row, Value
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget

T = TypeVar("T")

# What a question may end with: the first that an error is one of is told.
ERRORS = (
    *(QuestionTooCostlyError, BusyError, NobodyWaitsError, LakeAwayError),
    *(LakeError, SettingsError, PageTrackerError),
)


class Question(msgspec.Struct, frozen=True, array_like=True):
    """A question by its name; `seconds` and `patience` are those of a TimeBudget."""

    name: str
    arguments: msgspec.Raw
    seconds: float
    patience: float


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """What went wrong: the name of one of ERRORS, or '' for a fault of ours."""

    error: str
    problem: str
    remedy: str


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """`found` is what was asked for, unless there is a failure."""

    seconds: float
    patience: float
    found: msgspec.Raw
    failure: Failure | None = None


class SentDay(msgspec.Struct, frozen=True, tag="day"):
    """A date among a statement's values; to MessagePack it is a text."""

    text: str


class SentMoment(msgspec.Struct, frozen=True, tag="moment"):
    """A time among a statement's values; MessagePack would forget its zone."""

    text: str


SentValue = SentDay | SentMoment | str | int | float | bool | None


class SentReport(msgspec.Struct, frozen=True, array_like=True):
    """A report without its question, which the asker has; see there."""

    rows: tuple[Row, ...]
    total_rows: int
    plan: Plan
    files: Mapping[str, Sequence[str]]
    sql: str
    values: Mapping[str, SentValue]
    columns: frozenset[str]
    seconds: Mapping[str, float]
    compared: Mapping[tuple[str, ...], tuple[Value, ...]] | None

    def of(self, query: Query) -> Report:
        """The report that answers a question."""
        values = {name: _received(value) for name, value in self.values.items()}
        return Report(
            query=query,
            rows=self.rows,
            total_rows=self.total_rows,
            plan=self.plan,
            files=self.files,
            asked=Statement(self.sql, values, self.columns),
            seconds=self.seconds,
            compared=self.compared,
        )


def sent(report: Report) -> SentReport:
    """A report as it is sent."""
    asked = report.asked
    return SentReport(
        rows=report.rows,
        total_rows=report.total_rows,
        plan=report.plan,
        files=report.files,
        sql=asked.sql,
        values={name: _sent(value) for name, value in asked.values.items()},
        columns=asked.columns,
        seconds=report.seconds,
        compared=report.compared,
    )


def _sent(value: object) -> Any:
    if isinstance(value, datetime):
        return SentMoment(value.isoformat())
    return SentDay(value.isoformat()) if isinstance(value, date) else value


def _received(value: SentValue) -> object:
    if isinstance(value, SentMoment):
        return datetime.fromisoformat(value.text)
    return date.fromisoformat(value.text) if isinstance(value, SentDay) else value


class Kind(Generic[T]):
    """A kind of question: the method of Asking that answers it, the types of what it is
    asked and of what is found, and how that is sent."""

    def __init__(
        self,
        name: str,
        arguments: Any,
        found: Any,
        sent_as: Callable[[Any], T] = lambda found: found,
    ) -> None:
        self.name = name
        self._sent_as = sent_as
        self._arguments: Decoder[tuple[Any, ...]] = Decoder(arguments)
        self._found: Decoder[T] = Decoder(found)

    def ask(
        self, asking: Asking, arguments: tuple[object, ...], budget: TimeBudget
    ) -> T:
        """Have it answered."""
        return self._sent_as(getattr(asking, self.name)(*arguments, budget))

    def question(self, arguments: tuple[object, ...], budget: TimeBudget) -> bytes:
        """The message that asks."""
        raw = msgspec.Raw(msgspec.msgpack.encode(arguments))
        return msgspec.msgpack.encode(
            Question(self.name, raw, budget.seconds, budget.patience)
        )

    def arguments(self, question: Question) -> tuple[Any, ...]:
        """What a question asks about. Raises msgspec.ValidationError."""
        return self._arguments.decode(question.arguments)

    def found(self, message: bytes, budget: TimeBudget) -> T:
        """What an answer has; it also says what is left to the budget.

        Raises what the question ended with.
        """
        answer = msgspec.msgpack.decode(message, type=Answer)
        budget.seconds, budget.patience = answer.seconds, answer.patience
        if answer.failure is not None:
            raise _error(answer.failure)
        return self._found.decode(answer.found)


DAYS: Kind[Days | None] = Kind("days", tuple[str], Days | None)
REPORTS: Kind[list[SentReport]] = Kind(
    "reports",
    tuple[tuple[Query, ...]],
    list[SentReport],
    lambda reports: [sent(report) for report in reports],
)
GROUPS: Kind[Groups] = Kind("groups", tuple[Experiment], Groups)
LEFT_OUT: Kind[list[DroppedHits]] = Kind(
    "left_out", tuple[str, Days], list[DroppedHits]
)
UNKNOWN_SITES: Kind[list[DroppedHits]] = Kind(
    "unknown_sites", tuple[Days], list[DroppedHits]
)
PROPERTY_KEYS: Kind[list[PropertyKey]] = Kind(
    "property_keys", tuple[str, Days], list[PropertyKey]
)
EXPORT_PARTS: Kind[list[DayPart]] = Kind(
    "export_parts", tuple[str, int, int], list[DayPart]
)
EXPORT_LINES: Kind[str] = Kind("export_lines", tuple[str, date, tuple[int, int]], str)
QUESTIONS: Mapping[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        *(DAYS, REPORTS, GROUPS, LEFT_OUT, UNKNOWN_SITES, PROPERTY_KEYS),
        *(EXPORT_PARTS, EXPORT_LINES),
    )
}


def answered(found: object, budget: TimeBudget) -> bytes:
    """The message that has what was found."""
    raw = msgspec.Raw(msgspec.msgpack.encode(found))
    return msgspec.msgpack.encode(Answer(budget.seconds, budget.patience, raw))


def failed(error: Exception, budget: TimeBudget) -> bytes:
    """The message that says what a question ended with."""
    failure = Failure("", "", "")
    if isinstance(error, PageTrackerError):
        name = next(kind.__name__ for kind in ERRORS if isinstance(error, kind))
        failure = Failure(name, error.problem, error.remedy)
    nothing = msgspec.Raw(msgspec.msgpack.encode(None))
    return msgspec.msgpack.encode(
        Answer(budget.seconds, budget.patience, nothing, failure)
    )


def _error(failure: Failure) -> Exception:
    for kind in ERRORS:
        if kind.__name__ == failure.error:
            return kind(failure.problem, failure.remedy)
    return RuntimeError("a question failed in the process that answers; see its log")
