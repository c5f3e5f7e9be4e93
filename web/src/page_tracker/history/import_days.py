"""An import's days on their way from the spool to the lake, a few at a time.

    files of the spool → page views of some days → their visits, by one query → rows

While rows are being written, those of the next days are found.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from page_tracker.days import date_of
from page_tracker.history.register import ImportedDay
from page_tracker.history.visits import with_visits
from page_tracker.history.workers import file_of
from page_tracker.lake.duckdb_connection import connect, keep_no_freed_memory

if TYPE_CHECKING:
    import duckdb

MEMORY = "128MB"  # for the engine that finds visits; the rest spills to the spool
# The most page views of several days that share a commit.
MAX_VIEWS = 20_000

T = TypeVar("T")
R = TypeVar("R")


class FoundDays(NamedTuple):
    """The rows of days [first, last), and their page views by path."""

    first: int
    last: int
    # None if the lake has these days already.
    rows: duckdb.DuckDBPyRelation | None
    views: dict[str, int]


def found_in(
    spool: Path, days: Sequence[ImportedDay], origin: int, done: int
) -> Generator[FoundDays, None, None]:
    """What to commit of an import, in the order of its days.

    The first `done` days are in the lake. Rows can be read until the next are
    requested.
    """
    with connect(MEMORY, spill=str(spool / "spill")) as engine:
        keep_no_freed_memory(engine)
        finder = engine.cursor()

        def find(span: tuple[int, int]) -> FoundDays:
            first, last = span
            _lay_out(finder, spool, days[first:last])
            views = finder.sql("SELECT path, count(*) FROM hits GROUP BY path")
            by_path = dict(views.fetchall())
            if first < done:
                return FoundDays(first, last, None, by_path)
            name = f"days_{first}"
            finder.execute(f"CREATE TABLE {name} AS {with_visits('hits', origin)}")
            return FoundDays(first, last, engine.table(name), by_path)

        for found in _one_ahead(find, together(days)):
            yield found
            engine.execute(f"DROP TABLE IF EXISTS days_{found.first}")


def together(days: Sequence[ImportedDay]) -> Iterator[tuple[int, int]]:
    """Which days, [first, last), share a commit, so that few commits are small."""
    first = views = 0
    for last, day in enumerate(days):
        if views and views + day.views > MAX_VIEWS:
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


def _one_ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The work's results in order; while one is used, the next is computed."""
    with ThreadPoolExecutor(1) as thread:
        made: Future[R] | None = None
        for item in items:
            making = thread.submit(work, item)
            if made is not None:
                yield made.result()
            made = making
        if made is not None:
            yield made.result()
