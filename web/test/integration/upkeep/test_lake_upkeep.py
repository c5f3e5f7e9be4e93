"""Upkeep on real tables: smaller, in order, and still the same rows."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable

from page_tracker.days import date_of
from page_tracker.lake.table import Lake, append, position
from page_tracker.query.snapshot import Reading
from page_tracker.schema import HITS
from page_tracker.sites.site import Site
from page_tracker.upkeep.lake_upkeep import Upkeep
from support.hits import row
from support.lake import NewLake, ask, files_in, paths

DAY = 20_700
NOW = (DAY + 1) * 86_400.0


@pytest.fixture
def lake(new_lake: NewLake, tmp_path: Path) -> Lake:
    """A lake that keeps what it no longer needs for no time at all."""
    return new_lake(tmp_path / "lake", timedelta(0))


def add(lake: Lake, rows: Sequence[tuple[Any, ...]]) -> None:
    hits = lake.snapshot("hits")
    append(hits, HITS, rows, "stream:1:0", position(hits, "stream:1:0") + 1)


def test_many_commits_become_few_files_with_the_same_rows(lake: Lake) -> None:
    for number in range(40):
        add(lake, [row(f"/{number:02}", DAY, visit=number)])
    upkeep = Upkeep(lake)

    upkeep.tidy(NOW)
    upkeep.tidy(NOW)

    assert paths(lake) == [f"/{number:02}" for number in range(40)]
    assert position(lake.snapshot("hits"), "stream:1:0") == 40
    assert len(files_in(lake)) < 24  # of five tables, logs and locks included


def test_a_settled_day_is_sorted_and_is_settled_once(lake: Lake) -> None:
    add(lake, [row("/b", DAY, visit=2), row("/z", DAY, visit=1, site="z.example")])
    add(lake, [row("/a", DAY, visit=1), row("/later", DAY + 1)])
    late = NOW + 86_400 / 2
    upkeep = Upkeep(lake)

    upkeep.tidy(late)
    version = lake.snapshot("hits").version()
    upkeep.tidy(late)
    Upkeep(lake).tidy(late)

    assert ask(lake, "SELECT path FROM hits WHERE day < DATE '2026-09-05'") == [
        ("/a",),
        ("/b",),
        ("/z",),
    ]
    assert paths(lake) == ["/a", "/b", "/later", "/z"]
    assert lake.snapshot("hits").version() <= version + 2


def test_a_file_is_there_for_as_long_as_a_reader_may_need_it(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), grace=timedelta(minutes=5))
    for number in range(20):
        add(lake, [row(f"/{number}", DAY)])
    before = lake.snapshot("hits").file_uris()

    Upkeep(lake).tidy(NOW)

    assert len(lake.snapshot("hits").file_uris()) == 1
    assert all(Path(file).exists() for file in before)


@pytest.mark.in_a_bucket_too
def test_a_site_keeps_its_hits_for_as_long_as_it_says(lake: Lake) -> None:
    for day in (DAY - 2, DAY - 1, DAY):
        add(lake, [row(f"/{day}", day), row(f"/o'{day}", day, site="o'ther.example")])

    Upkeep(lake).tidy(NOW - 3600, [Site(id="example.com", retention_days=1)])

    assert ask(lake, "SELECT path FROM hits WHERE site = 'example.com' ORDER BY 1") == [
        (f"/{DAY - 1}",),
        (f"/{DAY}",),
    ]
    assert ask(lake, "SELECT count(*) FROM hits WHERE site <> 'example.com'") == [(3,)]


class Watched(Lake, frozen=True):
    """A lake that is looked at whenever something begins with it."""

    def snapshot(self, name: str) -> DeltaTable:
        lake = Lake(self.uri, self.copies)
        found = ask(lake, "SELECT site, count(*) FROM hits WHERE view > 0 GROUP BY ALL")
        if Reading(lake).sources([date_of(DAY)]).closed:
            assert sorted(tabled(lake)) == sorted(found)
        return super().snapshot(name)


def tabled(lake: Lake) -> list[tuple[Any, ...]]:
    """By site the views that the tables of closed days have."""
    with duckdb.connect() as connection:
        connection.read_parquet(lake.paths(lake.snapshot("days"))).create_view("days")
        query = "SELECT site, views FROM days WHERE dimension = ''"
        return connection.sql(query).fetchall()


def test_a_day_table_holds_at_no_moment_what_was_let_go(lake: Lake) -> None:
    add(lake, [row("/a", DAY), row("/b", DAY, visit=2, site="b.example")])
    later, forgetful = NOW + 3 * 86_400, [Site(id="example.com", retention_days=1)]
    Upkeep(lake).tidy(later)
    assert sorted(tabled(lake)) == [("b.example", 1), ("example.com", 1)]

    Upkeep(Watched(lake.uri, lake.copies, lake.grace)).tidy(later, forgetful)

    assert paths(lake) == ["/b"]
    assert tabled(lake) == [("b.example", 1)]
    assert Reading(lake).sources([date_of(DAY)]).closed


def test_what_an_older_version_let_go_goes_from_the_tables_it_did_not_know(
    lake: Lake, tmp_path: Path
) -> None:
    """It has closed the day again, without its visits and their pages."""
    add(lake, [row("/a", DAY)])
    later, unknown = NOW + 3 * 86_400, ("visits", "pages")
    Upkeep(lake).tidy(later)
    for name in unknown:
        copytree(Path(lake.uri, name), tmp_path / name)
    Upkeep(lake).tidy(later, [Site(id="example.com", retention_days=1)])
    for name in unknown:
        rmtree(Path(lake.uri, name))
        copytree(tmp_path / name, Path(lake.uri, name))
    when = date_of(DAY)
    assert len(Reading(lake).sources([when]).visits) == 1
    assert not Reading(lake).sources([when]).visited

    Upkeep(lake).tidy(later)

    assert not any(lake.snapshot(name).file_uris() for name in unknown)


def test_a_writer_goes_on_while_files_are_rewritten(lake: Lake) -> None:
    for number in range(20):
        add(lake, [row(f"/{number}", DAY)])
    hits = lake.snapshot("hits")

    Upkeep(lake).tidy(NOW)
    Upkeep(lake).tidy(NOW)

    if lake.folder:  # its log forgets at once; a bucket's knows what came meanwhile
        with pytest.raises(Exception):
            append(hits, HITS, [row("/again", DAY)], "stream:1:0", 20)
    add(lake, [row("/new", DAY)])
    assert len(paths(lake)) == 21
