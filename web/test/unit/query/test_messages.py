"""What the process that answers is asked, and says, comes over as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from page_tracker.errors import LakeError, PageTrackerError, SettingsError
from page_tracker.query.answering import answer_to
from page_tracker.query.ask import Asking
from page_tracker.query.catalog import METRICS
from page_tracker.query.dropped_hits import DroppedHits
from page_tracker.query.experiment import Experiment, Groups
from page_tracker.query.goatcounter_export import DayPart
from page_tracker.query.messages import QUESTIONS, REPORTS, sent
from page_tracker.query.plan import Days, Plan
from page_tracker.query.problem import (
    BusyError,
    FilesGoneError,
    LakeAwayError,
    NobodyWaitsError,
    QuestionTooCostlyError,
)
from page_tracker.query.property_keys import PropertyKey
from page_tracker.query.proportions import Proportion
from page_tracker.query.query import Comparison, Query, Range
from page_tracker.query.report import Report, Row
from page_tracker.query.sql import Statement
from page_tracker.query.time_budget import TimeBudget
from page_tracker.sites.goal import Goal
from support.asked import ZONES, bodies, understood
from support.drawing import examples

DAY, DAYS = date(2026, 3, 29), Days(date(2026, 3, 1), date(2026, 3, 29))
BERLIN = ZoneInfo("Europe/Berlin")
GOAL = Goal(name="Sale", event="buy", props=(("plan", "ä"),), currency="EUR")
RANGE = Range(DAY, DAY, "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=BERLIN), None)
QUERY = Query("a.org", ("visitors",), RANGE, ("time:day",), goals=(GOAL,))
COMPARED = msgspec.structs.replace(
    QUERY, comparison=Comparison(Range(DAY, DAY, "UTC")), dimensions=()
)
REPORT = Report(
    QUERY,
    (Row(("2026-03-29", "\0ä"), (1, 2.0, None)),),
    7,
    Plan((DAYS,), (), (DAYS, DAYS)),
    {"hits": ["/lake/hits/a.parquet"]},
    Statement(
        "SELECT $v0",
        {"v0": DAY, "v1": RANGE.start, "v2": "2026-03-29", "v3": 2**62, "v4": 0.5},
        frozenset({"path"}),
    ),
    {"run": 0.25},
    {("a", "b"): (None, 1), ("", "c"): (0.5, 2)},
)
# What each kind of question asks about, and what may be found.
EXAMPLES: Mapping[str, tuple[tuple[object, ...], object]] = {
    "days": (("a.org",), DAYS),
    "reports": (((QUERY, COMPARED),), [REPORT]),
    "groups": (
        (Experiment(QUERY, GOAL, "a", {"a": 0.5}, True),),
        Groups({"a": Proportion(1, 2), "ä": Proportion(0, 1)}, 3),
    ),
    "left_out": (("a.org", DAYS), [DroppedHits("bot", "", 2)]),
    "unknown_sites": ((DAYS,), []),
    "property_keys": (("a.org", DAYS), [PropertyKey("buy", "plan", 3, 2)]),
    "export_parts": (("a.org", 0, 2**53), [DayPart(DAY, 3, 1, 2**53)]),
    "export_lines": (("a.org", DAY, (0, 2**53)), "a,b\n"),
}


def _use(budget: Any) -> None:
    budget.seconds, budget.patience = budget.seconds - 1, budget.patience - 2


class Told:
    """Answers whatever is asked by what it was given, and uses some time for it."""

    def __init__(self, found: object) -> None:
        self.found = found
        self.asked: list[object] = []

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: object) -> object:
            *self.asked, budget = arguments
            _use(budget)
            if isinstance(self.found, Exception):
                raise self.found
            return self.found

        return answer


def answered(name: str, told: Any) -> Any:
    """What comes back to who asks an example of that one."""
    kind, budget = QUESTIONS[name], TimeBudget(30, 20)
    message = kind.question(EXAMPLES[name][0], budget)
    answer = answer_to(message, lambda: told, lambda: True)
    try:
        return kind.found(answer, budget)
    finally:
        assert budget == TimeBudget(29, 18)


def test_whatever_the_lake_is_asked_can_be_asked_of_the_process() -> None:
    assert {*QUESTIONS, "budget"} == Asking.__abstractmethods__
    assert EXAMPLES.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_and_its_answer_come_over_as_they_were(name: str) -> None:
    arguments, found = EXAMPLES[name]
    told = Told(found)
    back = answered(name, told)
    assert tuple(told.asked) == arguments
    assert back == ([sent(REPORT)] if name == "reports" else found)


def test_a_report_is_the_same_with_the_types_and_zones_of_its_statement_s_values() -> (
    None
):
    (back,) = answered("reports", Told([REPORT]))
    again = back.of(QUERY)
    assert again == REPORT
    assert again.rows[0].metrics == (1, 2.0, None)
    assert list(map(str, again.asked.values.values())) == [
        *("2026-03-29", "2026-03-29 01:00:00+01:00", "2026-03-29"),
        *(str(2**62), "0.5"),
    ]


@given(data=st.data())
@settings(max_examples=examples(30, long=300))
def test_any_question_comes_over(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    query = understood(data.draw(bodies(data.draw(st.sampled_from([*METRICS])))), zone)
    told: Any = Told([])
    message = REPORTS.question(((query,),), TimeBudget(1, 1))
    answer_to(message, lambda: told, lambda: True)
    assert told.asked == [(query,)]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        *[
            (kind("it is so", "do that"), kind)
            for kind in (QuestionTooCostlyError, BusyError, NobodyWaitsError, LakeError)
        ],
        (LakeAwayError("it is so", "do that"), LakeAwayError),
        (FilesGoneError("x"), LakeAwayError),
        (SettingsError("it is so", "do that"), SettingsError),
    ],
)
def test_an_error_is_told_to_who_asked_in_its_own_words(
    raised: PageTrackerError, told: type[PageTrackerError]
) -> None:
    with pytest.raises(told) as found:
        answered("days", Told(raised))
    assert str(found.value) == str(raised)
    assert found.type is told


def test_a_fault_of_ours_is_logged_where_it_is_and_told_to_be_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(RuntimeError, match="see its log"):
        answered("days", Told(ZeroDivisionError("secret")))
    assert "ZeroDivisionError" in caplog.text
