"""Every answer of ClickHouse is held to plain Python over plain rows, to the unit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naive_answers import Naive, Row
from page_tracker.lake.columns import arrow_table
from page_tracker.query.catalog import METRICS
from page_tracker.query.clickhouse.dialect import CLICKHOUSE, quoted
from page_tracker.query.clickhouse.tables import structure
from page_tracker.query.database import Database
from page_tracker.query.dialect import DUCKDB, Dialect
from page_tracker.query.engine import Engine
from page_tracker.query.plan import plan
from page_tracker.query.query import Query
from page_tracker.query.report import rows_of
from page_tracker.query.runner import Result
from page_tracker.query.shared_rows import Ask
from page_tracker.query.sql import Statement, statement
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
from support.clickhouse import database
from support.drawing import examples

SMALL = {"case_sensitive": False}


def file_of(folder: Path, rows: list[Row]) -> str:
    """The rows as a file of its own: the SQL that reads it."""
    path = folder / f"{uuid4()}.parquet"
    found = duckdb.from_arrow(arrow_table(HITS, [ready(row) for row in rows]))
    found.project("* EXCLUDE (month)").write_parquet(str(path))
    of = ", ".join(map(quoted, (str(path), "Parquet", structure(HITS))))
    return f"SELECT * FROM file({of})"


def answered(
    server: Database, query: Query, hits: str
) -> dict[tuple[str, ...], list[float | None]]:
    ask = Ask(query, plan(query, frozenset()))
    asked = ask.statement({"hits": hits}, CLICKHOUSE)
    with server.session() as session:
        values = session.rows(asked)
    result = Result(ask, asked, values, {}, {})
    return {row.dimensions: list(row.metrics) for row in rows_of(result)}


@pytest.mark.timeout(1800)
def test_every_answer_equals_plain_counting(
    clickhouse_port: int, tmp_path: Path
) -> None:
    server = database(clickhouse_port, tmp_path)

    @given(data=st.data())
    @settings(
        max_examples=examples(15, long=600),
        suppress_health_check=[HealthCheck.too_slow],
    )
    def holds(data: st.DataObject) -> None:
        metric = data.draw(st.sampled_from(list(METRICS)))
        zone = data.draw(st.sampled_from(ZONES))
        query = understood(data.draw(bodies(metric)), zone)
        kinds = READING if METRICS[metric].needs == "page" else KINDS
        rows = data.draw(hits_of_a_site(zone, kinds))
        expected = Naive(query, rows).answer()
        found = answered(server, query, file_of(tmp_path, rows))
        assert found.keys() == expected.keys()
        for key, metrics in expected.items():
            assert found[key] == pytest.approx(metrics, abs=0.006), (key, query)

    holds()  # pylint: disable=no-value-for-parameter  # hypothesis gives it


def test_texts_are_compared_as_duckdb_compares_them(
    clickhouse_port: int, tmp_path: Path
) -> None:
    """Letters, patterns and properties that the two databases see differently."""
    texts = [
        "İstanbul",
        "ΟΔΟΣ",
        "Äß",
        "a\nb",
        "it's",
        "a\\b",
        "100%",
        "日本",
        "{v0:Int64}",
    ]
    rows = [view(number, text) for number, text in enumerate(texts)]
    hits, server, engine = (
        file_of(tmp_path, rows),
        database(clickhouse_port, tmp_path),
        Engine(),
    )
    (path,) = tmp_path.glob("*.parquet")
    leaves: list[list[Any]] = [
        *(["contains", "event:page", [text.lower()], SMALL] for text in texts),
        *(["is", "event:page", [text]] for text in texts),
        ["contains", "event:page", ["οδοσ"], SMALL],
        *(["matches", "event:page", [each]] for each in ("a.b", "(?i)äß", "^..$", "")),
    ]
    for leaf in leaves:
        body = {
            "site_id": "a.org",
            "metrics": ["visitors"],
            "date_range": ["2026-03-02", "2026-03-02"],
            "dimensions": ["event:page"],
            "filters": [leaf],
        }
        query = understood(body, "UTC")
        here = statement(query, plan(query, frozenset()), {"hits": f"FROM '{path}'"})
        told = {(str(row[0]),) for row in engine.rows(here)}
        assert set(answered(server, query, hits)) == told, leaf


# What the two databases would answer differently, but for the settings and the dialect.
ALIKE: tuple[str, ...] = (
    "SELECT count(r.b) FROM (SELECT 1 AS a) l LEFT JOIN (SELECT 2 AS a, 3 AS b) r"
    " USING (a)",
    "SELECT sum(x) AS x FROM (SELECT 1 AS x UNION ALL SELECT 2 AS x) s"
    " HAVING sum(x) > 2",
    "SELECT count(*) FROM (SELECT CAST('2026-03-02 00:00:00' AS TIMESTAMP) AS t) s"
    " WHERE t = {instant}",
    "SELECT {half}, {negative}, {eighth}",
)


@pytest.mark.parametrize("sql", ALIKE)
def test_what_both_are_asked_in_the_same_words_means_the_same(
    clickhouse_port: int, tmp_path: Path, sql: str
) -> None:
    """Outer joins, names of sums, instants without a zone, and halves."""
    values: dict[str, object] = {"instant": datetime(2026, 3, 2, tzinfo=UTC)}

    def answer(server: Database, dialect: Dialect) -> list[float]:
        asked = sql.format(
            instant=dialect.placeholder("instant", values["instant"]),
            half=dialect.rounded("CAST(2.5 AS DOUBLE)", 0),
            negative=dialect.rounded("CAST(-2.5 AS DOUBLE)", 0),
            eighth=dialect.rounded("CAST(0.125 AS DOUBLE)", 2),
        )
        given = values if "{instant}" in sql else {}
        with server.session() as session:
            (row,) = session.rows(Statement(asked, given))
        return [float(str(each)) for each in row]

    there = answer(database(clickhouse_port, tmp_path), CLICKHOUSE)
    assert there == answer(Engine(), DUCKDB)


@pytest.mark.parametrize("dialect", [CLICKHOUSE, DUCKDB], ids=["clickhouse", "duckdb"])
def test_a_share_of_nothing_is_no_number(
    clickhouse_port: int, tmp_path: Path, dialect: Dialect
) -> None:
    """By 0 both divide: what comes of it is infinite, or not a number."""
    of_duckdb = dialect is DUCKDB
    server = Engine() if of_duckdb else database(clickhouse_port, tmp_path)
    shares = {name: each for name, each in METRICS.items() if "/" in each.formula}
    measures = {name for each in shares.values() for name in each.measures}
    values = ", ".join(each.value(dialect) for each in shares.values())
    zeros = ", ".join(f"CAST(0 AS BIGINT) AS {name}" for name in sorted(measures))
    with server.session() as session:
        (row,) = session.rows(Statement(f"SELECT {values} FROM (SELECT {zeros}) s", {}))
    assert dict(zip(shares, row, strict=True)) == dict.fromkeys(shares)
