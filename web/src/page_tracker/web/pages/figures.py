"""The eight figures above the chart: each with its change, and a link that charts it.

Pure.
"""

from __future__ import annotations

import msgspec

from page_tracker.query.answer import before_of
from page_tracker.query.report import Report
from page_tracker.web.pages import formatting
from page_tracker.web.pages.page_answers import Asked
from page_tracker.web.pages.view import written


class Figure(msgspec.Struct, frozen=True):
    """A figure as the page shows it; `change` and `before` may be ''.

    `mood` is `good`, `bad` or ''; `why` is why there is no value.
    """

    metric: str
    label: str
    value: str
    change: str
    mood: str
    before: str
    href: str
    is_charted: bool
    why: str = ""


# Why a figure has no value.
WHY_NOTHING = {
    "scroll_depth": "no script told it in these days",
    "time_on_page": "no script told it in these days",
}


def figures_of(asked: Asked, reports: tuple[Report, ...]) -> list[Figure]:
    """The figures of reports without dimensions."""
    return [
        _figure(asked, report, index, metric)
        for report in reports
        for index, metric in enumerate(report.query.metrics)
    ]


def _figure(asked: Asked, report: Report, index: int, metric: str) -> Figure:
    row = report.rows[0] if report.rows else None
    now = row.metrics[index] if row else 0
    before, change, mood = "", "", ""
    if row and has_before(report):
        then = before_of(report, row)[index]
        before = formatting.figure(metric, then)
        change, mood = formatting.changed(metric, now, then)
    return Figure(
        metric=metric,
        label=formatting.LABELS[metric],
        value=formatting.figure(metric, now),
        change=change,
        mood=mood,
        before=before,
        href=written(asked.view, metric=metric) or "?",
        is_charted=metric == asked.view.metric,
        why=WHY_NOTHING.get(metric, "") if now is None else "",
    )


def has_before(report: Report) -> bool:
    """Whether anything was counted in the days compared with.

    Without anything to compare with, no figure has changed: it is the first.
    """
    return any(any(values) for values in (report.compared or {}).values())


def total(report: Report) -> int:
    """The visitors of a report without dimensions."""
    if not report.rows:
        return 0
    return int(report.rows[0].metrics[report.query.metrics.index("visitors")] or 0)
