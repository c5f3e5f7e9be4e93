"""The sums of a site's day from the lake: those that live counters have of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from page_tracker.query import measures
from page_tracker.store.counters import Sums

# The store keeps the sums of this many days before the newest one.
DAYS_COUNTED = 2

_SUMS = {
    "visitors": measures.VISITORS.sql,
    "visits": measures.visits().sql,
    "views": measures.VIEWS.sql,
    "events": measures.EVENTS.sql,
    "bounces": measures.bounces().sql,
    "since": f"coalesce({measures.SINCE.sql}, 0)::BIGINT",
}
_NAMES = Sums.__struct_fields__

# The columns of a SELECT over `hits` that `day_sums` reads.
COLUMNS = ", ".join(_SUMS[name] for name in _NAMES)


def day_sums(values: Sequence[Any]) -> dict[str, int]:
    """The values of COLUMNS, under the names that they have in the store."""
    return dict(zip(_NAMES, values, strict=True))
