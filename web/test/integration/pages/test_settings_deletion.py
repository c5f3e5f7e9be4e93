"""What a site's owner deletes on its page: counted first, and never without a word."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from page_tracker import app as app_module
from page_tracker.days import date_of, utc_day
from page_tracker.history.register import Register
from page_tracker.lake.table import Lake, append
from page_tracker.people.roles import Role
from page_tracker.schema import HITS
from support.hits import row
from support.lake import paths
from support.people import Visitor, signed_in

SITE, OTHER = "a.example", "b.example"
OLD = 20_000  # a day of 2024
SETTINGS = f"/sites/{SITE}/settings/deletion"


@pytest.fixture
def lake(patched: pytest.MonkeyPatch, tmp_path: Path) -> Lake:
    """Three hits of the site on two days long ago, and one of another."""
    assert patched
    lake = Lake(str(tmp_path / "lake"))
    for domain in (SITE, OTHER):
        app_module.sites().add(domain, {})
    rows = [
        row("/a", OLD, 1, SITE),
        row("/b", OLD, 2, SITE),
        row("/a", OLD + 1, 3, SITE),
    ]
    append(lake.snapshot("hits"), HITS, rows, "one", 1)
    append(lake.snapshot("hits"), HITS, [row("/z", OLD, 1, OTHER)], "two", 1)
    lake.snapshot("drops")
    return lake


@pytest.fixture
def ada() -> Visitor:
    return signed_in("ada", Role.OWNER)


def retention() -> int | None:
    return app_module.sites().get(SITE).retention_days


def test_a_retention_that_deletes_says_how_many_of_which_days_and_is_agreed_to(
    ada: Visitor, lake: Lake
) -> None:
    path = f"{SETTINGS}/retention"
    told = ada.post(path, retention_days="30")
    first, last = date_of(OLD), date_of(OLD + 1)
    assert told.status_code == 409 and retention() is None
    assert f"3 hits of {first} to {last} are older than that" in told.text
    assert 'value="30"' in told.text
    for wrong in ("", "2", "4", "three", "-3"):
        refused = ada.post(path, retention_days="30", agreed=wrong)
        assert refused.status_code == 409 and "not their number" in refused.text
        assert retention() is None
    done = ada.post(path, retention_days="30", agreed=" 3 ")
    assert done.status_code == 200 and retention() == 30
    assert "Retention days: all → 30" in done.text
    assert len(paths(lake)) == 4  # upkeep deletes them


def test_a_retention_that_deletes_nothing_is_set_at_once(
    ada: Visitor, lake: Lake
) -> None:
    assert lake
    long = str((date.today() - date_of(OLD) + timedelta(days=2)).days)
    for typed, days in ((long, int(long)), ("all", None)):
        assert (
            ada.post(f"{SETTINGS}/retention", retention_days=typed).status_code == 200
        )
        assert retention() == days
    refused = ada.post(f"{SETTINGS}/retention", retention_days="0")
    assert (
        refused.status_code == 400 and "write 1 to 36500 days, or all" in refused.text
    )


def test_hits_are_counted_then_deleted_once_their_number_is_repeated(
    ada: Visitor, lake: Lake
) -> None:
    where = {"path": "/a", "from": "", "to": f"{date_of(OLD)}"}
    told = ada.get(f"/{SITE}/settings/deletion/hits?path=/a&to={date_of(OLD)}").text
    assert f"1 hit of {SITE}, page /a, to {date_of(OLD)} in the lake would go." in told
    for wrong in ("", "2", "0"):
        refused = ada.post(f"{SETTINGS}/hits", **where, agreed=wrong)
        assert refused.status_code == 409 and "not their number" in refused.text
    assert len(paths(lake)) == 4
    done = ada.post(f"{SETTINGS}/hits", **where, agreed="1")
    assert f"1 hit of {SITE}, page /a, to {date_of(OLD)} went." in done.text
    assert paths(lake) == ["/a", "/b", "/z"]
    none = ada.get(f"/{SITE}/settings/deletion/hits?path=/a&to={date_of(OLD)}").text
    assert "There are no hits of" in none and 'name="agreed" value="0"' in none


@pytest.mark.parametrize(
    ("query", "field", "why"),
    [
        ("path=about", "path", "it begins with /, like /about"),
        ("from=soon", "from", "write it like 2026-01-31"),
        ("from=2026-02-01&to=2026-01-01", "from", "swap them"),
    ],
)
def test_what_is_no_choice_of_hits_is_told_at_its_field(
    ada: Visitor, lake: Lake, query: str, field: str, why: str
) -> None:
    assert lake
    page = ada.get(f"/{SITE}/settings/deletion/hits?{query}")
    assert page.status_code == 400 and why in page.text
    assert f'id="{field}-error"' in page.text


def test_of_today_more_may_have_come_than_were_told(ada: Visitor, lake: Lake) -> None:
    """Nobody can repeat the number of hits of a site that is being looked at."""
    rows = [row("/now", utc_day(time.time()), n, SITE) for n in range(1, 4)]
    append(lake.snapshot("hits"), HITS, rows, "three", 1)
    for wrong in ("2", "7"):
        assert ada.post(f"{SETTINGS}/hits", agreed=wrong).status_code == 409
    done = ada.post(f"{SETTINGS}/hits", agreed="4")
    assert f"6 hits of {SITE} went." in done.text
    assert paths(lake) == ["/z"]


def test_a_site_goes_with_its_hits_once_their_number_is_repeated(
    ada: Visitor, lake: Lake
) -> None:
    told = ada.get(f"/{SITE}/settings/deletion/site").text
    assert f"{SITE} and its 3 hits in the lake would go, for good." in told
    assert ada.post(f"{SETTINGS}/site", agreed="2").status_code == 409
    assert len(app_module.sites().all()) == 2
    gone = ada.post(f"{SETTINGS}/site", agreed="3")
    assert f"{SITE} is gone" in gone.text
    assert [site.id for site in app_module.sites().all()] == [OTHER]
    assert paths(lake) == ["/z"]
    assert ada.get(f"/{SITE}/settings").status_code == 404


def test_nothing_is_deleted_while_an_import_runs(
    ada: Visitor, lake: Lake, tmp_path: Path
) -> None:
    with Register(tmp_path / "imports").locked():
        for what in ("hits", "site"):
            busy = ada.post(f"{SETTINGS}/{what}", agreed="3")
            assert busy.status_code == 409 and "import" in busy.text
    assert len(paths(lake)) == 4 and len(app_module.sites().all()) == 2
