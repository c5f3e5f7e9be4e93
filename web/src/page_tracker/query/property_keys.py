"""Which properties the events of some days have: their keys, by event. Pure."""

from __future__ import annotations

import msgspec

from page_tracker.query.lake_state import LakeState
from page_tracker.query.partial_sums import in_days
from page_tracker.query.plan import Days
from page_tracker.query.sql import Statement
from page_tracker.query.where import Binder

MOST_KEYS = 500  # of events, in all: anybody can make them up


class PropertyKey(msgspec.Struct, frozen=True):
    """A property of an event: how many of these have it, with how many values."""

    event: str
    key: str
    events: int
    values: int


def property_keys_statement(site: str, days: Days, state: LakeState) -> Statement:
    """The keys of each event's properties, those of most events first."""
    binder = Binder(state.reader.sql)
    return Statement(
        "SELECT name, pair.key, count(*) AS events, count(DISTINCT pair.value) FROM"
        f" (SELECT name, {binder.sql.pairs('props')} AS pair"
        f" FROM ({state.hits_of((days,))})"
        f" WHERE site = {binder.bind(site)} AND {in_days((days,), binder)})"
        " GROUP BY name, pair.key ORDER BY events DESC, name, pair.key"
        f" LIMIT {MOST_KEYS}",
        binder.values,
    )
