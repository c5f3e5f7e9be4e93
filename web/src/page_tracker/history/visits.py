"""Visitors and visits of a complete set of hits, found by one SQL window per day.

The ingest script finds them hit by hit as they arrive; here all hits of a site's day
are sorted. Both produce the same columns: a property test compares them to one model.
"""

from __future__ import annotations

from page_tracker.hits.hit import SILENCE, Kind
from page_tracker.origins import numbers_of
from page_tracker.schema import HITS

# What all hits of a visit have from its first one.
FIRST_TOUCH = (
    "referrer",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "screen",
    "language",
)

# Columns found here; a hit brings the others itself.
FOUND = (
    "visitor",
    "visit",
    "step",
    "view",
    "interaction",
    "since",
    "elapsed",
    "arrival",
    "previous",
    "previous_hostname",
    "entry_path",
    "entry_hostname",
    "month",
)

ENGAGEMENT, VIEW, EVENT = int(Kind.ENGAGEMENT), int(Kind.VIEW), int(Kind.EVENT)
SO_FAR = "ROWS UNBOUNDED PRECEDING"

_EXPRESSIONS = {
    **{name: f"first.{name}" for name in FIRST_TOUCH},
    "visitor": "high | visitors.visitor",
    "visit": "high | visits.visit",
    "step": f"(CASE WHEN found.kind <> {ENGAGEMENT} THEN counted ELSE 0 END)::INTEGER",
    "view": f"(CASE WHEN found.kind = {VIEW} THEN views ELSE 0 END)::INTEGER",
    "interaction": f"""(CASE WHEN found.kind IN ({VIEW}, {EVENT})
        THEN interactions ELSE 0 END)::INTEGER""",
    "since": f"""(CASE WHEN found.kind <> {ENGAGEMENT}
        THEN coalesce(found.since, 0) ELSE 0 END)::INTEGER""",
    "elapsed": "found.elapsed::INTEGER",
    "arrival": "found.came = found.position",
    "previous": "coalesce(page.path, '')",
    "previous_hostname": "coalesce(page.hostname, '')",
    "entry_path": "first.path",
    "entry_hostname": "first.hostname",
    "month": "strftime(found.day, '%Y-%m')",
}
_COLUMNS = ", ".join(
    f"{_EXPRESSIONS.get(column.name, f'hit.{column.name}')} AS {column.name}"
    for column in HITS
)


def with_visits(hits: str, origin: int) -> str:
    """The query that gives each hit of the relation `hits` all columns of the table.

    `hits` names a relation with the columns that a hit brings itself and `who` (of any
    type: the same for all hits of a visitor), `kind` (see `Kind`) and `position` (a
    unique whole number for each row, which orders hits at the same time). It is read
    several times. Engagements whose visit is over, or never existed, are left out. The
    rows come sorted by time; visitors and visits are numbered from 1 in each site's
    day, under `origin`.
    """
    return f"""
WITH {_hits_with_their_visit(hits)}, numbered AS (
    SELECT position,
        count(CASE WHEN came = position THEN 1 END) OVER so_far AS visitor,
        count(CASE WHEN opening = position THEN 1 END) OVER so_far AS visit
    FROM found
    WINDOW so_far AS (PARTITION BY site, day ORDER BY time, position {SO_FAR})
)
SELECT {_COLUMNS}
FROM found
JOIN {hits} AS hit ON hit.position = found.position
JOIN {hits} AS first ON first.position = found.opening
LEFT JOIN {hits} AS page ON page.position = found.viewed AND found.kind = {VIEW}
JOIN numbered AS visitors ON visitors.position = found.came
JOIN numbered AS visits ON visits.position = found.opening,
(SELECT {numbers_of(origin)[0]}::BIGINT AS high) AS origin
ORDER BY found.time, found.position
"""  # nosec: our own names and numbers


def _hits_with_their_visit(hits: str) -> str:
    """The blocks up to `found`: each hit, where its visit began, what came before it.

    `came` is the visitor's first hit, `opening` the visit's first, `viewed` its page
    view before this one, all by position.
    """
    return f"""heard AS (
    SELECT site, day, who, kind, time, position, epoch_ms(time) AS ms,
        epoch_ms(time) - lag(epoch_ms(time)) OVER person AS silence
    FROM {hits}
    WINDOW person AS (PARTITION BY site, day, who ORDER BY time, position)
), sat AS (
    SELECT *, count(CASE WHEN silence IS NULL OR silence >= {SILENCE} THEN 1 END)
        OVER person AS sitting
    FROM heard
    WINDOW person AS (PARTITION BY site, day, who ORDER BY time, position {SO_FAR})
), counted AS (
    SELECT *, count(CASE WHEN kind <> {ENGAGEMENT} THEN 1 END) OVER stay AS counted
    FROM sat
    WINDOW stay AS (
        PARTITION BY site, day, who, sitting ORDER BY time, position {SO_FAR})
    QUALIFY counted > 0
), found AS (
    SELECT site, day, time, position, kind,
        first_value(position) OVER person AS came,
        first_value(position) OVER stay AS opening,
        last_value(CASE WHEN kind = {VIEW} THEN position END IGNORE NULLS) OVER before
            AS viewed,
        counted,
        count(CASE WHEN kind = {VIEW} THEN 1 END) OVER stay AS views,
        count(CASE WHEN kind IN ({VIEW}, {EVENT}) THEN 1 END) OVER stay AS interactions,
        ms - first_value(ms) OVER stay AS elapsed,
        ms - max(CASE WHEN kind <> {ENGAGEMENT} THEN ms END) OVER before AS since
    FROM counted
    WINDOW person AS (PARTITION BY site, day, who ORDER BY time, position),
        stay AS (
            PARTITION BY site, day, who, sitting ORDER BY time, position {SO_FAR}),
        before AS (
            PARTITION BY site, day, who, sitting ORDER BY time, position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""  # nosec: our own names and numbers
