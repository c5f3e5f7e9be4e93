"""Questions to ClickHouse over the lake: what DuckDB answers, by the same rules."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from redis import Redis

from page_tracker.cli import main
from page_tracker.days import day_number
from page_tracker.errors import PageTrackerError
from page_tracker.lake.table import PARQUET, Lake, touching
from page_tracker.lake.vacuum import clean_at_once
from page_tracker.query.clickhouse.database import Server
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.lake_state import LakeState
from page_tracker.query.plan import Days
from page_tracker.query.problem import LakeAwayError, NobodyWaitsError
from page_tracker.query.snapshot import Reading
from page_tracker.query.sql import Statement
from page_tracker.settings import Settings
from page_tracker.settings_parsing import parse_clickhouse
from page_tracker.sites.goal import Goal
from page_tracker.sites.site import Site
from page_tracker.store import keys
from page_tracker.store.pass_record import FillRecord
from page_tracker.upkeep.day_tables import close
from page_tracker.wiring.clickhouse import open_kept_filling
from page_tracker.wiring.diagnosing import patient_of_folder
from page_tracker.wiring.lake_asking import open_lake_asking
from page_tracker.wiring.monitoring import open_exposition
from support.asked import further_view, put, view
from support.clickhouse import PASSWORD, USER, database
from support.own_bucket import OwnBucket, environment_of, lake_in

NOW = 1_772_900_000.0  # 2026-03-07
SITE = Site(
    id="a.org", timezone="Europe/Berlin", goals=(Goal(name="Docs", page="/docs/**"),)
)
DAYS = [date(2026, 3, day) for day in range(1, 6)]
ENDLESS = Statement("SELECT sum(number) FROM numbers(1000000000000000)", {})
BODIES: tuple[dict[str, Any], ...] = (
    {"metrics": ["visitors", "visits", "bounce_rate"], "dimensions": ["event:page"]},
    {"metrics": ["pageviews"], "dimensions": ["time:day"]},
    {"metrics": ["visitors", "percentage"], "dimensions": ["visit:country_name"]},
    {
        "metrics": ["visitors", "events"],
        "dimensions": ["time:hour", "event:hostname"],
        "date_range": ["2026-03-02", "2026-03-03"],
        "include": {"comparisons": {"mode": "previous_period"}},
    },
    {
        "metrics": ["visitors"],
        "dimensions": ["event:page", "visit:browser"],
        "include": {"comparisons": {"mode": "previous_period"}, "total_rows": True},
        "pagination": {"limit": 2, "offset": 1},
    },
    {
        "metrics": ["visitors", "conversion_rate"],
        "filters": [["is", "event:goal", ["Docs"]]],
        "dimensions": ["visit:exit_page"],
    },
    {
        "metrics": ["visitors", "visit_duration"],
        "dimensions": ["visit:entry_page"],
        "filters": [["matches", "event:page", ["^/docs/."]]],
    },
    *(
        {
            "metrics": ["visitors", "visits", "pageviews"],
            "dimensions": [dimension],
            "filters": [["is", filtered, [value]]],
        }
        for dimension in ("event:page", "visit:source")
        for filtered, value in (("visit:country", "DE"), ("visit:entry_page", "/"))
    ),
)

# By day tables, hits alone, and visits with their pages: each table is read.
OF_EACH_TABLE = (BODIES[0], BODIES[3], BODIES[7])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of some days, of which all but the last are over."""
    folder = tmp_path_factory.mktemp("filled")
    lake = Lake(str(folder))
    for number, day in enumerate(DAYS):
        rows = [
            view(visitor, f"/docs/{visitor % 3}" if visitor % 2 else "/", day)
            | {"country": ("DE", "FR", "")[visitor % 3], "props": {"a'b": "\\"}}
            for visitor in range(3 + number)
        ]
        rows.append(further_view(0, "/more", day=day) | {"country": "DE"})
        put(lake, rows, number + 1)
    close(lake, [*map(day_number, DAYS[:-1])])
    return folder


@pytest.fixture
def lake(filled: Path, tmp_path: Path) -> Lake:
    """One of a test's own."""
    shutil.copytree(filled, tmp_path / "lake")
    return Lake(str(tmp_path / "lake"), grace=timedelta(0))


def answers(
    asking: LakeAsking, bodies: Sequence[dict[str, Any]] = BODIES
) -> list[object]:
    about = {"site_id": SITE.id, "date_range": ["2026-03-01", "2026-03-05"]}
    queries = [asking.understand(about | body, SITE, NOW) for body in bodies]
    return [
        (report.rows, report.total_rows, report.compared)
        for report in asking.reports(queries)
    ]


def test_answers_of_a_lake_are_those_of_duckdb(
    clickhouse_port: int, lake: Lake
) -> None:
    """With days that are over and others; and when hits came, or went for good."""
    here = LakeAsking(Reading(lake), Engine(threads=1))
    there = LakeAsking(
        Reading(lake), Engine(threads=1), database(clickhouse_port, Path(lake.uri))
    )
    week = Days(DAYS[0], DAYS[-1])

    assert Reading(lake).sources(DAYS).visited == {*DAYS[:-1]}
    assert answers(there) == answers(here)
    assert there.days(SITE.id) == here.days(SITE.id) == week
    assert there.property_keys(SITE.id, week) == here.property_keys(SITE.id, week)

    put(lake, [view(99, "/late", DAYS[1])], len(DAYS) + 1)
    delete(lake, "/docs/1")
    found = answers(there)
    assert found == answers(here)
    assert "/late" in str(found) and "/docs/1" not in str(found)
    assert there.days("nobody.org") is None
    there.require_read()


def test_a_lake_in_a_bucket_is_read_there(
    clickhouse_port: int,
    bucket_store: OwnBucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the address and the key that the settings name, without a copy here."""
    bucket = bucket_store.bucket()
    lake = lake_in(bucket, tmp_path / "of another machine")
    put(lake, [view(1, day=DAYS[0]), view(2, "/docs/1", DAYS[1])], 1)
    close(lake, [day_number(DAYS[0])])
    for name, value in environment_of(bucket).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv(
        "PAGE_TRACKER_REPORTS",
        f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{clickhouse_port}",
    )

    there = open_lake_asking(Settings.from_environment())

    here = Engine(threads=1, fetch=lake.fetch_named)
    expected = answers(LakeAsking(Reading(lake), here), OF_EACH_TABLE)
    assert answers(there, OF_EACH_TABLE) == expected
    assert not list((tmp_path / "data").rglob("*.parquet"))


def test_tables_that_are_filled_have_just_what_the_lake_has(
    clickhouse_port: int, lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Filled again they lose what was deleted; in between, the lake has the rest."""
    at = f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{clickhouse_port}"
    own = f"{at}/own?lake={lake.uri}"
    server = Server(parse_clickhouse(at), 30)
    server.do("CREATE DATABASE own")
    monkeypatch.setenv("PAGE_TRACKER_REPORTS", own)
    monkeypatch.setenv("PAGE_TRACKER_LAKE", lake.uri)
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path))

    def told() -> list[object]:
        """Asked anew: nothing is remembered."""
        asking = open_lake_asking(Settings.from_environment())
        return answers(asking, OF_EACH_TABLE)

    def expected() -> list[object]:
        return answers(LakeAsking(Reading(lake), Engine(threads=1)), OF_EACH_TABLE)

    def paths() -> set[object]:
        return {row for (row,) in server.rows("SELECT path FROM own.page_tracker_hits")}

    state = Reading(lake).sources()
    number = sum(map(len, (state.hits, state.days, state.visits, state.pages)))
    assert f"added {number} files, dropped 0 files" in fill_reports()
    without_lake = database(clickhouse_port, tmp_path / "nowhere", database="own")
    filled = LakeAsking(Reading(lake), Engine(threads=1), without_lake)
    assert answers(filled, OF_EACH_TABLE) == expected()
    assert "/docs/1" in paths()

    put(lake, [view(99, "/late", DAYS[1])], len(DAYS) + 1)
    delete(lake, "/docs/1")
    now = expected()
    assert told() == now
    fill_reports()
    assert told() == now and "/late" in paths() and "/docs/1" not in paths()
    assert "added 0 files, dropped 0 files" in fill_reports()

    server.do("DROP TABLE own.page_tracker_visits")
    assert told() == now


def test_the_doctor_says_whether_the_server_reads_the_lake(
    clickhouse_port: int, lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "format.json").write_text('{"format": 1}')
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PAGE_TRACKER_REDIS_SERVER", "/bin/false")
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path))
    monkeypatch.setenv("PAGE_TRACKER_LAKE", lake.uri)

    def found(at: int) -> str:
        told = f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{at}"
        monkeypatch.setenv("PAGE_TRACKER_REPORTS", told)
        return CliRunner().invoke(main, ["doctor"]).stdout

    assert (
        f"ok       reports: ClickHouse at 127.0.0.1:{clickhouse_port} reads"
        in found(clickhouse_port)
    )
    assert "problem  reports: ClickHouse at 127.0.0.1:1 does not answer" in found(1)


def test_who_watches_is_told_how_far_the_tables_are(
    clickhouse_port: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    redis_client: Redis,
    redis_url: str,
) -> None:
    (tmp_path / "format.json").write_text('{"format": 1}')
    at = f"clickhouse://{USER}:{PASSWORD}@127.0.0.1:{clickhouse_port}"
    Server(parse_clickhouse(at), 30).do("CREATE DATABASE watched")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PAGE_TRACKER_REPORTS", f"{at}/watched")
    settings = Settings.from_environment(data=str(tmp_path))
    away = parse_clickhouse("clickhouse://127.0.0.1:1")
    record = FillRecord(redis_client)

    def told() -> str:
        with patient_of_folder(settings) as patient:
            *_, (_, message, remedy) = patient.reports()
        return f"{message}; {remedy}"

    with pytest.raises(LakeAwayError):
        open_kept_filling(replace(settings, reports=away))()
    assert re.search("^not filled yet: ClickHouse at 127.0.0.1:1 .*; run", told())
    redis_client.hset(keys.state(0), "drained", "7")
    open_kept_filling(settings)()
    redis_client.hset(keys.state(0), "drained", "9")
    assert re.search(r"^filled \d s ago, 2 rows behind the lake; $", told())
    found = open_exposition(settings).collect()
    samples = {each.name: each.value for family in found for each in family.samples}
    assert samples["page_tracker_fill_lake_rows"] == 7
    assert samples["page_tracker_fill_failures_total"] == 1
    record.succeeded(time.time() - 1000, 1)
    assert re.search("^filled 100. s ago, 2 rows behind the lake; run", told())


def fill_reports() -> str:
    ended = CliRunner().invoke(main, ["fill-reports"])
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout


def delete(lake: Lake, path: str) -> None:
    """Delete a page's hits of all days, as a deletion does."""
    with lake.alone("hits") as hits:
        hits.delete(
            f"path = '{path}'",
            writer_properties=PARQUET,
            commit_properties=touching(hits, [*map(day_number, DAYS)]),
        )
    clean_at_once(lake, "hits")


class Known(Reading):
    """Answers with a state that it knows, until that has gone."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake)
        self.known: LakeState | None = super().sources(DAYS)

    def sources(self, days: Any = ()) -> LakeState:
        return self.known or super().sources(days)

    def renew(self) -> None:
        self.known = None
        super().renew()


def test_an_answer_is_of_one_state_and_of_a_newer_one_once_that_has_gone(
    clickhouse_port: int, lake: Lake
) -> None:
    asking = LakeAsking(
        Known(lake), Engine(threads=1), database(clickhouse_port, Path(lake.uri))
    )
    before = answers(LakeAsking(Reading(lake), Engine(threads=1)))
    put(lake, [view(99, "/late", DAYS[-1])], len(DAYS) + 1)

    assert answers(asking) == before

    lake.snapshot("hits").optimize.compact()
    clean_at_once(lake, "hits")
    lake.snapshot("hits").create_checkpoint()
    for commit in sorted(Path(lake.uri, "hits", "_delta_log").glob("*.json"))[:-1]:
        commit.unlink()
    asking.cache = type(asking.cache)()
    after = answers(asking)
    assert after == answers(LakeAsking(Reading(lake), Engine(threads=1)))
    assert after != before


def test_a_question_is_stopped_in_time_and_when_nobody_waits(
    clickhouse_port: int, tmp_path: Path
) -> None:
    quick = database(clickhouse_port, tmp_path, seconds=0.3)
    with pytest.raises(PageTrackerError, match=r"stopped after 0.3 s"):
        with quick.session() as session:
            session.rows(ENDLESS)

    patient, gone = database(clickhouse_port, tmp_path), threading.Event()
    threading.Timer(0.3, gone.set).start()
    budget = patient.budget(lambda: not gone.is_set())
    with pytest.raises(NobodyWaitsError):
        with patient.session(budget) as session:
            session.rows(ENDLESS)
    assert budget.seconds > 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"port": 1}, "127.0.0.1:1 does not answer; start it, or correct PAGE_TRACKER"),
        (
            {"password": "no"},  # nosec B105 # a wrong one
            "not know this user by this password.*; correct PAGE_TR",
        ),
        ({"database": "nope"}, "no such database.*; create it"),
    ],
)
def test_who_cannot_be_asked_is_told_of_in_words(
    clickhouse_port: int, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(LakeAwayError) as raised:
        with database(clickhouse_port, tmp_path, **changes).session() as session:
            session.rows(Statement("SELECT 1", {}))
    assert re.search(told, f"{raised.value.problem}; {raised.value.remedy}")
    assert PASSWORD not in str(raised.value)


def test_a_server_that_does_not_find_the_lake_is_told_of(
    clickhouse_port: int, lake: Lake, tmp_path: Path
) -> None:
    asking = LakeAsking(
        Reading(lake), Engine(), database(clickhouse_port, tmp_path / "elsewhere")
    )

    with pytest.raises(LakeAwayError, match="ClickHouse at 127.0.0.1") as raised:
        asking.days(SITE.id)

    assert "lake= in PAGE_TRACKER_REPORTS" in raised.value.remedy
