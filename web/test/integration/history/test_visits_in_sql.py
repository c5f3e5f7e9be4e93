"""Random hits through the SQL window, held to the naive model column by column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naive import Found, PlainHit, find
from page_tracker.history.blocks import SPOOLED, row_of
from page_tracker.history.visits import with_visits
from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.lake.columns import arrow_table
from page_tracker.schema import HITS
from support.drawing import examples

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
EVENING = 20_000 * DAY + 22 * 60 * MINUTE
ORIGIN = 2**31 - 1
# How a row that has its columns already says which `Kind` of hit it is.
KIND_OF_ROW = f"""
    CASE WHEN step = 0 THEN {Kind.ENGAGEMENT:d} WHEN view > 0 THEN {Kind.VIEW:d}
    WHEN interaction > 0 THEN {Kind.EVENT:d} ELSE {Kind.QUIET:d} END
"""
KINDS = {
    "view": Kind.VIEW,
    "event": Kind.EVENT,
    "quiet": Kind.QUIET,
    "engagement": Kind.ENGAGEMENT,
}
STEPS = st.sampled_from(
    [
        0,
        0,
        1,
        900,
        5 * MINUTE,
        30 * MINUTE - 1,
        30 * MINUTE,
        59 * MINUTE,
        3 * 60 * MINUTE,
    ]
)
NAMES = [column.name for column in HITS]


HITS_APART: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {
            "step": STEPS,
            "site": st.sampled_from(["a.example", "b.example"]),
            "visitor": st.sampled_from(["ada", "bob", "eve"]),
            "kind": st.sampled_from(["view", "view", "event", "quiet", "engagement"]),
            "path": st.sampled_from(["/", "/a", "/ü" * 200]),
            "hostname": st.sampled_from(["", "www.example"]),
            "touch": st.sampled_from(["", "x.example"]),
        }
    ),
    min_size=1,
    max_size=40,
)


@st.composite
def plain_hits(draw: st.DrawFn) -> list[PlainHit]:
    time, hits = EVENING, []
    for drawn in draw(HITS_APART):
        time += drawn.pop("step")
        hits.append(PlainHit(time=time, day=time // DAY, **drawn))
    return hits


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    # For a few rows more threads would only wait for each other.
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@given(hits=plain_hits(), shuffled=st.randoms(use_true_random=False))
@settings(max_examples=examples(50, long=200))
def test_every_column_is_the_naive_models(
    engine: duckdb.DuckDBPyConnection, hits: list[PlainHit], shuffled: Any
) -> None:
    rows = [row_of(_hit(hit), position) for position, hit in enumerate(hits)]
    shuffled.shuffle(rows)
    stored = [
        found
        for found in zip(hits, find(hits), strict=True)
        if found[1].fate == "stored"
    ]

    _lay_out(engine, rows)
    found = _rows(engine, with_visits("hits", ORIGIN))

    assert [_columns(row) for row in found] == [each for _, each in stored]
    assert [row["path"] for row in found] == [hit.path for hit, _ in stored]
    assert {row["visitor"] >> 32 for row in found} <= {ORIGIN}


@given(hits=plain_hits())
@settings(max_examples=examples(25, long=100))
def test_rows_that_are_stored_keep_their_visits_when_numbered_again(
    engine: duckdb.DuckDBPyConnection, hits: list[PlainHit]
) -> None:
    _lay_out(engine, [row_of(_hit(hit), at) for at, hit in enumerate(hits)])
    visits = with_visits("hits", ORIGIN)
    once = _rows(engine, visits)
    engine.execute(f"CREATE OR REPLACE TABLE stored AS {visits}")
    engine.execute(
        f"CREATE OR REPLACE TABLE again AS SELECT *, visitor AS who,"
        f" {KIND_OF_ROW} AS kind, row_number() OVER () AS position FROM stored"
    )

    assert _rows(engine, with_visits("again", ORIGIN)) == once


def test_a_visit_ends_with_the_day(engine: duckdb.DuckDBPyConnection) -> None:
    midnight = 20_001 * DAY
    hits = [
        PlainHit(time=midnight - 1, day=20_000, site="a.example", visitor="ada"),
        PlainHit(time=midnight, day=20_001, site="a.example", visitor="ada"),
    ]
    _lay_out(engine, [row_of(_hit(hit), at) for at, hit in enumerate(hits)])
    found = _rows(engine, with_visits("hits", ORIGIN))

    assert [(row["arrival"], row["step"], row["since"]) for row in found] == [
        (True, 1, 0),
        (True, 1, 0),
    ]


def _lay_out(engine: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    """Have just these rows in the table `hits`."""
    engine.register("laid_out", arrow_table(SPOOLED, rows))
    engine.execute("CREATE OR REPLACE TABLE hits AS SELECT * FROM laid_out")
    engine.unregister("laid_out")


def _rows(engine: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = engine.sql(query).project("* REPLACE (epoch_us(time) AS time)")
    return [dict(zip(NAMES, row, strict=True)) for row in result.fetchall()]


def _hit(hit: PlainHit) -> Hit:
    record = Record(
        time=hit.time * 1000,
        day=hit.day,
        site=hit.site,
        name="any",
        hostname=hit.hostname,
        path=hit.path,
        title="",
        touch=Touch(source=str(hit.touch)),
        client=Client(),
        place=Place(),
    )
    who = str(hit.visitor).encode().ljust(16, b"\0")
    return Hit(record, KINDS[hit.kind], who)


def _columns(row: dict[str, Any]) -> Found:
    low = (1 << 32) - 1
    return Found(
        fate="stored",
        visitor=row["visitor"] & low,
        visit=row["visit"] & low,
        step=row["step"],
        view=row["view"],
        interaction=row["interaction"],
        since=row["since"],
        elapsed=row["elapsed"],
        arrival=row["arrival"],
        previous=row["previous"],
        previous_hostname=row["previous_hostname"],
        entry_path=row["entry_path"],
        entry_hostname=row["entry_hostname"],
        touch=row["source"],
    )
