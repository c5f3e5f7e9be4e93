"""Days close: the counts of a day that is over, by each value of each dimension.

    mark the days in the hits → their hits under these marks → their visits and these
      visits' pages, and sums by dimension, of all sites and some days at once → one
      commit to each of the tables `visits`, `pages` and `days`

The commits name the marks. A question uses a day's table only if the hits still have
that mark: every commit that touches the day moves it (`table.marks`), and then the next
pass closes the day again. The sums are those of any question: they come from the same
SQL compiler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from page_tracker.days import date_of, day_number
from page_tracker.lake.closed_days import OF_CLOSED_DAYS, closed_mark, made_mark
from page_tracker.lake.commit_retries import done_each, repeated
from page_tracker.lake.duckdb_connection import engine, rows_in
from page_tracker.lake.table import PARQUET, TABLES, Lake
from page_tracker.lake.table_log import transactions
from page_tracker.query import countries
from page_tracker.query.catalog import SITE, dimension
from page_tracker.query.lake_state import SQL_TYPES, table
from page_tracker.query.plan import (
    READING_DIMENSIONS,
    TABLED_DIMENSIONS,
    Days,
    Plan,
    can_use_visits,
    tabled,
)
from page_tracker.query.query import Query, Range, measures_of
from page_tracker.query.sql import sums
from page_tracker.schema import DAYS, PAGES, VISITS
from page_tracker.upkeep.day_visits import pages_of, tables_of, visits_of

if TYPE_CHECKING:
    import duckdb

# Days are closed together if they have no more hits than this.
MAX_HITS = 500_000

_OF_EVENTS = ("visitors", "visits", "pageviews", "events")
_OF_VISITS = ("views_per_visit", "bounce_rate", "visit_duration")
_OF_READING = ("scroll_depth", "time_on_page")


def close(lake: Lake, days: Sequence[int]) -> None:
    """Close those of the days (since 1970) whose tables are out of date.

    They must be over everywhere. A failure does not keep other days from being closed.
    Raises LakeBusyError, DeltaError or OSError after it; days that are closed stay so.
    """
    opened = map(date_of, repeated(lambda: _marked(lake, days)))
    done_each(
        partial(_close_month, lake, list(its_days))
        for _, its_days in groupby(opened, lambda when: f"{when:%Y-%m}")
    )


def _close_month(lake: Lake, days: Sequence[date]) -> None:
    counts = repeated(lambda: _counts(lake, days))
    done_each(
        partial(repeated, partial(_close, lake, together))
        for together in _batches(days, counts)
    )


def _marked(lake: Lake, days: Sequence[int]) -> list[int]:
    """The days whose tables are out of date; all of them have a mark."""
    opened = _open(lake, days)
    if opened:
        with lake.using("hits") as hits:
            _set_marks(lake, hits, opened)
    return opened


def _open(lake: Lake, days: Sequence[int]) -> list[int]:
    """The days whose tables are out of date."""
    marks = _marks(lake, "hits", lake.snapshot("hits"), days)
    made = [_marks(lake, name, lake.snapshot(name), days) for name in OF_CLOSED_DAYS]
    return [
        day
        for day in days
        if day not in marks or any(under.get(day) != marks[day] for under in made)
    ]


def _marks(
    lake: Lake, name: str, table: DeltaTable, days: Iterable[int]
) -> dict[int, int]:
    """The marks by day, of days that have one; of a table of closed days those that its
    rows were made under."""
    names = {made_mark(name, day): day for day in days}
    found = transactions(lake.log(name), table, [*names])
    return {names[mark]: number for mark, number in found.items()}


def _set_marks(lake: Lake, hits: DeltaTable, days: Sequence[int]) -> None:
    """Mark the days that have no mark yet."""
    version, known = hits.version() + 1, _marks(lake, "hits", hits, days)
    marks = [Transaction(closed_mark(day), version) for day in days if day not in known]
    if marks:
        said = CommitProperties(custom_metadata={"days": []}, app_transactions=marks)
        hits.create_write_transaction(
            [], "append", hits.schema(), commit_properties=said
        )


def _counts(lake: Lake, days: Sequence[date]) -> dict[date, int]:
    """How many hits each of these days has."""
    with lake.using("hits") as hits, engine() as connection:
        if not (files := _files(lake, hits, days)):
            return {}
        condition = f"day BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
        rows = rows_in(connection, files).filter(condition)
        return dict(rows.aggregate("day, count(*)").fetchall())


def _batches(days: Sequence[date], counts: Mapping[date, int]) -> Iterator[list[date]]:
    """Days of one month, in batches of a sensible size. Pure."""
    batch: list[date] = []
    size = 0
    for day in days:
        if batch and size + counts.get(day, 0) > MAX_HITS:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += counts.get(day, 0)
    yield batch


def _close(lake: Lake, days: Sequence[date]) -> None:
    with (
        lake.using("hits") as hits,
        lake.using("visits") as visits,
        lake.using("pages") as pages,
        lake.using("days") as tabled,
    ):
        found = _marks(lake, "hits", hits, map(day_number, days))
        marks = {date_of(day): mark for day, mark in found.items()}
        files = _files(lake, hits, days)
        with engine() as connection:
            _begin(connection, files, marks)
            if files:
                _find_visits(connection)
                for name in TABLED_DIMENSIONS:
                    _add(connection, name, Range(days[0], days[-1], "UTC"))
            seen = "FROM seen" if files else table(VISITS, [])
            _replace("visits", visits, connection.sql(seen), marks)
            further = pages_of() if files else table(PAGES, [])
            _replace("pages", pages, connection.sql(further), marks)
            _replace("days", tabled, _summed(connection, marks), marks)


def _files(lake: Lake, hits: DeltaTable, days: Sequence[date]) -> list[str]:
    return lake.paths(hits, f"day >= DATE '{days[0]}' AND day <= DATE '{days[-1]}'")


def _begin(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[str],
    marks: Mapping[date, int],
) -> None:
    """Create the tables `hits` (as if all were of one site), `countries`, `closed`."""
    connection.execute(*countries.table())
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in DAYS)
    connection.execute(f"CREATE TABLE closed ({columns})")
    connection.execute("CREATE TABLE marked (day DATE, hits_version BIGINT)")
    connection.executemany("INSERT INTO marked VALUES (?, ?)", list(marks.items()))
    if not files:
        return
    rows = rows_in(connection, files).filter("day IN (SELECT day FROM marked)")
    rows.project(
        "* EXCLUDE (time, title, previous, previous_hostname, elapsed,"
        " language, props, revenue, currency)"
    ).create("of_the_days")
    connection.execute(
        "CREATE TABLE sites AS SELECT site AS of_site,"
        " row_number() OVER (ORDER BY site) - 1 AS place"
        " FROM (SELECT DISTINCT site FROM of_the_days)"
    )
    _as_of_one_site(connection, "hits", "of_the_days")


def _find_visits(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table `seen`, those of `day_visits`, and `visits` as `hits`."""
    for name, made in tables_of("of_the_days"):
        connection.execute(f"CREATE TABLE {name} AS {made}")
    connection.execute(f"CREATE TABLE seen AS {visits_of('of_the_days')}")
    _as_of_one_site(connection, "visits", "seen")


def _as_of_one_site(
    connection: duckdb.DuckDBPyConnection, name: str, source: str
) -> None:
    """Create a view of a table as if all its rows were of one site.

    Running numbers belong to a site: the site's index is put before each.
    """
    ((number,),) = connection.execute("SELECT count(*) FROM sites").fetchall()
    apart = " + (place::HUGEINT << 64)" if number > 1 else ""
    connection.execute(
        f"CREATE VIEW {name} AS SELECT {source}.* REPLACE ('' AS site,"
        f" visit{apart} AS visit, visitor{apart} AS visitor), of_site"
        f" FROM {source} JOIN sites ON site = of_site"
    )


def _add(connection: duckdb.DuckDBPyConnection, name: str, days: Range) -> None:
    """Add a dimension's rows, of all sites and days: from visits where these do."""
    metrics: tuple[str, ...] = _OF_EVENTS
    if not name or dimension(name).scope == "visit" or name == "event:page":
        metrics += _OF_VISITS
    if name in READING_DIMENSIONS:
        metrics += _OF_READING
    query = Query(
        site="",
        metrics=metrics,
        range=days,
        dimensions=(SITE, "time:day", name) if name else (SITE, "time:day"),
    )
    whole = (Days(days.first, days.last),)
    plan = Plan((), (), whole) if can_use_visits(query) else Plan((), whole)
    asked = sums(query, plan)
    columns = ", ".join(dict.fromkeys(map(tabled, measures_of(query))))
    value = "d2" if name else "''"
    connection.execute(
        f"INSERT INTO closed BY NAME SELECT d0 AS site, d1 AS day, {value} AS value,"
        f" $name AS dimension, {columns} FROM ({asked.sql})",
        {**asked.values, "name": name},
    )


def _summed(
    connection: duckdb.DuckDBPyConnection, marks: Mapping[date, int]
) -> duckdb.DuckDBPyRelation:
    """What was closed, as rows of the table `days`."""
    given = ("hits_version", "origin")
    numbers = [column.name for column in DAYS if column.type == "int64"]
    filled = [f"coalesce({name}, 0) AS {name}" for name in numbers if name not in given]
    constants = ["marked.hits_version AS hits_version", "0 AS origin"]
    replaced = ", ".join([f"'{_month(marks)}' AS month", *constants, *filled])
    return connection.sql(
        f"SELECT closed.* REPLACE ({replaced}) FROM closed JOIN marked USING (day)"
        " ORDER BY site, dimension, day, visitors DESC"
    )


def _month(days: Iterable[date]) -> str:
    return f"{next(iter(days)):%Y-%m}"


def _replace(
    name: str,
    closed: DeltaTable,
    rows: duckdb.DuckDBPyRelation,
    marks: Mapping[date, int],
) -> None:
    """Replace what a table has of the days, which are of one month, by these rows.

    And all that it has, if an older version made it with other columns.
    """
    listed = ", ".join(f"DATE '{day}'" for day in marks)
    had = {field.name for field in closed.schema().fields}
    is_ours = had == {column.name for column in TABLES[name]}
    write_deltalake(
        closed,
        rows,
        mode="overwrite",
        predicate=(
            f"month = '{_month(marks)}' AND day IN ({listed})" if is_ours else None
        ),
        schema_mode=None if is_ours else "overwrite",
        writer_properties=PARQUET,
        commit_properties=CommitProperties(
            custom_metadata={"days": []},
            app_transactions=[
                Transaction(made_mark(name, day_number(day)), mark)
                for day, mark in marks.items()
            ],
        ),
    )
