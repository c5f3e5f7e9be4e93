"""Random hits through the SQL window, held to the naive model column by column."""

from __future__ import annotations

from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from naive import Found, PlainHit, find
from page_tracker.history.blocks import SPOOLED, row_of
from page_tracker.history.visits import KIND_OF_ROW, with_visits
from page_tracker.hits.hit import Client, Hit, Kind, Place, Record, Touch
from page_tracker.lake.columns import arrow_table
from page_tracker.schema import HITS

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
EVENING = 20_000 * DAY + 22 * 60 * MINUTE
ORIGIN = 2**31 - 1
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


@st.composite
def plain_hits(draw: st.DrawFn) -> list[PlainHit]:
    time, hits = EVENING, []
    for step in draw(st.lists(STEPS, min_size=1, max_size=40)):
        time += step
        hits.append(
            PlainHit(
                time=time,
                day=time // DAY,
                site=draw(st.sampled_from(["a.example", "b.example"])),
                visitor=draw(st.sampled_from(["ada", "bob", "eve"])),
                kind=draw(
                    st.sampled_from(["view", "view", "event", "quiet", "engagement"])
                ),
                path=draw(st.sampled_from(["/", "/a", "/ü" * 200])),
                hostname=draw(st.sampled_from(["", "www.example"])),
                touch=draw(st.sampled_from(["", "x.example"])),
            )
        )
    return hits


@given(hits=plain_hits(), shuffled=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_every_column_is_the_naive_models(hits: list[PlainHit], shuffled: Any) -> None:
    rows = [row_of(_hit(hit), position) for position, hit in enumerate(hits)]
    shuffled.shuffle(rows)
    stored = [
        found
        for found in zip(hits, find(hits), strict=True)
        if found[1].fate == "stored"
    ]

    with duckdb.connect() as engine:
        _lay_out(engine, rows)
        found = _rows(engine, with_visits("hits", ORIGIN))

    assert [_columns(row) for row in found] == [each for _, each in stored]
    assert [row["path"] for row in found] == [hit.path for hit, _ in stored]
    assert {row["visitor"] >> 32 for row in found} <= {ORIGIN}


@given(hits=plain_hits())
@settings(max_examples=50, deadline=None)
def test_rows_that_are_stored_keep_their_visits_when_numbered_again(
    hits: list[PlainHit],
) -> None:
    rows = [row_of(_hit(hit), position) for position, hit in enumerate(hits)]
    with duckdb.connect() as engine:
        _lay_out(engine, rows)
        once = _rows(engine, with_visits("hits", ORIGIN))
        engine.execute(f"CREATE TABLE stored AS {with_visits('hits', ORIGIN)}")
        place = "row_number() OVER () AS position"
        stored = engine.table("stored")
        stored.project(f"*, visitor AS who, {KIND_OF_ROW} AS kind, {place}").create(
            "again"
        )
        again = _rows(engine, with_visits("again", ORIGIN))

    assert again == once


def test_a_visit_ends_with_the_day() -> None:
    midnight = 20_001 * DAY
    hits = [
        PlainHit(time=midnight - 1, day=20_000, site="a.example", visitor="ada"),
        PlainHit(time=midnight, day=20_001, site="a.example", visitor="ada"),
    ]
    with duckdb.connect() as engine:
        _lay_out(engine, [row_of(_hit(hit), at) for at, hit in enumerate(hits)])
        found = _rows(engine, with_visits("hits", ORIGIN))

    assert [(row["arrival"], row["step"], row["since"]) for row in found] == [
        (True, 1, 0),
        (True, 1, 0),
    ]


def _lay_out(engine: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    engine.execute("SET TimeZone = 'UTC'")
    engine.from_arrow(arrow_table(SPOOLED, rows)).create("hits")


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
