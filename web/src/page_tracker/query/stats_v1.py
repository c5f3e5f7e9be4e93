"""Questions of Plausible's Stats API v1, asked and answered by way of v2's. Pure.

    period, date, filters, … → a question as JSON in v2's grammar → report → v1's answer

Figures are therefore the same. See https://plausible.io/docs/stats-api-v1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from page_tracker.query.answer import as_json
from page_tracker.query.catalog import (
    DIMENSIONS,
    GOAL,
    METRICS,
    NOT_SET,
    PROPS_PREFIX,
    TIME_BUCKETS,
)
from page_tracker.query.dates import month_start, parse_day
from page_tracker.query.problem import QueryError
from page_tracker.query.report import Report

PERIODS = ("day", "7d", "30d", "month", "6mo", "12mo", "custom")
INTERVALS = {"date": "time:day", "day": "time:day", "month": "time:month"}
# Besides these, any property of events.
BREAKDOWNS = tuple(name for name in DIMENSIONS if name != "event:hostname")
# Their own interval, where none is asked for.
_BY_MONTH = ("6mo", "12mo")
USUAL_ROWS, MOST_ROWS = 100, 1_000
# A breakdown by these has no row for visits of which nothing is known.
_KNOWN_ONLY = (
    *("visit:country", "visit:region", "visit:city", "visit:entry_page"),
    *(name for name in DIMENSIONS if name.startswith("visit:utm_")),
)
# A version alone means nothing: its rows name what it is a version of, too.
_WITH = {"visit:browser_version": "visit:browser", "visit:os_version": "visit:os"}

_RATE, _GROUP_RATE = "conversion_rate", "group_conversion_rate"

_DAY = timedelta(days=1)
_FILTER = re.compile(r"([a-z]+:[^=!]+)(==|!=)(.+)", re.DOTALL)
# What a backslash does not stand before.
_AND = re.compile(r"(?<!\\);")
_OR = re.compile(r"(?<!\\)\|")
_WILDCARD = re.compile(r"\*\*|\*")

Parameters = Mapping[str, str]


def aggregate_question(said: Parameters, today: date) -> dict[str, Any]:
    """The question of `/aggregate`. Raises QueryError, as those below."""
    body = _question(said, today)
    compared = said.get("compare", "")
    if compared not in ("", "previous_period"):
        raise QueryError("compare", "must be previous_period")
    if compared:
        body["include"]["comparisons"] = {"mode": compared}
    return body


def timeseries_question(said: Parameters, today: date) -> dict[str, Any]:
    """The question of `/timeseries`."""
    usual = "month" if said.get("period") in _BY_MONTH else "date"
    interval = said.get("interval") or usual
    if interval not in INTERVALS:
        raise QueryError("interval", f"must be {', '.join(INTERVALS)}")
    body = _question(said, today) | {"dimensions": [INTERVALS[interval]]}
    body["include"]["time_labels"] = True
    return body


def breakdown_question(said: Parameters, today: date) -> dict[str, Any]:
    """The question of `/breakdown`."""
    name = said.get("property", "")
    if not name or name == "event:hostname" or name in TIME_BUCKETS or name == "time":
        raise QueryError("property", "must be a dimension, such as event:page")
    limit = _number(said, "limit", USUAL_ROWS, MOST_ROWS)
    page = _number(said, "page", 1, 10_000)
    body = _question(said, today)
    body["metrics"] = [_rate_of(metric, name) for metric in body["metrics"]]
    if name in _KNOWN_ONLY:
        body["filters"] = [*body["filters"], ["is_not", name, [NOT_SET]]]
    dimensions = [_WITH[name], name] if name in _WITH else [name]
    pages = {"limit": limit, "offset": (page - 1) * limit}
    return body | {"dimensions": dimensions, "pagination": pages}


def _rate_of(metric: str, dimension: str) -> str:
    """v1's rate is that of the row's own visitors, but for goals and properties."""
    if metric != _RATE or dimension == GOAL or dimension.startswith(PROPS_PREFIX):
        return metric
    return _GROUP_RATE


def aggregate_answer(report: Report) -> dict[str, Any]:
    """`{"results": {"visitors": {"value": 7, "change": 40}}}`; a change if compared."""
    (row,) = as_json(report)["results"]
    results = {
        name: {"value": value}
        for name, value in zip(report.query.metrics, row["metrics"], strict=True)
    }
    if "comparison" in row:
        changes = row["comparison"]["change"]
        for name, change in zip(report.query.metrics, changes, strict=True):
            results[name]["change"] = change
    return {"results": results}


def timeseries_answer(report: Report) -> dict[str, Any]:
    """`{"results": [{"date": "2026-01-31", "visitors": 7}]}`, empty buckets as well."""
    answer, names = as_json(report), report.query.metrics
    found = {row["dimensions"][0]: row["metrics"] for row in answer["results"]}
    nothing = [0 if METRICS[name].counts else None for name in names]
    return {
        "results": [
            {"date": label, **_named(names, found.get(label, nothing))}
            for label in answer["meta"]["time_labels"]
        ]
    }


def breakdown_answer(report: Report) -> dict[str, Any]:
    """`{"results": [{"source": "Google", "visitors": 7}]}`."""
    names = [_RATE if n == _GROUP_RATE else n for n in report.query.metrics]
    keys = [name.rpartition(":")[2] for name in report.query.dimensions]
    return {
        "results": [
            _named(keys, row["dimensions"]) | _named(names, row["metrics"])
            for row in as_json(report)["results"]
        ]
    }


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def _question(said: Parameters, today: date) -> dict[str, Any]:
    metrics = said.get("metrics") or "visitors"
    with_imported = said.get("with_imported") == "true"
    return {
        "site_id": said.get("site_id", ""),
        "metrics": [name.strip() for name in metrics.split(",")],
        "date_range": [str(day) for day in _days(said, today)],
        "filters": filters_in(said.get("filters", "")),
        "include": {"imports": True} if with_imported else {},
    }


def _days(said: Parameters, today: date) -> tuple[date, date]:
    """The first and the last day of a period, which ends with `date`, or today."""
    period, text = said.get("period") or "30d", said.get("date", "")
    if period not in PERIODS:
        raise QueryError("period", f"must be {', '.join(PERIODS)}")
    try:
        if period == "custom":
            first, _, last = text.partition(",")
            return parse_day(first.strip()), parse_day(last.strip())
        day = parse_day(text.strip()) if text else today
    except ValueError as error:
        raise QueryError("date", str(error)) from error
    number = int(re.sub(r"\D", "", period) or 1)
    if period.endswith("mo") or period == "month":
        return month_start(day, number - 1), month_start(day, -1) - _DAY
    return day - (number - 1) * _DAY, day


def filters_in(text: str) -> list[Any]:
    r"""The filters in v2's grammar of those in v1's: all that `;` separates must hold.

    >>> filters_in(r"visit:source==A|B;event:page!=/a\;b;event:page==/blog/**")
    ... # doctest: +NORMALIZE_WHITESPACE
    [['is', 'visit:source', ['A', 'B']], ['is_not', 'event:page', ['/a;b']],
     ['matches', 'event:page', ['^/blog/.*$']]]
    """
    return [_filter(part.strip()) for part in _AND.split(text) if part.strip()]


def _filter(text: str) -> list[Any]:
    found = _FILTER.fullmatch(text)
    if found is None:
        why = (
            f'"{text[:100]}" is not a filter; write it like event:page==/a or'
            " visit:os!=Mac"
        )
        raise QueryError("filters", why)
    name, is_not = found[1].strip(), found[2] == "!="
    values = [value.strip() for value in _OR.split(found[3])]
    if is_not and (len(values) > 1 or name == "event:goal"):
        raise QueryError(
            "filters", "!= takes a single value and cannot be used with a goal"
        )
    if name != "event:goal" and any("*" in value for value in values):
        patterns = [_pattern(value) for value in values]
        return ["matches_not" if is_not else "matches", name, patterns]
    return ["is_not" if is_not else "is", name, [_unescaped(v) for v in values]]


def _pattern(value: str) -> str:
    """The regular expression of a value: `**` is any text, `*` one without `/`."""
    parts, at = [], 0
    for star in _WILDCARD.finditer(value):
        parts += [re.escape(_unescaped(value[at : star.start()]))]
        parts += [".*" if star[0] == "**" else "[^/]*"]
        at = star.end()
    return f"^{''.join(parts)}{re.escape(_unescaped(value[at:]))}$"


def _unescaped(value: str) -> str:
    return re.sub(r"\\([|;\\])", r"\1", value)


def _number(said: Parameters, name: str, usual: int, most: int) -> int:
    text = said.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most):
        raise QueryError(name, f"must be 1 to {most}")
    return int(text)
