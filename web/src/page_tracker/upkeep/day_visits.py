"""The visits of days that are over, and their further pages: a row for each, with the
sums over its hits. Pure.

A visit's hits all bear its attributes, and what is asked of visits adds up over them
(`query.measures`); so one row stands for them all. Made of hits, one after the other:

    visited     each visit: its visitor, attributes and sums
    came_back   the visitors who are told apart: those with several visits on a day
    again       of their visits: which values an earlier one has, too
    paged       each page of each visit, with its sums, and whether an earlier visit of
                the visitor has it, too
"""

from __future__ import annotations

from collections.abc import Iterator

from page_tracker.query import measures
from page_tracker.query.catalog import DIMENSIONS, NOT_SET
from page_tracker.schema import FIRSTS, OF_A_VISIT, PAGES, VISITS, Column

_SUMS = {
    "arrivals": measures.VISITORS.sql,
    "entered": measures.visits().sql,
    "views": measures.VIEWS.sql,
    "events": measures.EVENTS.sql,
    "bounces": measures.bounces().sql,
    "since": measures.SINCE.sql,
}
_OF_VISITS = [each for each in DIMENSIONS.values() if each.scope == "visit"]
# What is a visitor's own, and so should be the same in all visits of the day.
_OWN = sorted({each.column for each in _OF_VISITS if each.fixed})
_LABELS = {each.column: each.empty for each in _OF_VISITS}
_ORDER = "site, day, country, source, device, visit"
_EACH_FIRST = (1 << len(FIRSTS)) - 1
# Each visit is held to all earlier ones of its visitor, if these are not very many.
_MOST_VISITS = 16


def tables_of(hits: str) -> Iterator[tuple[str, str]]:
    """The tables to make of a table of hits, one after the other: (name, SELECT)."""
    yield "visited", _visited(hits)
    yield "came_back", _came_back()
    yield "again", _again()
    yield "paged", _paged(hits)


def visits_of(hits: str) -> str:
    """The SELECT of the visits in a table of hits, with `tables_of` it: the columns of
    VISITS, sorted so that what most filters leave lies together."""
    return f"""
        WITH entry AS (
            SELECT site, day, visit, first,
            views AS entry_views, events AS entry_events
            FROM paged WHERE is_entry
        ),
        read AS (
            SELECT site, day, visit, max(scroll) AS scroll, sum(engaged) AS engaged
            FROM {hits} SEMI JOIN (
                SELECT site, day, visit, path FROM {hits} WHERE step > 0
            ) USING (site, day, visit, path)
            WHERE step = 0 GROUP BY site, day, visit
        )
        SELECT {_listed(VISITS)} FROM (
            SELECT * REPLACE (
                coalesce(entry_views, 0) AS entry_views,
                coalesce(entry_events, 0) AS entry_events
            ),
            CASE WHEN visitor IS NULL OR is_steady THEN
                {_EACH_FIRST} - coalesce(bits, 0) - coalesce(NOT first, true)::INTEGER
            END AS firsts
            FROM visited LEFT JOIN came_back USING (site, day, who)
            LEFT JOIN again USING (site, day, visit)
            LEFT JOIN entry USING (site, day, visit)
            LEFT JOIN read USING (site, day, visit)
        ) ORDER BY {_ORDER}"""


def pages_of() -> str:
    """The SELECT of the visits' further pages, with `tables_of`: the columns of PAGES,
    sorted."""
    listed = _listed(PAGES)
    return f"SELECT {listed} FROM paged WHERE NOT is_entry ORDER BY site, day, visit"


def _visited(hits: str) -> str:
    attributes = [f"any_value({name}) AS {name}" for name in OF_A_VISIT]
    exits = [
        f"coalesce(arg_max({name}, view) FILTER (WHERE view > 0), '') AS exit_{name}"
        for name in ("path", "hostname")
    ]
    sums = [f"{sql} AS {name}" for name, sql in _SUMS.items()]
    return f"""
        SELECT site, day, month, visitor AS who, visit,
        {", ".join([*attributes, *exits, *sums])}
        FROM {hits} WHERE step > 0 GROUP BY site, day, month, visitor, visit"""


def _came_back() -> str:
    """`is_steady` where their visits have what is the visitor's own in common, as is
    the rule, and are not very many."""
    steady = " AND ".join(f"min({name}) = max({name})" for name in _OWN)
    return f"""
        SELECT site, day, who, who AS visitor,
        count(*) <= {_MOST_VISITS} AND {steady} AS is_steady
        FROM visited SEMI JOIN (
            SELECT site, day, who FROM visited
            GROUP BY site, day, who HAVING count(*) > 1 OR sum(arrivals) <> 1
        ) USING (site, day, who)
        GROUP BY site, day, who"""


def _again() -> str:
    """A visit's `bits`, by their places in FIRSTS, without that of its page."""
    values = [f"{_labelled(name)} AS {name}" for name in FIRSTS[1:]]
    bits = [
        f"(bool_or(later.{name} = earlier.{name})::INTEGER << {place})"
        for place, name in enumerate(FIRSTS)
        if place
    ]
    return f"""
        WITH steady AS MATERIALIZED (
            SELECT site, day, who, visit, {", ".join(values)}
            FROM visited SEMI JOIN (FROM came_back WHERE is_steady)
            USING (site, day, who)
        )
        SELECT later.site, later.day, later.visit, {" + ".join(bits)} AS bits
        FROM steady later JOIN steady earlier ON earlier.visit < later.visit
        AND later.site = earlier.site AND later.day = earlier.day
        AND later.who = earlier.who
        GROUP BY later.site, later.day, later.visit"""


def _paged(hits: str) -> str:
    """By the path as answers have it, `is_entry` of the page that the visit entered by,
    and `first` as in PAGES."""
    return f"""
        WITH its AS MATERIALIZED (
            SELECT day, month, site, visitor AS who, visit, {_labelled("path")} AS path,
            {_labelled("path")} = {_labelled("entry_path")} AS is_entry,
            {measures.VIEWS.sql} AS views, {measures.EVENTS.sql} AS events
            FROM {hits} WHERE step > 0 GROUP BY ALL
        ),
        steady AS MATERIALIZED (
            SELECT site, day, who, visit, path
            FROM its SEMI JOIN (FROM came_back WHERE is_steady) USING (site, day, who)
        ),
        again AS (
            SELECT site, day, visit, path, true AS is_again
            FROM steady later SEMI JOIN steady earlier ON earlier.visit < later.visit
            AND later.site = earlier.site AND later.day = earlier.day
            AND later.who = earlier.who AND later.path = earlier.path
        )
        SELECT its.*, CASE WHEN visitor IS NULL OR is_steady THEN is_again IS NULL END
        AS first
        FROM its LEFT JOIN came_back USING (site, day, who)
        LEFT JOIN again USING (site, day, visit, path)"""


def _labelled(column: str) -> str:
    """A column's value as answers have it: what has none is in one group with those
    whose value is the label of such."""
    empty = NOT_SET if column == "path" else _LABELS[column]
    return column if empty is None else f"coalesce(nullif({column}, ''), '{empty}')"


def _listed(columns: tuple[Column, ...]) -> str:
    return ", ".join(column.name for column in columns)
