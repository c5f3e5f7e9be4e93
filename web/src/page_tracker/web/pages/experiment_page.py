"""`/example.org/experiments`: groups of visitors, and who of them reached a goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from page_tracker.query.experiment import shares_of_text
from page_tracker.query.experiment_report import (
    BETTER,
    CONFIDENCE,
    CONTROL,
    UNDECIDED,
    WARNINGS,
    WORSE,
    ExperimentReport,
    Group,
)
from page_tracker.query.plan import Days
from page_tracker.query.problem import QueryError
from page_tracker.query.proportions import Interval
from page_tracker.query.typed_filters import full_name
from page_tracker.store.counters import Live
from page_tracker.web.pages import page_questions
from page_tracker.web.pages.formatting import label_of
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.page_questions import Body
from page_tracker.web.pages.site_page import frame
from page_tracker.web.pages.view import View, written

# Where each part of the question stands in the address.
PLACES = {
    "#/dimension": "groups",
    "#/goal": "goal",
    "#/control": "control",
    "#/shares": "shares",
}
VERDICTS = {
    CONTROL: "control",
    BETTER: "better",
    WORSE: "worse",
    UNDECIDED: "still open",
}
MOODS = {BETTER: "good", WORSE: "bad", UNDECIDED: ""}


class Line(msgspec.Struct, frozen=True):
    """A group as it is shown; `drawn` is its difference's interval, if it has one."""

    name: str
    visitors: str
    conversions: str
    rate: str
    rate_interval: str
    verdict: str
    mood: str = ""
    difference: str = ""
    difference_interval: str = ""
    chance: str = ""
    drawn: tuple[float, float, float] | None = None


def experiment_page(
    answers: Answers,
    view: View,
    problems: tuple[str, ...],
    live: Callable[[], Live],
) -> dict[str, Any]:
    """What the template needs; raises as Answers.ask."""
    asked = answers.understand(view, problems)
    report, wrong = _asked(answers, asked)
    days = Days(asked.scope.range.first, asked.scope.range.last)
    keys = dict.fromkeys(each.key for each in answers.property_keys(days))
    return {
        **frame(asked, live),
        "rest": "/experiments",
        "what": "experiments",
        "query": written(asked.view.of_page()),
        "problems": (*asked.problems, *wrong),
        "groups_offered": [f"props:{key}" for key in keys],
        "goals": [goal.name for goal in asked.site.goals],
        "report": report,
        "lines": _lines(report) if report else [],
        "warnings": [WARNINGS[code] for code in report.warnings] if report else [],
        "detectable": _points(report.detectable) if report else "",
        "confidence": f"{CONFIDENCE:.0%}",
        "label": label_of(report.asked.query.dimensions[0]) if report else "",
    }


def _asked(
    answers: Answers, asked: Asked
) -> tuple[ExperimentReport | None, tuple[str, ...]]:
    """What came of the experiment that a view names, and what is wrong with it."""
    view = asked.view
    if not (view.groups and view.goal):
        return None, ()
    try:
        return answers.experiment(body_of(asked)), ()
    except QueryError as error:
        place = "/".join(error.pointer.split("/")[:2])
        part = PLACES.get(place, "groups")
        said = getattr(view, part)
        return None, (f"{part}={said}: {error.problem}"[:2_000],)


def body_of(asked: Asked) -> Body:
    """The question about the experiment that a view names. Raises QueryError."""
    view = asked.view
    return page_questions.experiment(
        asked.scope,
        full_name(view.groups),
        view.goal,
        view.control,
        shares_of_text(view.shares),
    )


def _lines(report: ExperimentReport) -> list[Line]:
    """The groups, their differences drawn to one scale."""
    compared = [group.compared for group in report.groups if group.compared]
    widest = max((abs(end) for each in compared for end in each.interval), default=1)
    return [_line(group, widest or 1) for group in report.groups]


def _line(group: Group, widest: float) -> Line:
    found, compared = group.found, group.compared
    line = Line(
        name=group.name,
        visitors=f"{found.visitors:,}",
        conversions=f"{found.conversions:,}",
        rate=f"{found.rate:.2%}",
        rate_interval=_percents(group.interval),
        verdict=VERDICTS[compared.verdict if compared else CONTROL],
    )
    if compared is None:
        return line
    low, high = compared.interval

    def place(difference: float) -> float:
        return round(50 + 50 * difference / widest, 1)

    return replace(
        line,
        mood=MOODS[compared.verdict],
        difference=f"{100 * compared.difference:+.2f} pt",
        difference_interval=f"{100 * low:+.1f} to {100 * high:+.1f}",
        chance=f"{compared.chance:.1%}",
        drawn=(place(low), place(compared.difference), place(high)),
    )


def _percents(found: Interval) -> str:
    low, high = found
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
