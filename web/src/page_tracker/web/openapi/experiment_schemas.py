"""Schemas of experiments and what came of them."""

from __future__ import annotations

from page_tracker.query.catalog import DIMENSIONS
from page_tracker.query.experiment import MOST_GROUPS, MOST_SHARE, REQUIRED
from page_tracker.query.experiment_report import (
    BETTER,
    CONTROL,
    UNDECIDED,
    WARNINGS,
    WORSE,
)
from page_tracker.web.openapi.query_schemas import GOAL, PROPERTY
from page_tracker.web.openapi.schemas import (
    SITE,
    Schema,
    list_of,
    one_of,
    record,
    ref,
    text,
    tuple_of,
    whole,
)

NUMBER: Schema = {"type": "number"}
INTERVAL = tuple_of(NUMBER, NUMBER)


def _experiment() -> Schema:
    names = [name for name in DIMENSIONS if name != GOAL]
    share = {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_SHARE}
    return record(
        {
            "site_id": text(like=SITE),
            "dimension": {"anyOf": [one_of(*names), PROPERTY]},
            "goal": text() | {"description": "The name of a goal of the site."},
            "date_range": ref("DateRange"),
            "filters": list_of(ref("Filter"))
            | {"description": "Of the events by which visitors are in a group."},
            "control": text()
            | {"description": "The group that others are compared with."},
            "shares": {"type": "object", "additionalProperties": share}
            | {"description": "How visitors were meant to be split; else evenly."},
        },
        REQUIRED,
    )


def _group() -> Schema:
    def of_rivals(schema: Schema) -> Schema:
        return {"anyOf": [schema, {"type": "null"}]}

    return record(
        {
            "group": text(),
            "visitors": whole(1),
            "conversions": whole(0),
            "conversion_rate": NUMBER,
            "conversion_rate_interval": INTERVAL,
            "difference": of_rivals(NUMBER),
            "difference_interval": of_rivals(INTERVAL),
            "chance_to_be_better": of_rivals(NUMBER),
            "verdict": one_of(CONTROL, BETTER, WORSE, UNDECIDED),
        },
        description="Rates and chances in percent; differences in points.",
    )


def _answer() -> Schema:
    warning = record({"code": one_of(*WARNINGS), "warning": text()})
    meta = {
        "in_several_groups": whole(0)
        | {"description": "Visitors who were in several on one day: they are in none."},
        "confidence": NUMBER | {"description": "Of each comparison, in percent."},
        "detectable": {"type": ["number", "null"]}
        | {"description": "Points that four of five such experiments would show."},
        "warnings": list_of(warning),
    }
    return record(
        {
            "results": list_of(_group(), 0, MOST_GROUPS),
            "meta": record(meta),
            "query": ref("Experiment") | {"description": "As it was understood."},
        }
    )


def experiment_schemas() -> dict[str, Schema]:
    """All schemas of experiments, by name."""
    return {"Experiment": _experiment(), "ExperimentAnswer": _answer()}
