"""Days close: what was counted on a day that is over, by each value of each dimension.

    mark the day in the hits → its hits as they are under that mark → sums by dimension,
      of all sites at once → one commit to the table `days` that names the mark

Who asks takes a day's table only where the hits still have the mark that it names:
every commit that touches the day moves it (`table.marks`), and then the day is closed
again by the next pass. The sums are those of any question: the same compiler of SQL.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from page_tracker.lake.engine import engine, rows_in
from page_tracker.lake.lock import shared
from page_tracker.lake.table import PARQUET, Lake, closed_mark, position
from page_tracker.query.catalog import SITE, dimension
from page_tracker.query.plan import TABLED_DIMENSIONS, Days, Plan
from page_tracker.query.query import Query, Range, measures
from page_tracker.query.report import COUNTRIES
from page_tracker.query.sources import SQL_TYPES
from page_tracker.query.sql import sums
from page_tracker.schema import DAYS

_OF_EVENTS = ("visitors", "visits", "pageviews", "events")
_OF_VISITS = ("views_per_visit", "bounce_rate", "visit_duration")
_OF_READING = ("scroll_depth", "time_on_page")


def close(lake: Lake, day: int) -> bool:
    """Close a day (since 1970) unless its table holds; whether there was anything to do.

    The day must be over everywhere. Raises CommitFailedError where somebody else
    closes it too.
    """
    mark = closed_mark(day)
    hits = lake.snapshot("hits")
    if hits.transaction_version(mark) is None:
        _set_mark(hits, mark)
        hits = lake.snapshot("hits")
    days, made_under = lake.snapshot("days"), position(hits, mark)
    if position(days, mark) == made_under:
        return False
    when = date(1970, 1, 1) + timedelta(days=day)
    files = hits.file_uris(file_pruning_predicate=f"day = DATE '{when}'")
    with engine() as connection, shared(days):
        _begin(connection, files, when)
        for name in TABLED_DIMENSIONS:
            _add(connection, name, when)
        _commit(connection, days, when, Transaction(mark, made_under))
    return True


def _set_mark(hits: DeltaTable, mark: str) -> None:
    with shared(hits):
        hits.create_write_transaction(
            [],
            "append",
            hits.schema(),
            commit_properties=CommitProperties(
                custom_metadata={"days": []},
                app_transactions=[Transaction(mark, hits.version() + 1)],
            ),
        )


def _begin(connection: duckdb.DuckDBPyConnection, files: list[str], when: date) -> None:
    """Make the tables `hits` (the day's, as if of one site), `countries`, `closed`.

    A running number is its site's: the site's place is put before it.
    """
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE TABLE countries AS SELECT code, name FROM"
        " read_csv($file, header = true, all_varchar = true)",
        {"file": str(COUNTRIES)},
    )
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in DAYS)
    connection.execute(f"CREATE TABLE closed ({columns})")
    rows = rows_in(connection, files).filter(f"day = DATE '{when}'")
    rows.create("of_the_day")
    connection.execute(
        "CREATE TABLE sites AS SELECT site AS of_site,"
        " row_number() OVER (ORDER BY site) - 1 AS place"
        " FROM (SELECT DISTINCT site FROM of_the_day)"
    )
    connection.execute(
        "CREATE VIEW hits AS SELECT of_the_day.* REPLACE ('' AS site,"
        " CASE WHEN place > 0 THEN visit + (place::HUGEINT << 64) ELSE visit END"
        " AS visit,"
        " CASE WHEN place > 0 THEN visitor + (place::HUGEINT << 64) ELSE visitor END"
        " AS visitor), of_site FROM of_the_day JOIN sites ON site = of_site"
    )


def _add(connection: duckdb.DuckDBPyConnection, name: str, when: date) -> None:
    """Add a dimension's rows of all sites."""
    metrics = _OF_EVENTS
    if not name or dimension(name).scope == "visit" or name == "event:page":
        metrics += _OF_VISITS
    if name == "event:page":
        metrics += _OF_READING
    query = Query(
        site="",
        metrics=metrics,
        range=Range(when, when, "UTC"),
        dimensions=(SITE, name) if name else (SITE,),
    )
    asked = sums(query, Plan((), (Days(when, when),)))
    columns = ", ".join(measures(query))
    value = "d1" if name else "''"
    connection.execute(
        f"INSERT INTO closed BY NAME SELECT d0 AS site, {value} AS value,"
        f" $name AS dimension, {columns} FROM ({asked.sql})",
        {**asked.values, "name": name},
    )


def _commit(
    connection: duckdb.DuckDBPyConnection,
    days: DeltaTable,
    when: date,
    mark: Transaction,
) -> None:
    """Put what was closed in the place of the day's rows."""
    month = f"{when:%Y-%m}"
    numbers = [column.name for column in DAYS if column.type == "int64"]
    filled = [f"coalesce({name}, 0) AS {name}" for name in numbers]
    constants = [f"DATE '{when}' AS day", f"'{month}' AS month"]
    constants += [f"{mark.version} AS hits_version", "0 AS origin"]
    replaced = [
        each
        for each in filled
        if each.rpartition(" ")[2] not in ("hits_version", "origin")
    ]
    rows = connection.sql(
        f"SELECT * REPLACE ({', '.join([*constants, *replaced])}) FROM closed"
        " ORDER BY site, dimension, visitors DESC"
    )
    write_deltalake(
        days,
        rows,
        mode="overwrite",
        predicate=f"month = '{month}' AND day = DATE '{when}'",
        writer_properties=PARQUET,
        commit_properties=CommitProperties(
            custom_metadata={"days": []}, app_transactions=[mark]
        ),
    )
