"""The questions of a part of the page, to be explained or downloaded as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from page_tracker.query.answer import as_json
from page_tracker.query.problem import QueryError
from page_tracker.query.report import Report
from page_tracker.query.spreadsheet import exact, write_rows
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.web.pages import how_to_ask, page_questions
from page_tracker.web.pages.chart import points_of
from page_tracker.web.pages.formatting import LABELS
from page_tracker.web.pages.lists import ALL, order_of, tab_shown
from page_tracker.web.pages.metric_explanations import COUNTED
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.page_questions import Body
from page_tracker.web.pages.panels import PANELS
from page_tracker.web.pages.site_page import ROWS, frame
from page_tracker.web.pages.view import View

if TYPE_CHECKING:
    from page_tracker.query.ask import Asking

FIGURES, CHART = "figures", "chart"
PARTS = (FIGURES, CHART, *PANELS)
ENDINGS = ("csv", "json")


def bodies_of(asked: Asked, part: str, rows: int) -> list[Body]:
    """The questions that a part of the page asks; for a panel, with this many rows."""
    scope = asked.scope
    if part == FIGURES:
        return [page_questions.figures(scope), page_questions.reading(scope)]
    if part == CHART:
        return [page_questions.over_time(scope, asked.view.metric, asked.interval)]
    return [page_questions.rows(scope, tab_shown(asked.view, PANELS[part]), rows)]


def list_body(asked: Asked, panel: str) -> Body:
    """The question that a full list asks, with all of its rows."""
    tab = tab_shown(asked.view, PANELS[panel])
    order, wrong = order_of(asked, tab)
    if wrong:
        raise QueryError("", wrong)
    return page_questions.listed(asked.scope, tab, order, asked.view.search, ALL, 0)


class Way(msgspec.Struct, frozen=True):
    """A question and the ways to ask it; `sql` is '' where there is no such way."""

    title: str
    command: str
    curl: str
    sql: str = ""


def how_page(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    site: Site,
    part: str,
    view: View,
    problems: tuple[str, ...],
    asking: Callable[[], Asking],
    live: Callable[[], Live],
    server: str,
) -> dict[str, Any]:
    """What the template needs. Raises as Answers.ask."""
    answers = Answers(asking, site)
    asked = answers.understand(view, problems)
    bodies = bodies_of(asked, part, ROWS)
    reports = answers.ask(bodies)
    metrics = [name for report in reports for name in report.query.metrics]
    return {
        **frame(asked, live),
        "rest": f"/how/{part}",
        "what": part,
        "part": PANELS[part].title if part in PANELS else part.capitalize(),
        "counted": [(LABELS[name], COUNTED[name]) for name in metrics],
        "ways": [
            Way(
                ", ".join(LABELS[name] for name in report.query.metrics),
                how_to_ask.command(body),
                how_to_ask.curl(f"{server}/api/v2/query", body),
                how_to_ask.sql(report.asked),
            )
            for body, report in zip(bodies, reports, strict=True)
        ],
    }


def taken(  # pylint: disable=too-many-arguments,too-many-positional-arguments
    site: Site,
    part: str,
    ending: str,
    view: View,
    problems: tuple[str, ...],
    asking: Callable[[], Asking],
    is_list: bool,
) -> str:
    """A part of the page as the content of a file.

    Raises QueryError if the address is invalid: a file has no place to report what it
    leaves out. Also raises as Answers.ask.
    """
    answers = Answers(asking, site)
    asked = answers.understand(view, problems)
    if asked.problems:
        raise QueryError("", "; ".join(asked.problems))
    bodies = [list_body(asked, part)] if is_list else bodies_of(asked, part, ALL)
    reports = answers.ask(bodies)
    if ending == "json":
        shown = [as_json(report) for report in reports]
        return json.dumps(shown if part == FIGURES else shown[0], ensure_ascii=False)
    if part == FIGURES:
        return _csv_of_figures(reports)
    return _csv_of_points(asked, reports[0]) if part == CHART else _csv(reports[0])


def _csv(report: Report) -> str:
    file = io.StringIO()
    write_rows(report, csv.writer(file, lineterminator="\n"))
    return file.getvalue()


def _csv_of_figures(reports: list[Report]) -> str:
    """All figures in one row."""
    heads, values = zip(*(_csv(report).splitlines() for report in reports), strict=True)
    return f"{','.join(heads)}\n{','.join(values)}\n"


def _csv_of_points(asked: Asked, report: Report) -> str:
    """All points of the chart, including those without hits."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    metric = report.query.metrics[0]
    before = report.compared is not None
    writer.writerow([asked.interval, metric, *([f"{metric}_before"] if before else [])])
    for point in points_of(report, asked.now):
        values = [point.value, *([point.before] if before else [])]
        writer.writerow([point.name, *map(exact, values)])
    return file.getvalue()
