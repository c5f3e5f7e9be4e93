"""The page about monitoring names what is exposed, and nothing else."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from page_tracker.settings import Settings
from page_tracker.wiring.monitoring import open_exposition
from support.documentation import page


def exposed(redis_url: str, folder: Path) -> list[tuple[str, str, str, str]]:
    """Name, type, labels and text of each metric, as the page's table has them."""
    import_module("page_tracker.asgi")  # what a web process loads declares counts
    rows = []
    exposition = open_exposition(Settings(redis_url=redis_url, data=folder))
    for family in exposition.collect():
        total = {"counter": "_total", "info": "_info"}.get(family.type, "")
        named = {name for each in family.samples for name in each.labels}
        labels = sorted(named - {"le"})
        shown = ", ".join(f"`{label}`" for label in labels)
        rows.append((family.name + total, family.type, shown, family.documentation))
    return rows


def test_every_metric_is_documented_as_it_is(redis_url: str, tmp_path: Path) -> None:
    rows = re.findall(
        r"^\| `(page_tracker_\w+)` \| (\w+) \| ?(.*?) ?\| (.+) \|$",
        page("reference/monitoring"),
        re.MULTILINE,
    )

    assert sorted(rows) == sorted(exposed(redis_url, tmp_path))
