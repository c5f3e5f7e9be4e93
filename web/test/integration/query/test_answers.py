"""Every answer is held to plain Python over plain rows, to the unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naive_answers import COUNTRIES, Naive, Row
from page_tracker.lake.columns import arrow_table
from page_tracker.query.buckets import labels
from page_tracker.query.catalog import METRICS
from page_tracker.query.lake_state import SQL_TYPES
from page_tracker.query.plan import plan
from page_tracker.query.query import Query
from page_tracker.query.report import rows_of
from page_tracker.query.runner import Result
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import statement
from page_tracker.schema import HITS
from support.asked import (
    KINDS,
    READING,
    ZONES,
    bodies,
    hits_of_a_site,
    ready,
    understood,
    view,
)
from support.drawing import examples


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in HITS)
    # For a few rows more threads would only wait for each other.
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE hits ({columns})")
        connection.execute("CREATE TABLE countries (code VARCHAR, name VARCHAR)")
        connection.executemany(
            "INSERT INTO countries VALUES (?, ?)", list(COUNTRIES.items())
        )
        yield connection


def answered(
    engine: duckdb.DuckDBPyConnection, query: Query
) -> dict[tuple[str, ...], list[float | None]]:
    asked = statement(query, plan(query, frozenset()))
    values = engine.execute(asked.sql, asked.values).fetchall()
    result = Result(Ask(query, plan(query, frozenset())), asked, values, {}, {})
    return {row.dimensions: list(row.metrics) for row in rows_of(result)}


def store(engine: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    """Have just these rows in the table `hits`: in one go, since one by one is slow."""
    engine.execute("DELETE FROM hits")
    engine.register("rows", arrow_table(HITS, [ready(row) for row in rows]))
    engine.execute("INSERT INTO hits SELECT * FROM rows")
    engine.unregister("rows")


@pytest.mark.parametrize("metric", list(METRICS))
@given(data=st.data())
@settings(
    max_examples=examples(20, long=80),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_answer_equals_plain_counting(
    engine: duckdb.DuckDBPyConnection, metric: str, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    query = understood(data.draw(bodies(metric)), zone)
    kinds = READING if METRICS[metric].needs == "page" else KINDS
    rows = data.draw(hits_of_a_site(zone, kinds))
    store(engine, rows)
    expected = Naive(query, rows).answer()
    found = answered(engine, query)
    assert found.keys() == expected.keys()
    for key, metrics in expected.items():
        assert found[key] == pytest.approx(metrics, abs=0.006), (key, query)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("Australia/Lord_Howe", "2026-04-05"),  # by half an hour, back
        ("Australia/Lord_Howe", "2026-10-04"),  # and on
        ("Africa/Cairo", "2026-04-24"),  # midnight is skipped
        ("Africa/Cairo", "2026-10-29"),  # midnight comes twice
        ("America/Santiago", "2026-09-06"),
        ("Asia/Kathmandu", "2026-03-29"),  # three quarters of an hour off
        ("Pacific/Apia", "2011-12-31"),  # the day before does not exist
    ],
)
@pytest.mark.parametrize("name", ["time:hour", "time:minute"])
def test_the_buckets_of_a_day_that_changes_the_clock_are_those_that_are_named(
    engine: duckdb.DuckDBPyConnection, zone: str, day: str, name: str
) -> None:
    """A view each five minutes is in one of them, and none of these is without."""
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    rows = []
    for number in range(-24 * 12, 24 * 12):
        moment = noon.astimezone(UTC) + timedelta(minutes=5 * number)
        its_day = moment.astimezone(ZoneInfo(zone)).date()
        rows.append(view(number) | {"time": moment, "day": its_day})
    store(engine, rows)
    body = {
        "site_id": "a.org",
        "metrics": ["pageviews"],
        "date_range": [day, day],
        "dimensions": [name],
    }

    query = understood(body, zone)
    found = answered(engine, query)

    named = [label for label in labels(query.range, name) if label[15] in "05"]
    assert [label for (label,) in found] == named
    counted = sum(metrics[0] or 0 for metrics in found.values())
    assert counted == sum(str(row["day"]) == day for row in rows)
