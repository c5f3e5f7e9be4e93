"""The twelve panels of a dashboard, as questions to us and as SQL for ClickHouse.

ClickHouse has the raw rows and finds a visit's figures by GROUP BY visit, as a general
column store has to; it is given numbers of visitors and visits that differ between
days, so that it need not count pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

VISITORS, VISITS = "uniqExact(visitor)", "count()"
# ClickHouse rounds halves to even numbers, people do not.
BOUNCE_RATE = "floor(100 * countIf(interactions < 2) / count() + 0.5)"


@dataclass(frozen=True)
class Panel:
    """`metrics` are ClickHouse's expressions by name, over `source`; `value` of rows
    that are told by `dimension`."""

    name: str
    metrics: dict[str, str]
    dimension: str = ""
    value: str = ""
    source: str = "visits"
    has: str = "1"


def _labelled(column: str, label: str = "(not set)") -> str:
    return f"if({column} = '', '{label}', {column})"


OF_VISITS = {"visitors": VISITORS, "visits": VISITS}
OF_ENTRIES = OF_VISITS | {"bounce_rate": BOUNCE_RATE}
PANELS = (
    Panel(
        "totals",
        {
            **OF_VISITS,
            "pageviews": "sum(views)",
            "views_per_visit": "round(sum(views) / count(), 2)",
            "bounce_rate": BOUNCE_RATE,
            "visit_duration": "floor(sum(lasted) / 1000 / count() + 0.5)",
        },
    ),
    Panel(
        "visitors by day",
        {**OF_VISITS, "pageviews": "sum(views)"},
        "time:day",
        "toString(day)",
    ),
    Panel("sources", OF_ENTRIES, "visit:source", _labelled("source", "Direct / None")),
    Panel("channels", OF_ENTRIES, "visit:channel", _labelled("channel", "Direct")),
    Panel(
        "pages",
        {
            "visitors": VISITORS,
            "visits": "uniqExact(visit)",
            "pageviews": "countIf(name = 'pageview')",
        },
        "event:page",
        _labelled("path"),
        "events",
    ),
    Panel("entry pages", OF_ENTRIES, "visit:entry_page", _labelled("entry")),
    Panel("exit pages", OF_VISITS, "visit:exit_page", "exit", has="views > 0"),
    Panel("countries", OF_VISITS, "visit:country", "country", has="country <> ''"),
    Panel("browsers", OF_VISITS, "visit:browser", _labelled("browser")),
    Panel("systems", OF_VISITS, "visit:os", _labelled("os")),
    Panel("devices", OF_VISITS, "visit:device", _labelled("device")),
    Panel("campaigns", OF_VISITS, "visit:utm_campaign", _labelled("utm_campaign")),
)

# Of a visit ClickHouse takes only what a panel asks for.
OF_A_VISIT = {
    "visitor": "any(visitor)",
    "source": "any(source)",
    "channel": "any(channel)",
    "country": "any(country)",
    "browser": "any(browser)",
    "os": "any(os)",
    "device": "any(device)",
    "utm_campaign": "any(utm_campaign)",
    "day": "any(day)",
    "views": "countIf(name = 'pageview')",
    "interactions": "countIf(interactive)",
    "lasted": "dateDiff('millisecond', min(time), max(time))",
    "entry": "argMin(path, time)",
    "exit": "argMaxIf(path, time, name = 'pageview')",
}


def body(
    panel: Panel,
    site: str,
    days: Sequence[str],
    filters: dict[str, str],
    limit: int,
) -> dict[str, Any]:
    """A panel as a question to Page Tracker, of its `limit` first rows."""
    return {
        "site_id": site,
        "metrics": list(panel.metrics),
        "date_range": list(days),
        "dimensions": [panel.dimension] if panel.dimension else [],
        "filters": [
            ["is", f"visit:{name}", [value]] for name, value in filters.items()
        ],
        "pagination": {"limit": limit},
    }


def sql(
    panel: Panel,
    site: str,
    days: Sequence[str],
    filters: dict[str, str],
    limit: int,
) -> str:
    """The same question to ClickHouse."""
    first, last = days
    conditions = [
        f"site = '{site}'",
        f"day BETWEEN '{first}' AND '{last}'",
        "name <> 'engagement'",
        *(f"{name} = '{value}'" for name, value in filters.items()),
    ]
    where = " AND ".join(conditions)
    asked = [*panel.metrics.values(), panel.value, panel.has]
    columns = ", ".join(
        f"{found} AS of_{name}"
        for name, found in OF_A_VISIT.items()
        if any(name in each for each in asked)
    )
    renamed = ", ".join(
        f"of_{name} AS {name}"
        for name in OF_A_VISIT
        if any(name in each for each in asked)
    )
    sources = {
        "events": f"SELECT * FROM hits WHERE {where}",
        "visits": f"SELECT {renamed} FROM"
        f" (SELECT {columns} FROM hits WHERE {where} GROUP BY visit)",
    }
    dims = [f"{panel.value} AS told"] if panel.dimension else []
    metrics = [f"{each} AS m{at}" for at, each in enumerate(panel.metrics.values())]
    order = "told" if panel.dimension == "time:day" else "m0 DESC, told"
    tail = f"GROUP BY told ORDER BY {order} LIMIT {limit}" if dims else ""
    return (
        f"SELECT {', '.join([*dims, *metrics])} FROM ({sources[panel.source]})"
        f" WHERE {panel.has} {tail}"
    )
