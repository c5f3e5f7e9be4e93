"""Every answer is held to plain Python over plain rows, to the unit."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naive_answers import COUNTRIES, Naive, Row
from page_tracker.query.catalog import METRICS
from page_tracker.query.plan import plan
from page_tracker.query.query import Query
from page_tracker.query.report import rows_of
from page_tracker.query.running import Found
from page_tracker.query.sharing import Ask
from page_tracker.query.sources import SQL_TYPES
from page_tracker.query.sql import statement
from page_tracker.schema import HITS
from support.asked import KINDS, READING, ZONES, bodies, hits_of_a_site, understood


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in HITS)
    with duckdb.connect() as connection:
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
    found = Found(Ask(query, plan(query, frozenset())), asked, values, {}, {})
    return {row.dimensions: list(row.metrics) for row in rows_of(found)}


def store(engine: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    engine.execute("DELETE FROM hits")
    if rows:
        names = [column.name for column in HITS]
        places = ", ".join("?" for _ in names)
        engine.executemany(
            f"INSERT INTO hits VALUES ({places})",  # nosec B608: places only
            [[row[name] for name in names] for row in rows],
        )


@pytest.mark.parametrize("metric", list(METRICS))
@given(data=st.data())
@settings(
    max_examples=40,
    deadline=None,
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
