"""What came of an experiment as a file, and how to ask for it oneself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from page_tracker.query.experiment_report import experiment_as_json
from page_tracker.query.problem import QueryError
from page_tracker.query.spreadsheet import cell, exact
from page_tracker.store.counters import Live
from page_tracker.web.pages import how_to_ask
from page_tracker.web.pages.experiment_explanations import METHODS
from page_tracker.web.pages.experiment_page import body_of
from page_tracker.web.pages.exports import Way
from page_tracker.web.pages.page_answers import Answers, Asked
from page_tracker.web.pages.site_page import frame
from page_tracker.web.pages.view import View

HEAD = (
    *("group", "verdict", "visitors", "conversions"),
    *("conversion_rate", "conversion_rate_low", "conversion_rate_high"),
    *("difference", "difference_low", "difference_high", "chance_to_be_better"),
)


def experiment_as_file(
    answers: Answers, view: View, problems: tuple[str, ...], ending: str
) -> str:
    """The content of a file: all groups; as JSON, what the interface answers.

    Raises QueryError if the address is invalid, and as Answers.experiment.
    """
    asked = answers.understand(view, problems)
    if asked.problems:
        raise QueryError("", "; ".join(asked.problems))
    _require(asked)
    answer = experiment_as_json(answers.experiment(body_of(asked)))
    if ending == "json":
        return json.dumps(answer, ensure_ascii=False)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(map(_row, answer["results"]))
    return file.getvalue()


def _row(group: dict[str, Any]) -> list[str]:
    """The cells of a group, in the order of HEAD."""
    nothing = (None, None)
    low, high = group["conversion_rate_interval"]
    below, above = group["difference_interval"] or nothing
    numbers = [
        *(group["visitors"], group["conversions"]),
        *(group["conversion_rate"], low, high),
        *(group["difference"], below, above, group["chance_to_be_better"]),
    ]
    return [cell(group["group"]), group["verdict"], *map(exact, numbers)]


def how_experiments_page(
    answers: Answers,
    view: View,
    problems: tuple[str, ...],
    live: Callable[[], Live],
    server: str,
) -> dict[str, Any]:
    """What the template needs. Raises as experiment_as_file."""
    asked = answers.understand(view, problems)
    _require(asked)
    body = body_of(asked)
    answers.experiment(body)  # what cannot be asked here cannot be asked elsewhere
    return {
        **frame(asked, live),
        "rest": "/how/experiments",
        "of": "/experiments",
        "part": "Compare variants",
        "counted": [
            (label, text[:1].upper() + text[1:]) for label, text in METHODS.items()
        ],
        "ways": [
            Way(
                f"{view.groups}, {view.goal}",
                how_to_ask.experiment_command(body),
                how_to_ask.curl(f"{server}/api/v2/experiment", body),
            )
        ],
    }


def _require(asked: Asked) -> None:
    if not (asked.view.groups and asked.view.goal):
        raise QueryError("", "an experiment needs groups and a goal")
