"""What takes an engine is due once, and again when its day is touched."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from page_tracker.days import date_of
from page_tracker.lake.data_files import files_of
from page_tracker.lake.table import Lake, append, position, touching
from page_tracker.lake.vacuum import clean_up
from page_tracker.schema import HITS
from page_tracker.sites.site import Site
from page_tracker.upkeep.due_work import CHECK_ALL_EVERY, Due
from page_tracker.upkeep.lake_upkeep import Upkeep
from support.hits import row
from support.lake import ask

DAY = 20_700
NOW = (DAY + 1) * 86_400.0
LATE = NOW + 86_400 / 2 + 600
FORGETFUL = Site(id="example.com", retention_days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"), grace=timedelta(minutes=5))
    add(lake, [row("/a", DAY), row("/b", DAY + 1)])
    return lake


def add(lake: Lake, rows: Sequence[tuple[Any, ...]]) -> None:
    hits = lake.snapshot("hits")
    append(hits, HITS, rows, "stream:1:0", position(hits, "stream:1:0") + 1)


def seen_to(lake: Lake, due: Due, now: float, sites: Sequence[Site] = ()) -> bool:
    """Look, and see to what is due; whether anything was."""
    if is_due := due.look(now, sites):
        Upkeep(lake).tidy(now, sites)
        due.done()
    return is_due


def test_a_day_is_due_once_when_it_is_over(lake: Lake) -> None:
    due = Due(lake)

    assert [seen_to(lake, due, now) for now in (NOW, LATE, LATE + 60)] == [
        False,
        True,
        False,
    ]


def test_what_an_open_day_gets_and_merges_are_nothing_that_is_due(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE)

    for number in range(20):
        add(lake, [row(f"/{number}", DAY + 1)])
    Upkeep(lake).trim()

    assert len(lake.snapshot("hits").file_uris()) < 20
    assert not due.look(LATE + 60, ())


def test_a_minute_of_commits_of_many_shards_is_nothing_that_is_due(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE)

    hits = lake.snapshot("hits")
    for _ in range(5 * 60):
        hits.create_write_transaction(
            [], "append", hits.schema(), commit_properties=touching(hits, [])
        )
        hits.update_incremental()

    assert not due.look(LATE + 60, ())


def test_files_that_are_let_go_are_nothing_that_is_due(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), grace=timedelta(0))
    lake.snapshot("hits").alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 1 days"}
    )
    due = Due(lake)
    add(lake, [row("/a", DAY)])
    while seen_to(lake, due, LATE):
        pass

    for path in ("/b", "/c"):
        add(lake, [row(path, DAY + 1)])
    hits = lake.snapshot("hits")
    before = hits.file_uris()
    hits.optimize.compact(commit_properties=touching(hits, []))
    clean_up(lake, "hits")

    assert not any(Path(file).exists() for file in before)
    assert not due.look(LATE + 60, ())


def test_a_closed_day_that_is_touched_is_due_again(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE)

    add(lake, [row("/late", DAY)])

    assert seen_to(lake, due, LATE + 60) and not seen_to(lake, due, LATE + 120)


def test_a_closed_day_that_loses_all_its_hits_is_due_and_its_table_goes(
    lake: Lake,
) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE)
    assert files_of(lake.snapshot("days"))

    hits = lake.snapshot("hits")
    hits.delete(f"day = DATE '{date_of(DAY)}'", commit_properties=touching(hits, [DAY]))

    assert seen_to(lake, due, LATE + 60) and not seen_to(lake, due, LATE + 120)
    assert not files_of(lake.snapshot("days"))


def test_a_day_that_was_touched_while_it_was_seen_to_is_due_again(lake: Lake) -> None:
    due = Due(lake)
    due.look(LATE, ())
    Upkeep(lake).tidy(LATE)
    add(lake, [row("/late", DAY)])
    due.done()

    assert due.look(LATE + 60, ())


def test_hits_are_let_go_when_a_site_is_told_to_and_each_day(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, NOW + 86_400)

    told = [
        seen_to(lake, due, NOW + seconds, [FORGETFUL])
        for seconds in (86_500, 86_560, 86_620)
    ]

    assert told == [True, False, False]
    assert ask(lake, "SELECT path FROM hits") == [("/b",)]
    assert due.look(NOW + 2 * 86_400, [FORGETFUL])


def test_all_is_seen_to_again_after_a_while(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE)

    assert not due.look(LATE + CHECK_ALL_EVERY - 1, ()) and due.look(
        LATE + CHECK_ALL_EVERY, ()
    )


def test_all_is_seen_to_again_where_the_clock_was_set_back(lake: Lake) -> None:
    due = Due(lake)
    seen_to(lake, due, LATE + CHECK_ALL_EVERY)

    assert due.look(LATE, ())
