"""Questions of GoatCounter's statistics API, asked and answered by way of ours. Pure.

Its counts are visitors: of the site, of a page, by browser and so on. See
https://www.goatcounter.com/help/api.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import blake2b
from typing import Any

from page_tracker.query.answer import as_json
from page_tracker.query.problem import QueryError
from page_tracker.query.report import Report

# What is told apart, by the last part of the address.
DIMENSIONS = {
    "browsers": "visit:browser",
    "systems": "visit:os",
    "locations": "visit:country",
    "sizes": "visit:screen",
    "toprefs": "visit:source",
    "campaigns": "visit:utm_campaign",
}
# Questions cannot be asked by these.
UNKNOWN = ("languages",)
USUAL_ROWS, USUAL_PAGES, MOST_ROWS = 6, 20, 100
HOURS = 24

Parameters = Mapping[str, str]


def total_questions(site: str, said: Parameters, now: datetime) -> list[dict[str, Any]]:
    """Visitors and events as a whole, by day, and by hour. Raises QueryError."""
    whole = _question(site, said, now) | {
        "metrics": ["visitors", "pageviews", "events"]
    }
    return [whole, *_by_time(_question(site, said, now))]


def total_answer(reports: Sequence[Report]) -> dict[str, Any]:
    """`total` counts visitors, `total_events` all but page views."""
    whole, by_day, by_hour = reports
    ((visitors, pageviews, events),) = (row.metrics for row in whole.rows)
    stats = _series(by_day, by_hour)
    return {
        "total": visitors,
        "total_events": (events or 0) - (pageviews or 0),
        "total_utc": visitors,
        "stats": stats.get("", []),
    }


def rows_question(
    site: str, name: str, said: Parameters, now: datetime
) -> dict[str, Any]:
    """Visitors by what `name` says, a row more than is shown. Raises QueryError."""
    limit = _number(said, "limit", USUAL_ROWS, MOST_ROWS)
    offset = _number(said, "offset", 0, 10_000)
    dimension = DIMENSIONS[name]
    filters = [["is_not", dimension, ["(not set)"]]] if name == "campaigns" else []
    return _question(site, said, now) | {
        "dimensions": [dimension],
        "filters": filters,
        "pagination": {"limit": limit + 1, "offset": offset},
    }


def rows_answer(report: Report) -> dict[str, Any]:
    """`{"stats": [{"id", "name", "count"}], "more": …}`."""
    shown = report.rows[: report.query.limit - 1]
    stats = [
        {"id": row.dimensions[0], "name": row.dimensions[0], "count": row.metrics[0]}
        for row in shown
    ]
    return {"stats": stats, "more": len(report.rows) > len(shown)}


def pages_question(site: str, said: Parameters, now: datetime) -> dict[str, Any]:
    """Visitors by page, with those that are left out afterwards. Raises QueryError."""
    limit = _number(said, "limit", USUAL_PAGES, MOST_ROWS)
    more = limit + len(_left_out(said)) + 1
    pages = {"dimensions": ["event:page"], "pagination": {"limit": more}}
    return _question(site, said, now) | pages


def pages_shown(report: Report, said: Parameters) -> tuple[list[tuple[str, Any]], bool]:
    """Pages and their visitors, and whether there are more."""
    limit = _number(said, "limit", USUAL_PAGES, MOST_ROWS)
    left_out = _left_out(said)
    found = [
        (row.dimensions[0], row.metrics[0])
        for row in report.rows
        if str(path_id(row.dimensions[0])) not in left_out
    ]
    return found[:limit], len(found) > limit


def series_questions(
    site: str, said: Parameters, now: datetime, paths: Sequence[str]
) -> list[dict[str, Any]]:
    """Visitors of these pages by day, and by hour. Raises QueryError."""
    body = _question(site, said, now)
    body["filters"] = [["is", "event:page", list(paths)]]
    return _by_time(body | {"dimensions": ["event:page"]})


def pages_answer(
    shown: Sequence[tuple[str, Any]], has_more: bool, series: Sequence[Report]
) -> dict[str, Any]:
    """`{"hits": [{"path", "count", "stats", …}], "total", "more"}`."""
    stats = _series(*series) if series else {}
    hits = [
        {
            "path_id": path_id(path),
            "path": path,
            "event": False,
            "title": "",
            "count": count,
            "max": max((max(day["hourly"]) for day in stats.get(path, [])), default=0),
            "stats": stats.get(path, []),
        }
        for path, count in shown
    ]
    return {"hits": hits, "total": sum(count for _, count in shown), "more": has_more}


def path_id(path: str) -> int:
    """A number for a page, always the same: programs name pages by one."""
    digest = blake2b(path.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def _question(site: str, said: Parameters, now: datetime) -> dict[str, Any]:
    end = _instant(said, "end", now)
    start = _instant(said, "start", end - timedelta(days=7))
    ends = [each.isoformat(timespec="seconds") for each in (start, end)]
    return {"site_id": site, "metrics": ["visitors"], "date_range": ends}


def _by_time(body: dict[str, Any]) -> list[dict[str, Any]]:
    dimensions = body.get("dimensions", [])
    return [
        body | {"dimensions": [*dimensions, name]} for name in ("time:day", "time:hour")
    ]


def _series(by_day: Report, by_hour: Report) -> dict[str, list[dict[str, Any]]]:
    """Days with their hours, by the page; by nothing where pages were not asked for."""
    hours: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * HOURS)
    for *page, label, count in _flat(by_hour):
        hours["".join(page), label[:10]][int(label[11:13])] += count
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for *page, label, count in sorted(_flat(by_day), key=lambda row: str(row[-2])):
        path = "".join(page)
        hourly = hours[path, label]
        found[path].append({"day": label, "hourly": hourly, "daily": count})
    return found


def _flat(report: Report) -> list[list[Any]]:
    results = as_json(report)["results"]
    return [[*row["dimensions"], *row["metrics"]] for row in results]


def _left_out(said: Parameters) -> set[str]:
    listed = said.get("exclude_paths", "").split(",")
    return {each.strip() for each in listed if each.strip()}


def _instant(said: Parameters, name: str, usual: datetime) -> datetime:
    text = said.get(name, "").strip()
    if not text:
        return usual
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(name, f'"{text[:40]}" is no day and no time') from error
    if len(text) == len("2026-01-31") and name == "end":
        found = datetime.combine(found, time(23, 59, 59))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(said: Parameters, name: str, usual: int, most: int) -> int:
    text = said.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and int(text[:9]) <= most):
        raise QueryError(name, f"must be at most {most}")
    return int(text)
