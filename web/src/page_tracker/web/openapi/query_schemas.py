"""Schemas of questions and their answers, from the query language's own tables."""

from __future__ import annotations

from page_tracker.query.answer import NO_REVENUE
from page_tracker.query.catalog import (
    DIMENSIONS,
    GOAL_OPERATORS,
    METRICS,
    NOT_SET,
    OPERATORS,
    PROPS_PREFIX,
    TIME_BUCKETS,
)
from page_tracker.query.dates import COUNTED, WORDS
from page_tracker.query.filters import (
    COUNTRIES_OF,
    MAX_PATTERN_LENGTH,
    MAX_VALUE_LENGTH,
    MAX_VALUES,
    SEGMENT_OPERATORS,
)
from page_tracker.query.parse import MAX_DIMENSIONS, MAX_ROWS, MODES
from page_tracker.schema import PROP_KEY_LIMIT
from page_tracker.store.counters import RECENT_MINUTES
from page_tracker.web.api.query import MOST_QUERIES
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

GOAL = "event:goal"
TRUTH: Schema = {"type": "boolean"}
PROPERTY: Schema = {
    "type": "string",
    "pattern": f"^{PROPS_PREFIX}[\\s\\S]+$",
    "maxLength": len(PROPS_PREFIX) + PROP_KEY_LIMIT,
    "description": "A property of events, by its key.",
}
TIMES = one_of("time", *TIME_BUCKETS)
ORDER = tuple_of(text(), one_of("asc", "desc"))


def _any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _date_range() -> Schema:
    day: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    instant = {"type": "string", "format": "date-time"}
    words = "; ".join(f"{word}: {meaning}" for word, meaning in WORDS.items())
    return _any_of(
        one_of(*WORDS) | {"description": words},
        {"type": "string", "pattern": f"^{COUNTED}$"}
        | {"description": "So many days, or months, before the running one."},
        tuple_of(day | {"format": "date"}, day | {"format": "date"}),
        tuple_of(instant, instant),
    ) | {"description": "In the site's time zone; both ends are included."}


def _leaf(
    operators: list[str], dimensions: Schema, value: Schema, *more: Schema
) -> Schema:
    values = list_of(value, 1, MAX_VALUES)
    return tuple_of(one_of(*operators), dimensions, values, *more, optional=len(more))


def _leaves(of_events: bool) -> list[Schema]:
    """Filters that compare a dimension with values; `of_events`: one of an event."""
    names = [
        name
        for name, dimension in DIMENSIONS.items()
        if name not in (GOAL, *COUNTRIES_OF)
        and (dimension.scope == "event" or not of_events)
    ]
    dimensions = _any_of(one_of(*names), PROPERTY)
    exact = [name for name, operator in OPERATORS.items() if operator.is_exact]
    patterns = [name for name, each in OPERATORS.items() if not each.has_case]
    parts = [name for name in OPERATORS if name not in (*exact, *patterns)]
    number = whole(1 - 2**63, 2**63 - 1)
    value = _any_of(text(MAX_VALUE_LENGTH), number)
    pattern = _any_of(text(MAX_PATTERN_LENGTH) | {"format": "regex"}, number)
    case = record({"case_sensitive": TRUTH}, ())
    found = [
        _leaf([*exact, *parts], dimensions, value, case),
        _leaf(patterns, dimensions, pattern),
        _leaf(sorted(GOAL_OPERATORS), one_of(GOAL), value, case),
    ]
    if of_events:
        return found
    # Compared as a whole, a country must be one that exists.
    countries = one_of(*COUNTRIES_OF)
    return [
        *found,
        _leaf(parts, countries, value, case),
        _leaf(patterns, countries, pattern),
        *(
            _leaf(exact, one_of(name), one_of("", NOT_SET, *sorted(values())), case)
            for name, values in COUNTRIES_OF.items()
        ),
    ]


def _filter(name: str, *more: Schema, of_events: bool) -> Schema:
    return _any_of(
        *_leaves(of_events),
        tuple_of(one_of("and", "or"), list_of(ref(name), 1)),
        tuple_of(one_of("not"), ref(name)),
        *more,
    )


def _comparisons() -> Schema:
    matched: dict[str, Schema] = {"match_day_of_week": TRUTH}
    return _any_of(
        record({"mode": one_of(*MODES), **matched}, ("mode",)),
        record(
            {"mode": one_of("custom"), "date_range": ref("DateRange"), **matched},
            ("mode", "date_range"),
        ),
    )


def _question() -> Schema:
    metrics = list_of(ref("Metric"), 1) | {"uniqueItems": True}
    dimensions = list_of(ref("Dimension"), 0, MAX_DIMENSIONS) | {"uniqueItems": True}
    include = {
        "imports": TRUTH,
        "time_labels": TRUTH,
        "total_rows": TRUTH,
        "comparisons": _comparisons(),
    }
    pages = {"limit": whole(1, MAX_ROWS), "offset": whole(0, 2**31 - 1)}
    return record(
        {
            "site_id": text(like=SITE),
            "metrics": metrics,
            "date_range": ref("DateRange"),
            "dimensions": dimensions,
            "filters": list_of(ref("Filter")) | {"description": "All must hold."},
            "order_by": list_of(ORDER),
            "include": record(include, ()),
            "pagination": record(pages, ()),
        },
        ("site_id", "metrics", "date_range"),
    )


def _answer() -> Schema:
    values = list_of(_any_of({"type": ["number", "null"]}, ref("Money")))
    labels = list_of({"type": ["string", "null"]})
    comparison = {
        "dimensions": labels,
        "metrics": values,
        "change": list_of({"type": ["number", "null"]}),
    }
    row = {
        "metrics": values,
        "dimensions": list_of(text()),
        "comparison": record(comparison),
    }
    warning = record({"code": one_of(*NO_REVENUE), "warning": text()})
    meta = {
        "imports_included": TRUTH,
        "imports_skip_reason": one_of("no_imported_data", "out_of_range"),
        "time_labels": list_of(text()),
        "total_rows": whole(0),
        "metric_warnings": {"type": "object", "additionalProperties": warning},
    }
    return record(
        {
            "results": list_of(record(row, ("metrics", "dimensions"))),
            "meta": record(meta, ()),
            "query": ref("Question") | {"description": "As it was understood."},
        }
    )


def _realtime() -> Schema:
    """The result of `page_tracker.query.live_figures`."""
    counts: Schema = {"type": "object", "additionalProperties": whole(0)}
    minute = record({"minute": whole(0), "views": whole(0), "visitors": whole(0)})
    return record(
        {
            "visitors": whole(0),
            "pages": counts | {"description": "Visitors by the page viewed last."},
            "sources": counts,
            "minutes": list_of(minute, RECENT_MINUTES, RECENT_MINUTES),
            "ai_assistants": whole(0)
            | {"description": "Fetches of today because a person asked an assistant."},
            "dropped": list_of(
                record({"reason": text(), "name": text(), "number": whole(1)})
            ),
            "folded": whole(0)
            | {"description": "Today's hits of visitors who count as one."},
        }
    )


def question_schemas() -> dict[str, Schema]:
    """All schemas of questions and answers, by name."""
    done = tuple_of(one_of("has_done", "has_not_done"), ref("EventFilter"))
    segments = tuple_of(
        one_of(*SEGMENT_OPERATORS), one_of("segment"), list_of(whole(), 1)
    )
    return {
        "Metric": one_of(*METRICS),
        "Dimension": _any_of(TIMES, one_of(*DIMENSIONS), PROPERTY),
        "DateRange": _date_range(),
        "EventFilter": _filter("EventFilter", of_events=True),
        "Filter": _filter("Filter", done, segments, of_events=False),
        "Question": _question(),
        "Questions": list_of(ref("Question"), 1, MOST_QUERIES),
        "Money": record(
            {"value": {"type": "number"}, "currency": text(), "short": text()}
            | {"long": text()}
        ),
        "Answer": _answer(),
        "Answers": record({"answers": list_of(ref("Answer"))}),
        "Realtime": _realtime(),
    }
