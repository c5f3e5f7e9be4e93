"""Questions of GoatCounter's statistics API, asked and answered by way of ours. Pure.

Its counts are visitors: of the site, of a page, by browser and so on. See
https://www.goatcounter.com/api.html.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from page_tracker.query import countries
from page_tracker.query.answer import as_json
from page_tracker.query.goatcounter_paths import (
    EVENT,
    EVENTS_ONLY,
    PAGE,
    Path,
    by_path,
    counts_of,
    is_left_out,
    only,
)
from page_tracker.query.goatcounter_request import (
    Parameters,
    is_set,
    limit_of,
    listed,
    number,
    question,
)
from page_tracker.query.problem import QueryError
from page_tracker.query.report import Report

HOURS = 24
GROUPS = ("hour", "day", "week", "month")


class Panel(NamedTuple):
    """A panel of its dashboard: what it counts by, and what one of its rows can be
    divided by; '' where nothing finer is known."""

    dimension: str
    detail: str = ""


# By the last part of the address.
PANELS = {
    "browsers": Panel("visit:browser", "visit:browser_version"),
    "systems": Panel("visit:os", "visit:os_version"),
    "locations": Panel("visit:country", "visit:region"),
    "sizes": Panel("visit:screen"),
    "toprefs": Panel("visit:source", PAGE),
    "campaigns": Panel("visit:utm_campaign", "visit:referrer"),
}
# Questions cannot be asked by these.
UNKNOWN = ("languages",)
# Their details are named after what they belong to, as `Firefox 140`.
_VERSIONS = ("browsers", "systems")
_NO_SOURCE = ("", "Direct / None")


def total_questions(
    site: str, said: Parameters, now: datetime, paths: Sequence[Path] | None
) -> list[dict[str, Any]]:
    """Visitors and those with an event, by day and by hour; of some paths, or (None)
    of all. Raises QueryError, as all below."""
    body = _about(question(site, said, now), paths)
    events = body | {"filters": [*body["filters"], EVENTS_ONLY]}
    return [body, events, *_by_time(body)]


def total_answer(reports: Sequence[Report]) -> dict[str, Any]:
    """`total` and `total_utc` count visitors, `total_events` those with an event."""
    whole, events, by_day, by_hour = reports
    visitors, with_event = whole.rows[0].metrics[0], events.rows[0].metrics[0]
    return {
        "total": visitors,
        "total_events": with_event,
        "total_utc": visitors,
        "stats": _series(by_day, by_hour).get("", []),
    }


def rows_question(
    site: str, name: str, said: Parameters, now: datetime, paths: Sequence[Path] | None
) -> dict[str, Any]:
    """Visitors by what a panel is about, a row more than is shown."""
    dimension = PANELS[name].dimension
    body = _about(question(site, said, now), paths)
    if name == "campaigns":
        body["filters"].append(["is_not", dimension, ["(not set)"]])
    return body | _page(said) | {"dimensions": [dimension]}


def rows_answer(name: str, report: Report) -> dict[str, Any]:
    """`{"stats": [{"id", "name", "count"}], "more": …}`."""
    stats = [
        {"id": text, "name": _shown(name, text), "count": count} | _scheme(name, text)
        for text, count in _first_rows(report)
    ]
    return {"stats": stats, "more": _has_more(report)}


def detail_question(
    *address: str, said: Parameters, now: datetime, paths: Sequence[Path] | None
) -> dict[str, Any]:
    """The same within one row; `address` is the site, the panel, and the row's id."""
    site, name, row_id = address
    panel = PANELS[name]
    body = _about(question(site, said, now), paths)
    body["filters"].append(["is", panel.dimension, [row_id]])
    return body | _page(said) | {"dimensions": [panel.detail]}


def detail_answer(name: str, row_id: str, report: Report) -> dict[str, Any]:
    """`{"stats": [{"name", "count"}], "more": …}`."""
    whose = f"{row_id} " if name in _VERSIONS else ""
    stats = [
        {"name": f"{whose}{text}", "count": count}
        for text, count in _first_rows(report)
    ]
    return {"stats": stats, "more": _has_more(report)}


def referrers_question(
    site: str, said: Parameters, now: datetime, path: Path
) -> dict[str, Any]:
    """Visitors of a path, by the page that led them to the site."""
    body = _about(question(site, said, now), [path])
    return body | _page(said) | {"dimensions": ["visit:referrer"]}


def referrers_answer(report: Report) -> dict[str, Any]:
    """`{"refs": [{"id", "name", "count", "ref_scheme"}], "more": …}`."""
    refs = [
        {"id": name, "name": name, "count": count} | _scheme("toprefs", name)
        for text, count in _first_rows(report)
        for name in ["" if text in _NO_SOURCE else text]
    ]
    return {"refs": refs, "more": _has_more(report)}


def hits_questions(
    site: str, said: Parameters, now: datetime, paths: Sequence[Path] | None
) -> list[dict[str, Any]]:
    """Visitors by page and by event, with those that are left out afterwards."""
    more = limit_of(said) + len(listed(said, "exclude_paths")) + 1
    return by_path(_about(question(site, said, now), paths), more)


def hits_shown(
    reports: Sequence[Report], said: Parameters
) -> tuple[list[tuple[Path, Any]], bool]:
    """Paths and their visitors, and whether there are more."""
    found = [
        (path, count)
        for path, count in counts_of(*reports)
        if not is_left_out(said, path)
    ]
    limit = limit_of(said)
    return found[:limit], len(found) > limit


def series_questions(
    site: str, said: Parameters, now: datetime, paths: Sequence[Path]
) -> list[dict[str, Any]]:
    """Visitors of these pages and events by day, and by hour."""
    found = []
    for dimension, is_event in ((PAGE, False), (EVENT, True)):
        if texts := [path.text for path in paths if path.is_event is is_event]:
            body = question(site, said, now) | {"dimensions": [dimension]}
            found += _by_time(body | {"filters": [["is", dimension, texts]]})
    return found


def hits_answer(
    shown: Sequence[tuple[Path, Any]],
    has_more: bool,
    series: Sequence[Report],
    said: Parameters,
) -> dict[str, Any]:
    """`{"hits": [{"path", "count", "stats", …}], "total", "more"}`."""
    group = _group(said)
    stats: dict[str, list[dict[str, Any]]] = {}
    for by_day, by_hour in zip(series[::2], series[1::2], strict=True):
        stats |= _series(by_day, by_hour)
    hits = [
        {
            "path_id": path.number,
            "path": path.text,
            "event": path.is_event,
            "title": "",
            "count": count,
            "max": _highest(stats.get(path.text, []), group),
            "stats": stats.get(path.text, []),
        }
        for path, count in shown
    ]
    return {"hits": hits, "total": sum(count for _, count in shown), "more": has_more}


def _about(body: dict[str, Any], paths: Sequence[Path] | None) -> dict[str, Any]:
    return body | {"filters": [] if paths is None else only(paths)}


def _page(said: Parameters) -> dict[str, Any]:
    """A row more than is shown: it tells that there are more."""
    offset = number(said, "offset", 0)
    return {"pagination": {"limit": limit_of(said) + 1, "offset": offset}}


def _first_rows(report: Report) -> list[tuple[str, Any]]:
    rows = report.rows[: report.query.limit - 1]
    return [(str(row.dimensions[0]), row.metrics[0]) for row in rows]


def _has_more(report: Report) -> bool:
    return len(report.rows) == report.query.limit


def _shown(name: str, text: str) -> str:
    return countries.names().get(text, text) if name == "locations" else text


def _scheme(name: str, text: str) -> dict[str, str]:
    """Whether a referrer is a page's address (h), or a name (g)."""
    if name != "toprefs" or text in _NO_SOURCE:
        return {}
    return {"ref_scheme": "h" if "." in text else "g"}


def _group(said: Parameters) -> str:
    usual = "day" if is_set(said, "daily") else "hour"
    group = said.get("group", "") or usual
    if group not in GROUPS:
        raise QueryError("group", f"must be {', '.join(GROUPS)}")
    return group


def _highest(days: Sequence[dict[str, Any]], group: str) -> int:
    """The most visitors of an hour, a day, a week from Monday, or a month."""
    if group == "hour":
        return max((max(day["hourly"]) for day in days), default=0)
    sums: dict[Any, int] = defaultdict(int)
    for day in days:
        when = date.fromisoformat(day["day"])
        weeks, months = when.isocalendar()[:2], (when.year, when.month)
        sums[{"week": weeks, "month": months}.get(group, when)] += day["daily"]
    return max(sums.values(), default=0)


def _by_time(body: dict[str, Any]) -> list[dict[str, Any]]:
    dimensions = body.get("dimensions", [])
    return [
        body | {"dimensions": [*dimensions, name]} for name in ("time:day", "time:hour")
    ]


def _series(by_day: Report, by_hour: Report) -> dict[str, list[dict[str, Any]]]:
    """Days with their hours, by the path; by nothing where paths were not asked for."""
    hours: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * HOURS)
    for *path, label, count in _flat(by_hour):
        hours["".join(path), label[:10]][int(label[11:13])] += count
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for *path, label, count in sorted(_flat(by_day), key=lambda row: str(row[-2])):
        text = "".join(path)
        found[text].append({"day": label, "hourly": hours[text, label], "daily": count})
    return found


def _flat(report: Report) -> list[list[Any]]:
    results = as_json(report)["results"]
    return [[*row["dimensions"], *row["metrics"]] for row in results]
