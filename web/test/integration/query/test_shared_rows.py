"""Questions asked together, or of more rows than memory holds: the same answers."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from page_tracker.days import day_number
from page_tracker.lake.table import Lake
from page_tracker.query.catalog import METRICS
from page_tracker.query.engine import Engine
from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import days_of
from page_tracker.query.problem import BusyError
from page_tracker.query.query import Query
from page_tracker.query.report import Report, answer, answers
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.upkeep.day_tables import close
from support.asked import (
    RANGES,
    ZONES,
    bodies,
    filters,
    hits_of_a_site,
    put,
    understood,
    view,
)
from support.drawing import examples


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(threads=1)  # for a few rows more would only wait for each other


@pytest.fixture(scope="module")
def slicing() -> Engine:
    """Keeps so few rows that days are read by themselves, and divided."""
    engine = Engine(threads=1)
    engine.max_rows = 4
    return engine


@pytest.fixture(scope="module")
def keeping() -> Engine:
    """Keeps the sums of all days that are closed."""
    return Engine(threads=1, worth_keeping=0)


def told(report: Report) -> tuple[object, ...]:
    return report.rows, report.total_rows, report.compared


@st.composite
def pages(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Questions of one page: most have its range and its filter."""
    whole, parts = draw(RANGES), draw(st.lists(filters(), max_size=2))
    compared = draw(st.sampled_from([{}, {"comparisons": {"mode": "previous_period"}}]))
    found = []
    for _ in range(draw(st.integers(2, 8))):
        metric = draw(st.sampled_from(list(METRICS)))
        body = draw(bodies(metric)) | {"include": compared}
        if draw(st.booleans()):
            body |= {"date_range": whole}
        if METRICS[metric].needs in ("", "dimension") and draw(st.booleans()):
            body |= {"filters": parts}
        found.append(body)
    return found


@given(data=st.data())
@settings(
    max_examples=examples(20, long=80),
    # What is drawn is large and slow to ask about: smaller examples cost minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_list_is_answered_as_each_of_its_questions(
    engine: Engine, slicing: Engine, keeping: Engine, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    rows = data.draw(hits_of_a_site(zone))
    asked = [understood(body, zone) for body in data.draw(pages())]
    days = sorted({row["day"] for row in rows})
    is_closed = data.draw(st.lists(st.booleans(), min_size=8, max_size=8))
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        put(lake, rows, 1)
        close(lake, [day_number(day) for day, closed in zip(days, is_closed) if closed])
        sources = sources_of(lake, asked)
        singly = [told(answer(query, sources, engine)) for query in asked]
        assert [told(each) for each in answers(asked, sources, engine)] == singly
        assert [told(each) for each in answers(asked, sources, slicing)] == singly
        assert [told(answer(each, sources, slicing)) for each in asked] == singly
        assert [told(each) for each in answers(asked, sources, keeping)] == singly
        assert [told(answer(each, sources, keeping)) for each in asked] == singly


def sources_of(lake: Lake, asked: list[Query]) -> LakeState:
    days = {day for query in asked for day in days_of(query.range)}
    return Reading(lake).sources(days)


BODY = {
    "site_id": "a.org",
    "metrics": ["visitors", "percentage"],
    "date_range": ["2026-03-01", "2026-03-05"],
    "dimensions": ["event:page"],
}


def test_day_tables_that_are_remembered_are_those_of_the_present(
    tmp_path: Path, engine: Engine
) -> None:
    lake = Lake(str(tmp_path))
    put(lake, [view(1)], 1)
    close(lake, [day_number(date(2026, 3, 2))])
    query = understood(BODY, "UTC")
    assert answer(query, sources_of(lake, [query]), engine).rows[0].metrics == (1, 100)

    put(lake, [view(2)], 2)
    close(lake, [day_number(date(2026, 3, 2))])

    again = answer(query, sources_of(lake, [query]), engine)
    assert again.plan.tables and again.rows[0].metrics == (2, 100)


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    """Each of so many questions is right, whatever had to be forgotten for it."""
    lake = Lake(str(tmp_path))
    engine = Engine(memory=32_000_000)
    put(lake, [view(number, f"/{number}") for number in range(1, 2001)], 1)
    close(lake, [day_number(date(2026, 3, 2))])
    for first in range(1, 3):
        for last in range(3, 9):
            days = [f"2026-03-0{first}", f"2026-03-0{last}"]
            query = understood(BODY | {"date_range": days}, "UTC")
            found = answer(query, sources_of(lake, [query]), engine)
            assert len(found.rows) == 2000
    ((remembered,),) = engine.rows(
        Statement(
            "SELECT sum(estimated_size) FROM duckdb_tables()"
            " WHERE starts_with(table_name, 'remembered')",
            {},
        )
    )
    assert 2000 <= int(str(remembered)) < 12 * 2000


def test_large_work_is_done_one_after_the_other(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    put(lake, [view(number) for number in range(1, 30)], 1)
    query = understood(BODY, "UTC")
    sources = sources_of(lake, [query])
    engine = Engine()
    small = answer(query, sources, engine).rows
    engine.max_rows = 100
    with engine.session() as session, session.large():
        with pytest.raises(BusyError):
            impatient = replace(engine.budget(), patience=0.2)
            answers([query], sources, engine, impatient)
        engine.max_rows = 1000
        assert answer(query, sources, engine).rows == small
    engine.max_rows = 100
    assert answer(query, sources, engine).rows == small


def test_many_threads_remember_the_same(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    put(lake, [view(number) for number in range(1, 30)], 1)
    close(lake, [day_number(date(2026, 3, 2))])
    query = understood(BODY, "UTC")
    sources = sources_of(lake, [query])
    engine = Engine()
    found: list[Report] = []
    threads = [
        threading.Thread(target=lambda: found.append(answer(query, sources, engine)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.rows[0].metrics for report in found] == [(29, 100)] * 8
