"""The dashboard for Grafana, as `scripts/make-dashboard` makes it of these panels."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from support.documentation import ROOT

FILE = ROOT / "deploy" / "monitoring" / "grafana" / "page-tracker.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, ACROSS = 8, 7, 3  # of Grafana's grid, which is 24 wide


class Panel(NamedTuple):
    """A chart: its questions in PromQL, each with the name of its lines."""

    title: str
    unit: str
    lines: dict[str, str]
    says: str = ""


def quantile(share: float, metric: str, by: str = "le") -> str:
    rates = f"sum by ({by}) (rate({metric}_bucket[$__rate_interval]))"
    return f"histogram_quantile({share}, {rates})"


def rate(metric: str, by: str, where: str = "") -> str:
    return f"sum by ({by}) (rate(page_tracker_{metric}{where}[$__rate_interval]))"


def rate_of_redis(metric: str, by: str) -> str:
    """Of what Redis knows, which each server tells: it is not added up over them."""
    return f"max by ({by}) (rate(page_tracker_{metric}[$__rate_interval]))"


def of_colour(metric: str, where: str = "") -> str:
    """By the proxy; both of a colour's servers are one."""
    rates = f'rate(haproxy_server_{metric}{{proxy="web"{where}}}[$__rate_interval])'
    named = f'label_replace({rates}, "colour", "$1", "server", "(.*?)(-standby)?")'
    return f"sum by (colour) ({named})"


def mean(metric: str) -> str:
    total, number = (
        f"rate(page_tracker_{metric}_{part}[$__rate_interval])"
        for part in ("sum", "count")
    )
    return f"{total} / {number}"


FAILED_JOBS = 'increase(page_tracker_jobs_total{outcome="failed"}[1h])'
PANELS = (
    Panel("Hits by outcome", "reqps", {"{{outcome}}": rate("hits_total", "outcome")}),
    Panel("Hits by format", "reqps", {"{{protocol}}": rate("hits_total", "protocol")}),
    Panel(
        "What does not count", "reqps", {"{{reason}}": rate("drops_total", "reason")}
    ),
    Panel(
        "Rows that wait for the lake",
        "short",
        {
            "shard {{shard}}": "page_tracker_stream_rows",
            "limit": "page_tracker_stream_limit_rows",
        },
        "Beyond the limit hits are refused (503).",
    ),
    Panel(
        "How long the oldest hit waits",
        "s",
        {"shard {{shard}}": "page_tracker_stream_oldest_seconds"},
    ),
    Panel(
        "Rows into the lake",
        "reqps",
        {"shard {{shard}}": rate_of_redis("lake_rows_total", "shard")},
    ),
    Panel(
        "A batch to Redis",
        "s",
        {
            "half of them": quantile(0.5, "page_tracker_batch_seconds"),
            "99 in 100": quantile(0.99, "page_tracker_batch_seconds"),
        },
    ),
    Panel("Hits in a batch", "short", {"on average": mean("batch_hits")}),
    Panel(
        "A commit to the lake",
        "s",
        {"shard {{shard}}": mean("commit_seconds"), "upkeep": mean("upkeep_seconds")},
    ),
    Panel(
        "Requests by kind",
        "reqps",
        {"{{kind}} {{status}}": rate("requests_total", "kind, status")},
        "All but hits.",
    ),
    Panel(
        "19 of 20 answers take at most",
        "s",
        {"{{kind}}": quantile(0.95, "page_tracker_request_seconds", "kind, le")},
    ),
    Panel(
        "What is wrong",
        "short",
        {
            "Redis takes writes": "page_tracker_redis_up",
            "writer of shard {{shard}}": "page_tracker_writer_up",
            "upkeep failed": "increase(page_tracker_upkeep_failures_total[1h])",
            "{{command}} failed": FAILED_JOBS,
            "set aside": "page_tracker_aside_batches",
            "set aside by the spool": "page_tracker_spool_aside_files",
        },
        "The first two are 1 and the others 0 while all is well.",
    ),
    Panel(
        "Memory",
        "bytes",
        {
            "web processes": "page_tracker_web_memory_bytes",
            "Redis": "page_tracker_redis_memory_bytes",
            "Redis's limit": "page_tracker_redis_memory_limit_bytes",
        },
    ),
    Panel(
        "Room on the disks",
        "bytes",
        {
            "{{folder}}": "page_tracker_disk_free_bytes",
            "hits that wait for Redis": "page_tracker_spool_bytes",
        },
    ),
    Panel(
        "Versions",
        "short",
        {"{{version}}": "count by (version) (page_tracker_build_info)"},
        "Two of them while a release is under way.",
    ),
)
# Where a proxy has two colours behind it.
COLOURS = (
    Panel(
        "Requests by colour",
        "reqps",
        {"{{colour}}": of_colour("http_responses_total")},
        "What the proxy sends to each; a version that is tried has a share.",
    ),
    Panel(
        "Failures by colour",
        "reqps",
        {"{{colour}}": of_colour("http_responses_total", ', code="5xx"')},
        "Answers of 500 and above.",
    ),
    Panel(
        "How long a colour takes",
        "s",
        {
            "{{server}}": 'haproxy_server_response_time_average_seconds{proxy="web"}',
        },
        "The mean of its latest 1024 requests.",
    ),
)


def queries(panels: Iterable[Panel], interval: str) -> list[str]:
    """What they ask, with the interval that Grafana would put in."""
    asked = [query for panel in panels for query in panel.lines.values()]
    return [query.replace("$__rate_interval", interval) for query in asked]


def rendered() -> str:
    """The dashboard as Grafana reads it."""
    dashboard = {
        "uid": "page-tracker",
        "title": "Page Tracker",
        "editable": False,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "panels": [
            _panel(number, panel) for number, panel in enumerate(PANELS + COLOURS)
        ],
    }
    return f"{json.dumps(dashboard, indent=2)}\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, ACROSS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": name}
            for place, (name, query) in enumerate(panel.lines.items())
        ],
    }


if __name__ == "__main__":
    FILE.write_text(rendered(), "utf-8")
