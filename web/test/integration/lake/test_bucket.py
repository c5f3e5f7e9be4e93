"""A lake in a bucket: refused where it could not be right, else as one in a folder."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from redis import Redis

from page_tracker.cli import main
from page_tracker.days import day_number
from page_tracker.lake.bucket import Bucket
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.copies import Copies
from page_tracker.lake.copies_upkeep import TABLES, fetch_ahead, tidy_copies
from page_tracker.lake.damage import damages
from page_tracker.lake.data_files import files_of
from page_tracker.lake.kept_sums import KeptSums
from page_tracker.lake.table import Lake, append, touching
from page_tracker.lake.vacuum import clean_at_once, clean_up
from page_tracker.query.engine import Engine
from page_tracker.query.lake_asking import LakeAsking
from page_tracker.query.plan import Days
from page_tracker.query.snapshot import Reading
from page_tracker.schema import DROPS
from page_tracker.sites.site import Site
from page_tracker.upkeep.day_tables import close
from page_tracker.upkeep.lake_upkeep import Upkeep
from support.asked import put, view
from support.hits import SITE, send
from support.lake import paths
from support.meddling import meddling
from support.own_bucket import OwnBucket, environment_of, lake_in

NOW = 1_772_500_000.0  # 2026-03-03
DAYS = [date(2026, 3, day) for day in (1, 2)]
BODIES = (
    {"metrics": ["visitors", "bounce_rate"], "dimensions": ["event:page"]},
    {"metrics": ["pageviews"], "dimensions": ["time:day"]},
    {
        "metrics": ["visitors", "visits"],
        "dimensions": ["visit:exit_page"],
        "filters": [["contains", "event:page", ["1", "secret"]]],
    },
)


@pytest.fixture
def bucket(bucket_store: OwnBucket) -> Bucket:
    return bucket_store.bucket()


@pytest.fixture(scope="module")
def filled(bucket_store: OwnBucket, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    """A bucket with hits, for who does not change them."""
    bucket = bucket_store.bucket()
    fill(lake_in(bucket, tmp_path_factory.mktemp("cache")))
    return bucket


@pytest.fixture
def lake(bucket: Bucket, tmp_path: Path) -> Lake:
    return lake_in(bucket, tmp_path / "cache")


def fill(lake: Lake) -> None:
    """Some hits of two days that are closed, and of one that is not."""
    put(lake, [view(1, day=DAYS[0]), view(2, "/secret", DAYS[1])], 1)
    close(lake, [*map(day_number, DAYS)])
    put(lake, [view(3, "/1", date(2026, 3, 3))], 2)
    dropped = (day_number(DAYS[0]), "a.org", "bot", "a bot", 7, "2026-03")
    append(lake.snapshot("drops"), DROPS, [dropped], "tests", 1)


def asking(lake: Lake) -> LakeAsking:
    """Asks as a process does that has just started on one machine."""
    kept = KeptSums(lake)
    engine = Engine(threads=1, kept=kept, worth_keeping=0, fetch=lake.fetch_named)
    return LakeAsking(Reading(lake), engine)


def answers(asked: LakeAsking) -> list[object]:
    about = {"site_id": "a.org", "date_range": ["2026-03-01", "2026-03-03"]}
    site = Site(id="a.org")
    queries = [asked.understand(about | body, site, NOW) for body in BODIES]
    return [report.rows for report in asked.reports(queries)]


def of_days(asked: LakeAsking) -> object:
    return asked.days("a.org")


def of_properties(asked: LakeAsking) -> object:
    return asked.property_keys("a.org", Days(DAYS[0], DAYS[1]))


def of_drops(asked: LakeAsking) -> object:
    return asked.left_out("a.org", Days(DAYS[0], DAYS[1]))


def copied(folder: Path, text: str) -> list[Path]:
    """The copies, and the sums made of them, that have a text."""
    return [
        path
        for path in folder.rglob("*.parquet")
        if text in str(duckdb.read_parquet(str(path)).fetchall())
    ]


# What is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PAGE_TRACKER_LAKE", "s3://elsewhere/lake", "correct PAGE_TRACKER_LAKE"),
        ("AWS_SECRET_ACCESS_KEY", "another", "correct AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "", "set AWS_ACCESS_KEY_ID and"),
        ("AWS_ALLOW_HTTP", "", "set AWS_ALLOW_HTTP=true"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "or correct AWS_ENDPOINT_URL"),
    ],
)
def test_what_is_set_wrongly_is_said_in_one_line(
    bucket_store: OwnBucket, tmp_path: Path, variable: str, value: str, said: str
) -> None:
    environment = {**environment_of(bucket_store.bucket()), variable: value}

    told = CliRunner().invoke(
        main, ["writer", "--once", "--data", str(tmp_path / "data")], env=environment
    )

    assert told.exit_code
    assert said in told.stderr
    assert told.stderr.count("\n") == 1


def test_a_store_that_ignores_conditional_puts_is_refused(
    bucket_store: OwnBucket, tmp_path: Path
) -> None:
    """Rclone's answers just so: it overwrites, and says that it has stored."""

    def stored_again(_method: str, _path: str, status: int) -> int:
        return 200 if status == 412 else status

    with meddling(bucket_store.url, stored_again) as url:
        environment = environment_of(bucket_store.bucket(url))
        data = str(tmp_path / "data")
        told = CliRunner().invoke(main, ["writer", "--data", data], env=environment)

    assert told.exit_code
    assert "ignores conditional puts" in told.stderr


def test_no_other_thread_waits_while_a_bucket_is_asked_whether_a_table_is_there(
    bucket_store: OwnBucket, tmp_path: Path
) -> None:
    """The store is answered for by a thread of this very process."""
    with meddling(bucket_store.url, lambda _method, _path, status: status) as url:
        lake = lake_in(bucket_store.bucket(url), tmp_path)

        assert not lake.has("hits")
        lake.snapshot("hits")
        assert lake.has("hits") and not lake.has("")


# What is asked --------------------------------------------------------------------


def test_questions_are_answered_as_of_a_folder(filled: Bucket, tmp_path: Path) -> None:
    folder, lake = Lake(str(tmp_path / "lake")), lake_in(filled, tmp_path / "cache")
    fill(folder)

    assert answers(asking(lake)) == answers(asking(folder))
    for ask in (of_days, of_properties, of_drops):
        assert ask(asking(lake)) == ask(asking(folder))


def test_only_files_that_a_question_reads_are_copied(
    filled: Bucket, tmp_path: Path
) -> None:
    about = {"site_id": "a.org", "date_range": "all", "metrics": ["pageviews"]}
    asked = asking(lake_in(filled, tmp_path / "cache"))

    asked.report(asked.understand(about, Site(id="a.org"), NOW))

    hits = tmp_path / "cache" / "files" / "hits"
    assert copied(hits, "/1")
    assert not copied(hits, "/secret")


def test_a_copy_that_went_is_fetched_again(filled: Bucket, tmp_path: Path) -> None:
    asked = asking(lake_in(filled, tmp_path / "cache"))
    before = asked.days("a.org")
    for path in (tmp_path / "cache").rglob("*.parquet"):
        path.unlink()

    assert asked.days("a.org") == before


def test_what_has_room_is_copied_before_it_is_asked_for(
    filled: Bucket, tmp_path: Path
) -> None:
    lake = lake_in(filled, tmp_path)
    files = {name: lake.snapshot(name).file_uris() for name in TABLES}
    closed = [path for name in OF_CLOSED_DAYS for path in files[name]]
    sizes = filled.sizes()
    newest = max(files_of(lake.snapshot("hits")), key=lambda file: file.last)
    room = sum(sizes[filled.name_of(path)] for path in closed)
    copies = Copies(filled, tmp_path, room + newest.size)

    fetch_ahead(lake, copies)

    there = {str(path) for path in tmp_path.rglob("*.parquet")}
    assert there == set(map(copies.path, [*closed, newest.path]))


def test_of_copies_beyond_the_bound_those_read_longest_ago_go(
    bucket: Bucket, tmp_path: Path
) -> None:
    names = ["hits/a", "hits/b", "hits/c"]
    for name in names:
        bucket.put_new(name, bytes(10))
    copies = Copies(bucket, tmp_path, most=20)
    a, b, c = (copies.path(f"{bucket.uri}/{name}") for name in names)
    copies.fetch([a, b])
    for path, age in ((a, 1000), (b, 2000)):
        os.utime(path, (0, Path(path).stat().st_mtime - age))

    copies.fetch([c])

    assert [Path(path).exists() for path in (a, b, c)] == [True, False, True]


# What is deleted ------------------------------------------------------------------


def test_of_a_deleted_page_no_machine_keeps_a_copy(
    bucket: Bucket, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    one, two = (lake_in(bucket, each, timedelta(0)) for each in folders)
    fill(one)
    machines = [asking(one), asking(two)]
    for machine in machines:
        answers(machine)
    assert all(copied(folder, "secret") for folder in folders)

    with one.alone("hits") as hits:
        said = touching(hits, [*map(day_number, DAYS)])
        hits.delete("visitor = 2", commit_properties=said)
    close(one, [*map(day_number, DAYS)])
    for name in ("hits", *OF_CLOSED_DAYS):
        clean_at_once(one, name)
    for machine in machines:
        answers(machine)

    assert not any(copied(folder, "secret") for folder in folders)
    assert not [name for name in bucket.sizes() if b"secret" in bucket.read(name)]


def test_copies_go_though_nobody_asks(bucket: Bucket, tmp_path: Path) -> None:
    lake = lake_in(bucket, tmp_path, timedelta(0))
    put(lake, [view(1, "/secret")], 1)
    asking(lake).days("a.org")
    assert copied(tmp_path, "secret")
    with lake.using("hits") as hits:
        hits.delete("visitor = 1")

    tidy_copies(lake)

    assert not copied(tmp_path, "secret")


def test_copies_stay_for_those_who_may_still_read_them(
    lake: Lake, tmp_path: Path
) -> None:
    fill(lake)
    answers(asking(lake))
    with lake.using("hits") as hits:
        hits.delete("visitor = 2")

    answers(asking(lake))

    assert copied(tmp_path / "cache", "secret")


# What is written ------------------------------------------------------------------


def test_upkeep_leaves_what_the_lake_has(lake: Lake) -> None:
    for number in range(1, 18):  # enough small files to be merged
        put(lake, [view(number, f"/{number}", DAYS[0])], number)
    before = paths(lake)

    Upkeep(lake, quiet=0).tidy(NOW)

    assert paths(lake) == before
    assert len(lake.snapshot("hits").file_uris()) == 1
    assert Reading(lake).sources(DAYS).closed == {DAYS[0]}


def test_marks_of_many_days_are_read_from_the_log_at_once(lake: Lake) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(20)]
    put(lake, [view(n, day=day) for n, day in enumerate(days, start=1)], 1)
    close(lake, [*map(day_number, days)])
    assert Reading(lake).sources(days).closed == set(days)

    clean_up(lake, "hits")

    assert Reading(lake).sources(days).closed == set(days)


def test_a_file_that_is_missing_is_told(lake: Lake, bucket: Bucket) -> None:
    fill(lake)
    assert not list(damages(lake))
    lost = lake.snapshot("hits").file_uris()[0]

    bucket.delete(bucket.name_of(lost))

    said = f"{lost} is missing: with it 1 row"
    assert [each.startswith(said) for each in damages(lake)] == [True]


# The commands ---------------------------------------------------------------------


def test_commands_write_and_ask_as_of_a_folder(
    bucket: Bucket, redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    redis_client.flushall()
    environment = {
        **environment_of(bucket),
        "REDIS_URL": redis_url,
        "PAGE_TRACKER_DATA": str(tmp_path / "data"),
    }

    def said(*words: str) -> str:
        return CliRunner().invoke(main, words, env=environment).output

    said("site", "add", SITE.id)
    send(redis_client, "/a", "/b")
    said("writer", "--once")
    said("upkeep")
    answer = said("query", SITE.id, "--metrics", "pageviews", "--period=all", "--json")

    assert json.loads(answer)["results"][0]["metrics"] == [2]
    assert (tmp_path / "data" / "cache" / "files" / "hits").is_dir()
    assert not (tmp_path / "data" / "lake").exists()
    assert "lake's files: all are there, whole" in said("doctor")
