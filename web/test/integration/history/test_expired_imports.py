"""What retention has taken of imports: left out from the start, and to be repeated."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis import Redis

from page_tracker.history.expired_imports import note_expiry
from page_tracker.settings import Settings
from page_tracker.sites.site import Site
from page_tracker.store.sites import Sites
from page_tracker.upkeep.lake_upkeep import Upkeep
from page_tracker.wiring.store import open_registry
from page_tracker.wiring.upkeep import open_upkeep
from support.importing import BEGINNING, History, line, write
from support.lake import dropped, paths
from support.processes import wait_until

FIRST = int(BEGINNING.timestamp()) // 86_400
DAY = 24 * 60


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three days, with as many page views each as they have come after the first."""
    lines = [
        line(f"/{day}", day * DAY + view)
        for day in (0, 1, 2)
        for view in range(day + 1)
    ]
    return write(tmp_path / "access.log", lines)


def keeping(history: History, from_day: int | None) -> None:
    """Have the site keep its hits from a day on, counted from the log's first."""
    today = int(time.time()) // 86_400
    days = None if from_day is None else today - FIRST - from_day
    history.site = replace(history.site, retention_days=days)


def wait_for_another_second() -> None:
    """When an import began is told in seconds."""
    now = int(time.time())
    wait_until(lambda: int(time.time()) > now)


def keep_up(history: History) -> None:
    """A pass of upkeep, with what goes before it."""
    wait_for_another_second()
    note_expiry(history.imports.register, [history.site], time.time())
    Upkeep(history.lake).tidy(time.time(), [history.site])


def test_lines_that_are_older_than_what_the_site_keeps_are_left_out(
    history: History, log: Path
) -> None:
    keeping(history, 1)
    tally = history.run(log).tally
    keep_up(history)

    assert (tally.pageviews, dict(tally.left_out)) == (5, {"expired": 1})
    assert history.paths() == ["/1", "/1", "/2", "/2", "/2"]


def test_what_was_left_out_for_its_age_is_imported_when_the_site_keeps_more(
    history: History, log: Path
) -> None:
    keeping(history, 3)
    tally = history.run(log).tally
    assert (tally.pageviews, dict(tally.left_out)) == (0, {"expired": 6})
    assert dict(history.run(log).tally.left_out) == {"known": 6}
    keeping(history, None)

    assert history.run(log).tally.pageviews == 6
    assert len(history.paths()) == history.live.total(history.site.id) == 6
    assert dict(history.run(log).tally.left_out) == {"known": 6}


def test_an_import_is_repeated_after_retention_took_all_of_it(
    history: History, log: Path
) -> None:
    history.run(log)
    keeping(history, 3)
    keep_up(history)
    assert not paths(history.lake)
    assert dict(history.run(log).tally.left_out) == {"known": 6}
    keeping(history, 0)

    assert history.run(log).tally.pageviews == 6
    assert len(history.paths()) == history.live.total(history.site.id) == 6
    present = history.imports.register.present(history.site.id)
    assert [each.id for each in present] == ["2"]
    assert dict(history.run(log).tally.left_out) == {"known": 6}


def test_upkeep_notes_what_it_takes(
    history: History, log: Path, redis_url: str, redis_client: Redis
) -> None:
    history.run(log)
    keeping(history, 3)
    settings = Settings(data=history.folder, redis_url=redis_url)
    sites = Sites(open_registry(settings, redis_client))
    sites.add(history.site.id, {"retention_days": history.site.retention_days})
    try:
        wait_for_another_second()
        open_upkeep(settings, history.lake, print)()
    finally:
        sites.remove(history.site.id)
    keeping(history, None)

    assert not paths(history.lake)
    assert history.run(log).tally.pageviews == 6


def test_what_retention_took_a_second_time_is_repeated_a_second_time(
    history: History, log: Path
) -> None:
    for _ in range(2):
        keeping(history, None)
        assert history.run(log).tally.pageviews == 6
        keeping(history, 3)
        keep_up(history)
        assert not paths(history.lake)


def test_of_an_import_that_went_in_part_it_is_said_how_to_have_it_again(
    history: History, log: Path
) -> None:
    history.run(log)
    keeping(history, 1)
    keep_up(history)
    keeping(history, None)
    tally = history.run(log).tally

    assert dict(tally.left_out) == {"known": 6}
    assert ["--undo 1, then import again" in note for note in tally.notes] == [True]
    history.undo("1")
    assert history.run(log).tally.pageviews == 6
    assert len(history.paths()) == 6


def test_what_others_continue_is_not_repeated_without_them(
    history: History, log: Path, tmp_path: Path
) -> None:
    history.run(
        write(tmp_path / "short.log", [log.read_text().partition("\n")[0], "\n"])
    )
    history.run(log)
    keeping(history, 1)
    keep_up(history)
    keeping(history, None)
    tally = history.run(log).tally

    assert dict(tally.left_out) == {"known": 6}
    assert len(tally.notes) == 1
    assert len(history.paths()) == 5


def test_hits_that_a_person_has_deleted_do_not_come_back(
    history: History, log: Path
) -> None:
    history.run(log)
    history.imports.register.note_left({"1": 5})
    keeping(history, 3)
    keep_up(history)
    keeping(history, None)

    assert dict(history.run(log).tally.left_out) == {"known": 6}


def test_drops_that_retention_took_are_not_taken_back(
    tmp_path: Path, redis_client: Redis
) -> None:
    history = History(tmp_path / "data", redis_client, Site(id="semicomplete.com"))
    bots = [line("/", 0).replace("X11", "Googlebot/2.1"), line("/", 2 * DAY)]
    history.run(log := write(tmp_path / "access.log", bots))
    keeping(history, 1)
    keep_up(history)
    keeping(history, None)
    history.undo("1")
    assert dropped(history.lake) == 0

    history.run(log)
    assert dropped(history.lake) == 1
