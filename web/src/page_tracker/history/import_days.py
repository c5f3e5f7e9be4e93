"""An import's days on their way from the spool to the lake, a few at a time.

    files of the spool → page views of some days → their visits, by one query → rows

The query runs while its rows are written: nothing has to hold them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from page_tracker.days import date_of
from page_tracker.history.register import ImportedDay
from page_tracker.history.visits import with_visits
from page_tracker.history.workers import file_of
from page_tracker.lake.duckdb_connection import connect, keep_no_freed_memory
from page_tracker.lake.found_hits import FoundHits

if TYPE_CHECKING:
    import duckdb

MEMORY = "128MB"  # for the engine that finds visits; the rest spills to the spool
# The most page views of several days that share a commit.
MAX_VIEWS = 10_000


class FoundDays(NamedTuple):
    """The hits of days [first, last), and their page views by path."""

    first: int
    last: int
    # None if the lake has these days already.
    hits: FoundHits | None
    views: dict[str, int]


def found_in(
    spool: Path, days: Sequence[ImportedDay], origin: int, done: int
) -> Generator[FoundDays, None, None]:
    """What to commit of an import, in the order of its days.

    The first `done` days are in the lake. Rows are found as they are read, which may be
    done until the next are requested.
    """
    with connect(MEMORY, threads=1, spill=str(spool / "spill")) as engine:
        keep_no_freed_memory(engine)
        for first, last in together(days, done):
            _lay_out(engine, spool, days[first:last])
            views = engine.sql("SELECT path, count(*) FROM hits GROUP BY path")
            hits = FoundHits(engine, with_visits("hits", origin))
            is_new = first >= done
            yield FoundDays(
                first, last, hits if is_new else None, dict(views.fetchall())
            )


def together(days: Sequence[ImportedDay], done: int) -> Iterator[tuple[int, int]]:
    """Which days, [first, last), share a commit, so that few commits are small.

    The first `done` days share none with the others: they are in the lake, by whichever
    version of Page Tracker.
    """
    first = views = 0
    for last, day in enumerate(days):
        if views and (views + day.views > MAX_VIEWS or last == done):
            yield first, last
            first, views = last, 0
        views += day.views
    if views:
        yield first, len(days)


def _lay_out(
    engine: duckdb.DuckDBPyConnection, spool: Path, days: Sequence[ImportedDay]
) -> None:
    """Lay the page views of consecutive days out as the table `hits`."""
    numbers = sorted({number for day in days for number in day.files})
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE hits AS"
        " SELECT * FROM read_parquet($files) WHERE day BETWEEN $first AND $last",
        {
            "files": [str(file_of(spool, number)) for number in numbers],
            "first": date_of(days[0].day),
            "last": date_of(days[-1].day),
        },
    )
