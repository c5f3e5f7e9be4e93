"""The visits of days that are over, and their pages: a row for each, with the sums over
its hits. Pure.

A visit's hits all bear its attributes, and what is asked of visits adds up over them
(`query.measures`); so one row stands for them all.
"""

from __future__ import annotations

from page_tracker.query import measures
from page_tracker.query.catalog import NOT_SET
from page_tracker.schema import OF_A_VISIT, VISITS

_SUMS = {
    "arrivals": measures.VISITORS.sql,
    "entered": measures.visits().sql,
    "views": measures.VIEWS.sql,
    "events": measures.EVENTS.sql,
    "bounces": measures.bounces().sql,
    "since": measures.SINCE.sql,
}


def visits_of(hits: str) -> str:
    """The SELECT of the visits in a table of hits: the columns of VISITS, sorted.

    A visitor is told apart only where there is need: most have one visit a day.
    """
    attributes = [f"any_value({name}) AS {name}" for name in OF_A_VISIT]
    exits = [
        f"coalesce(arg_max({name}, view) FILTER (view > 0), '') AS exit_{name}"
        for name in ("path", "hostname")
    ]
    sums = [f"{sql} AS {name}" for name, sql in _SUMS.items()]
    listed = ", ".join(f"{column.name}" for column in VISITS)
    return f"""
        WITH visited AS (
            SELECT site, day, month, visitor AS who, visit,
            {", ".join([*attributes, *exits, *sums])}
            FROM {hits} WHERE step > 0 GROUP BY site, day, month, visitor, visit
        ),
        told_apart AS (
            SELECT site, day, who, who AS visitor FROM visited GROUP BY site, day, who
            HAVING count(*) > 1 OR sum(arrivals) <> 1
        ),
        read AS (
            SELECT site, day, visit, max(scroll) AS scroll, sum(engaged) AS engaged
            FROM {hits} SEMI JOIN (
                SELECT site, day, visit, path FROM {hits} WHERE step > 0
            ) USING (site, day, visit, path)
            WHERE step = 0 GROUP BY site, day, visit
        )
        SELECT {listed} FROM visited
        LEFT JOIN told_apart USING (site, day, who)
        LEFT JOIN read USING (site, day, visit)
        ORDER BY site, day, visit"""


def pages_of(hits: str) -> str:
    """The SELECT of visits' pages in a table of hits: the columns of PAGES, sorted.

    As in answers, hits without a path are on one page with those whose path is the
    label of such hits.
    """
    return f"""
        SELECT day, site, visit, coalesce(nullif(path, ''), '{NOT_SET}') AS path,
        {measures.VIEWS.sql} AS views, {measures.EVENTS.sql} AS events, month
        FROM {hits} WHERE step > 0 GROUP BY ALL ORDER BY site, day, visit"""
