"""Who is in which group, and who of them converted, is held to plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naive_answers import COUNTRIES, Naive, Row
from page_tracker.lake.columns import arrow_table
from page_tracker.query.plan import days_of, runs
from page_tracker.query.query import Query
from page_tracker.query.sql import groups_statement
from page_tracker.schema import HITS
from page_tracker.sites.goal import Goal
from support.asked import (
    FILTERS,
    GOALS,
    RANGES,
    ZONES,
    hits_of_a_site,
    ready,
    understood,
)
from support.drawing import examples

DIMENSIONS = (
    *("event:props:plan", "event:props:x", "event:page", "event:name"),
    *("visit:browser", "visit:country_name"),
)
# A group's visitors and its conversions, by its name; None: who was in several.
Groups = dict[str | None, tuple[int, int]]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE countries (code VARCHAR, name VARCHAR)")
        connection.executemany(
            "INSERT INTO countries VALUES (?, ?)", list(COUNTRIES.items())
        )
        yield connection


def counted(
    engine: duckdb.DuckDBPyConnection, query: Query, goal: Goal, rows: list[Row]
) -> Groups:
    engine.register("drawn", arrow_table(HITS, [ready(row) for row in rows]))
    days = runs(days_of(query.range))
    asked = groups_statement(query, days, goal, "SELECT * FROM drawn", 100)
    found = engine.execute(asked.sql, asked.values).fetchall()
    engine.unregister("drawn")
    return {name: (visitors, converted) for name, visitors, converted in found}


def plainly_counted(query: Query, goal: Goal, rows: list[Row]) -> Groups:
    """In the words of guides/experiments.md."""
    naive = Naive(query, rows)
    (dimension,) = query.dimensions
    by_visitor: dict[object, list[Row]] = defaultdict(list)
    for row in naive.rows:
        if row["step"] > 0 and naive.within(row["time"]):
            by_visitor[row["day"], row["visitor"]].append(row)
    visitors: Counter[str | None] = Counter()
    converted: Counter[str | None] = Counter()
    for events in by_visitor.values():
        placed = [
            row
            for row in events
            if naive.holds(query.filter, row) and naive.value(row, dimension)
        ]
        names = {naive.value(row, dimension) for row in placed}
        if not names:
            continue
        name = names.pop() if len(names) == 1 else None
        first = min(row["time"] for row in placed)
        visitors[name] += 1
        converted[name] += any(
            naive.reaches(row, goal) and row["time"] >= first for row in events
        )
    return {name: (number, converted[name]) for name, number in visitors.items()}


@given(data=st.data())
@settings(
    max_examples=examples(40, long=160),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_groups_are_those_of_plain_counting(
    engine: duckdb.DuckDBPyConnection, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    body = {
        "site_id": "a.org",
        "metrics": ["visitors"],
        "date_range": data.draw(RANGES),
        "dimensions": [data.draw(st.sampled_from(DIMENSIONS))],
        "filters": [data.draw(FILTERS[1])] if data.draw(st.booleans()) else [],
    }
    query, goal = understood(body, zone), data.draw(st.sampled_from(GOALS))
    rows = data.draw(hits_of_a_site(zone))

    assert counted(engine, query, goal, rows) == plainly_counted(query, goal, rows)
