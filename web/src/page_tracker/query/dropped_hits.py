"""Hits that did not count on some days, by reason and name, from `drops`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from page_tracker.query.lake_state import paths_of, table
from page_tracker.query.plan import Days
from page_tracker.query.sql import Statement
from page_tracker.schema import DROPS

if TYPE_CHECKING:  # it brings Delta, which a web process loads with its first question
    from page_tracker.lake.data_files import DataFile

UNKNOWN = "unknown_site"
MOST_UNKNOWN = 1_000  # names: anybody can make them up


class DroppedHits(msgspec.Struct, frozen=True):
    """How many hits did not count; `name` says which bot, host … it was."""

    reason: str
    name: str
    number: int


def dropped_hits_statement(
    site: str, days: Days, files: Iterable[DataFile]
) -> Statement:
    """What was dropped for a site, most frequent first."""
    drops = table(DROPS, paths_of(files, (days,)))
    return Statement(
        f"SELECT reason, name, sum(number)::BIGINT AS hits FROM ({drops})"
        " WHERE site = $site AND day BETWEEN $first AND $last"
        " GROUP BY reason, name HAVING hits > 0 ORDER BY hits DESC, reason, name",
        {"site": site, "first": days.first, "last": days.last},
    )


def unknown_sites_statement(days: Days, files: Iterable[DataFile]) -> Statement:
    """The names that hits came for and that are no site's, the most first."""
    drops = table(DROPS, paths_of(files, (days,)))
    return Statement(
        f"SELECT reason, site, sum(number)::BIGINT AS hits FROM ({drops})"
        " WHERE reason = $reason AND day BETWEEN $first AND $last"
        f" GROUP BY reason, site ORDER BY hits DESC, site LIMIT {MOST_UNKNOWN}",
        {"reason": UNKNOWN, "first": days.first, "last": days.last},
    )
