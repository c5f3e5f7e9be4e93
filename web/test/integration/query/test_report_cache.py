"""A question that was asked of the same state of the lake is not worked out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from page_tracker.lake.table import Lake
from page_tracker.query import report_cache
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.query import Query
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site
from support.asked import put, view

NOW = 1_772_500_000.0  # 2026-03-03


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    put(lake, [view(1), view(2, "/docs")], 1)
    return lake


@pytest.fixture
def asking(lake: Lake) -> LakeAsking:
    return LakeAsking(Reading(lake), Engine())


def question(asking: LakeAsking, limit: int = 10) -> Query:
    body = {
        "site_id": "a.org",
        "metrics": ["visitors"],
        "date_range": ["2026-03-01", "2026-03-03"],
        "dimensions": ["event:page"],
        "pagination": {"limit": limit},
    }
    return asking.understand(body, Site(id="a.org"), NOW)


def test_the_same_question_of_the_same_state_has_the_same_report(
    asking: LakeAsking,
) -> None:
    first = asking.report(question(asking))
    assert asking.report(question(asking)) is first
    assert asking.reports([question(asking), question(asking, 1)])[0] is first


def test_a_new_hit_is_in_the_next_answer(asking: LakeAsking, lake: Lake) -> None:
    before = asking.report(question(asking))
    put(lake, [view(3, "/new")], 2)
    after = asking.report(question(asking))
    assert len(after.rows) == len(before.rows) + 1


def test_a_report_of_an_older_state_is_not_remembered(
    asking: LakeAsking, lake: Lake
) -> None:
    older = asking.reading.sources()
    report = asking.report(question(asking))
    put(lake, [view(3, "/new")], 2)
    newest = asking.report(question(asking))
    asking.cache.keep(older, [report])
    assert asking.report(question(asking)) is newest


def test_what_is_remembered_is_bounded(
    asking: LakeAsking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_cache, "MAX_REPORTS", 2)
    monkeypatch.setattr(report_cache, "MAX_ROWS", 1)
    long = asking.report(question(asking))
    assert asking.report(question(asking)) is not long
    short = [question(asking, 1), *(question(asking, limit) for limit in (2, 3))]
    first = asking.report(short[0])
    assert asking.report(short[0]) is first
    monkeypatch.setattr(report_cache, "MAX_ROWS", 100)
    asking.reports(short[1:])
    assert asking.report(short[0]) is not first
