"""The same question, answered from what closed days come to (day tables, or visits) and
from hits: equal, to the unit."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from deltalake.schema import Field, PrimitiveType
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from naive_answers import Naive
from page_tracker.days import day_number
from page_tracker.lake import table
from page_tracker.lake.commit_retries import ConflictError
from page_tracker.lake.table import Lake, append, touching
from page_tracker.query.catalog import DIMENSIONS, METRICS
from page_tracker.query.engine import Engine
from page_tracker.query.filters import parse_filters
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import Days, can_use_tables, days_of
from page_tracker.query.query import Query
from page_tracker.query.report import Report, answer
from page_tracker.query.snapshot import Reading
from page_tracker.schema import FIRSTS, HITS
from page_tracker.upkeep.day_tables import close
from support.asked import (
    KINDS,
    OF_VISITS,
    READING,
    WHOLE_DAYS,
    ZONES,
    bodies,
    further_view,
    hits_of_a_site,
    leaf,
    put,
    ready,
    understood,
    view,
)
from support.drawing import examples

TABLED = [
    name
    for name, metric in METRICS.items()
    if metric.needs != "goal" and metric.type != "money"
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(threads=1)  # for a few rows more would only wait for each other


def rows_of(report: Report) -> dict[tuple[str, ...], tuple[Any, ...]]:
    return {row.dimensions: row.metrics for row in report.rows}


def sources_of(lake: Lake, query: Query) -> LakeState:
    return Reading(lake).sources(days_of(query.range))


def both_ways(
    sources: LakeState, query: Query, engine: Engine
) -> tuple[Report, Report]:
    opened = replace(sources, closed=frozenset(), visited=frozenset())
    from_hits = answer(query, opened, engine)
    return answer(query, sources, engine), from_hits


@st.composite
def whole_visits(draw: st.DrawFn, metric: str) -> dict[str, Any]:
    """A question about a metric that day tables answer, or that visits may."""
    body = draw(bodies(metric, False))
    parts = draw(st.lists(leaf(OF_VISITS), max_size=2))
    return body | {"filters": [*body["filters"], *parts]}


@pytest.mark.parametrize("metric", TABLED)
@given(data=st.data())
@settings(
    max_examples=examples(3, long=8),
    # What is drawn is large and slow to ask about: smaller examples cost minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_closed_days_answer_as_hits_do(
    engine: Engine, metric: str, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    hits = hits_of_a_site(zone, READING if METRICS[metric].needs == "page" else KINDS)
    rows = data.draw(hits)
    other = [row | {"site": "b.org"} for row in data.draw(hits)]
    whole_days = {"date_range": data.draw(WHOLE_DAYS)}
    asked = data.draw(st.lists(whole_visits(metric), min_size=20, max_size=20))
    queries = [understood(body | whole_days, zone) for body in asked]
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        put(lake, rows + other, 1)
        close(lake, sorted({day_number(row["day"]) for row in rows + other}))
        sources = sources_of(lake, queries[0])  # all ask about the same days
        for query in queries:
            _hold(both_ways(sources, query, engine), Naive(as_written(query), rows))


def as_written(query: Query) -> Query:
    """The query with the very filter that was asked for."""
    return replace(query, filter=parse_filters(json.loads(query.written), {}))


def _hold(reports: tuple[Report, Report], naive: Naive) -> None:
    """Both reports answer as plain counting does."""
    tabled, from_hits = map(rows_of, reports)
    assert tabled == from_hits, naive.query
    assert tabled == {
        key: pytest.approx(tuple(values), abs=0.006)
        for key, values in naive.answer().items()
    }


@pytest.mark.parametrize("dimension", ["visit:source", "event:page"])
def test_a_visitor_on_several_devices_is_one_on_each(
    tmp_path: Path, engine: Engine, dimension: str
) -> None:
    """Whom a site names himself; and one who comes again and again is one."""
    rows = [
        view(visitor, page)
        | {"visit": visit, "arrival": visit in (1, 3), "device": device, "source": "a"}
        for visitor, visit, device, page in [
            *((1, 1, "Desktop", "/"), (1, 2, "Mobile", "/")),
            *((2, visit, "Mobile", "/") for visit in range(3, 30)),
        ]
    ]
    lake = Lake(str(tmp_path))
    put(lake, [*rows, further_view(3, "/c")], 1)
    close(lake, [day_number(date(2026, 3, 2))])
    body = TestWhenADayChanges.QUESTION | {"dimensions": [dimension]}
    phones = {"filters": [["is", "visit:device", ["Mobile"]]]}
    query = understood(body | phones, "UTC")

    closed, from_hits = both_ways(sources_of(lake, query), query, engine)

    assert closed.plan.visits
    name = "a" if dimension == "visit:source" else "/"
    assert rows_of(closed) == rows_of(from_hits) == {(name,): (2, 28)}


class TestWhenADayChanges:
    """A day's table is used only as long as no commit has touched the day since."""

    QUESTION = {
        "site_id": "a.org",
        "metrics": ["visitors", "pageviews"],
        "date_range": ["2026-03-01", "2026-03-05"],
        "dimensions": ["event:page"],
    }

    def test_it_is_used_once_closed(self, tmp_path: Path, engine: Engine) -> None:
        lake = Lake(str(tmp_path))
        put(lake, [view(1), view(2, "/b")], 1)
        query = understood(self.QUESTION, "UTC")
        assert not both_ways(sources_of(lake, query), query, engine)[0].plan.tables

        close(lake, [day_number(date(2026, 3, 2))])

        tabled, from_hits = both_ways(sources_of(lake, query), query, engine)
        assert [run.first for run in tabled.plan.tables] == [date(2026, 3, 2)]
        assert (
            rows_of(tabled) == rows_of(from_hits) == {("/",): (1, 1), ("/b",): (1, 1)}
        )

    def test_visits_are_used_once_they_are_known(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        """An older version has closed the day without them."""
        lake = Lake(str(tmp_path))
        put(lake, [view(1), view(2, "/b"), further_view(2, "/c", "/b")], 1)
        close(lake, [day_number(date(2026, 3, 2))])
        filtered = {"filters": [["is", "visit:entry_page", ["/b"]]]}
        query = understood(
            self.QUESTION | filtered | {"dimensions": ["visit:exit_page"]}, "UTC"
        )
        rmtree(tmp_path / "visits")

        before = both_ways(sources_of(lake, query), query, engine)[0]
        close(lake, [day_number(date(2026, 3, 2))])
        after = both_ways(sources_of(lake, query), query, engine)[0]

        assert not before.plan.visits
        assert [run.first for run in after.plan.visits] == [date(2026, 3, 2)]
        assert rows_of(before) == rows_of(after) == {("/c",): (1, 2)}

    def test_those_that_an_older_version_made_with_other_columns_are_made_again(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        lake, days = Lake(str(tmp_path)), [date(2026, 3, day) for day in (2, 3)]
        for number, day in enumerate(days, 1):
            put(lake, [view(1, day=day), further_view(1, "/c", day=day)], number)
        close(lake, list(map(day_number, days)))
        lake.snapshot("visits").alter.add_columns(
            [Field("of_old", PrimitiveType("string"))]
        )
        put(lake, [view(2, day=days[1])], 3)
        query = understood(
            self.QUESTION | {"filters": [["is", "visit:device", [""]]]}, "UTC"
        )

        close(lake, [day_number(days[1])])
        found = both_ways(sources_of(lake, query), query, engine)

        assert [run.first for run in found[0].plan.visits] == days[1:]
        assert (
            rows_of(found[0]) == rows_of(found[1]) == {("/",): (3, 3), ("/c",): (2, 2)}
        )

    def test_a_late_hit_opens_it_until_it_is_closed_again(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        lake = Lake(str(tmp_path))
        put(lake, [view(1)], 1)
        day = day_number(date(2026, 3, 2))
        close(lake, [day])
        reading = Reading(lake)
        assert reading.sources([date(2026, 3, 2)]).closed
        query = understood(self.QUESTION, "UTC")

        put(lake, [view(2)], 2)

        assert not reading.sources([date(2026, 3, 2)]).closed
        late = answer(query, reading.sources(days_of(query.range)), engine)
        close(lake, [day])
        closed = answer(query, reading.sources(days_of(query.range)), engine)
        assert not late.plan.tables and closed.plan.tables
        assert rows_of(late) == rows_of(closed) == {("/",): (2, 2)}

    def test_the_days_of_a_site_are_those_of_its_hits(
        self, tmp_path: Path, engine: Engine
    ) -> None:
        lake, asking = Lake(str(tmp_path)), LakeAsking(
            Reading(Lake(str(tmp_path))), engine
        )
        for number in (1, 2, 3, 4):
            site = "b.org" if number in (1, 4) else "a.org"
            put(lake, [view(number, day=date(2026, 3, number), site=site)], number)
        close(lake, [day_number(date(2026, 3, number)) for number in (1, 2, 3)])
        assert asking.days("a.org") == Days(date(2026, 3, 2), date(2026, 3, 3))

        with lake.using("hits") as hits:  # and the table of its day is out of date
            said = touching(hits, [day_number(date(2026, 3, 2))])
            hits.delete("visitor = 2", commit_properties=said)

        assert asking.days("a.org") == Days(date(2026, 3, 3), date(2026, 3, 3))
        assert asking.days("b.org") == Days(date(2026, 3, 1), date(2026, 3, 4))
        assert asking.days("c.org") is None

    def test_hits_of_another_day_leave_it_closed(self, tmp_path: Path) -> None:
        lake = Lake(str(tmp_path))
        put(lake, [view(1)], 1)
        close(lake, [day_number(date(2026, 3, 2))])
        reading = Reading(lake)
        assert reading.sources([date(2026, 3, 2)]).closed

        put(lake, [view(1, day=date(2026, 3, 3))], 2)

        assert reading.sources([date(2026, 3, 2)]).closed

    def test_a_commit_from_before_the_mark_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else its rows would be missing in a table that seems to hold."""
        lake = Lake(str(tmp_path))
        with monkeypatch.context() as while_the_day_lasts:
            while_the_day_lasts.setattr(table, "is_over", lambda *_: False)
            put(lake, [view(1)], 1)
        before = lake.snapshot("hits")
        close(lake, [day_number(date(2026, 3, 2))])

        with pytest.raises(ConflictError):
            append(before, HITS, [ready(view(2))], "stream:1:0", 2)

    def test_closing_again_changes_nothing(self, tmp_path: Path) -> None:
        lake = Lake(str(tmp_path))
        put(lake, [view(1)], 1)
        close(lake, [day_number(date(2026, 3, 2))])
        version = lake.snapshot("days").version()

        close(lake, [day_number(date(2026, 3, 2))])

        assert lake.snapshot("days").version() == version


def test_every_dimension_but_goals_and_properties_has_a_table() -> None:
    asked = {
        name
        for name in DIMENSIONS
        if can_use_tables(
            understood(
                {
                    "site_id": "a.org",
                    "metrics": ["visitors"],
                    "date_range": ["2026-03-01", "2026-03-05"],
                    "dimensions": [name],
                },
                "UTC",
            )
        )
    }
    assert asked == set(DIMENSIONS) - {"event:goal"}


def test_of_all_that_a_visitors_visits_may_differ_in_the_first_ones_are_known() -> None:
    differing = {
        each.column
        for each in DIMENSIONS.values()
        if each.scope == "visit" and not each.fixed
    }
    assert {*FIRSTS} == differing | {"path"}
