"""What `page-tracker doctor` finds, with a real Redis, real folders, a real clock."""

import os
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from page_tracker.cli import main
from page_tracker.collect.spool_file import SpoolFolder
from page_tracker.commands.doctor import shards_as_one
from page_tracker.diagnosis import Finding, Patient, examine, writer
from page_tracker.hits.hit import Drop, Reason
from page_tracker.lake.damage import DAMAGED, damages
from page_tracker.lake.table import Lake, append
from page_tracker.schema import HITS
from page_tracker.store.counters import Live
from page_tracker.store.ingest import submit
from page_tracker.store.pass_record import UpkeepRecord
from page_tracker.store.redis_health import durability_notice
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.stream import Stream
from support.disks import filled, small_disk
from support.hits import batch, hit, row
from support.ingesting import a_batch, a_hit
from support.own_redis import OwnRedis, own_redis


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture
def patient(store: OwnRedis, tmp_path: Path) -> Iterator[Patient]:
    with Redis.from_url(store.url, retry=Retry(NoBackoff(), 0)) as client:
        client.flushall()
        registry = Registry(client, tmp_path)
        Sites(registry).add("a.example", {})
        lake = Lake(str(tmp_path / "lake"))
        yield Patient(
            data=tmp_path,
            lake=lake.folder,
            cache=None,
            damaged=f"{lake.uri}/{DAMAGED}",
            damages=partial(damages, lake),
            redis=client,
            registry=registry,
            live=Live(client),
            streams=[Stream(client)],
            most_in_stream=10,
            spool=SpoolFolder(tmp_path / "spool", most_bytes=1_000_000).state,
            urls=[],
            reports=lambda: iter(()),
        )
        client.config_set("appendfsync", "always")
        client.config_set("maxmemory", 0)


def found(patient: Patient, name: str) -> Finding:
    (finding,) = (each for each in examine(patient) if each.name == name)
    return finding


def test_all_is_well_but_for_the_server_that_does_not_run(patient: Patient) -> None:
    problems = [each.name for each in examine(patient) if each.remedy]
    assert problems == ["web"]


def test_sites_that_hits_come_for_but_that_are_not_there_are_named(
    patient: Patient,
) -> None:
    assert "unknown sites" not in [each.name for each in examine(patient)]
    today = int(time.time() // 86_400)
    drops = [Drop(today, "exmaple.org", Reason.UNKNOWN_SITE)] * 2
    submit(patient.redis, batch([], drops))

    finding = found(patient, "unknown sites")
    assert "exmaple.org (2)" in finding.message
    assert "page-tracker site add DOMAIN, where one is yours" in finding.remedy


def test_what_anybody_can_have_sent_is_shown_cut_and_told_in_no_command(
    patient: Patient,
) -> None:
    today = int(time.time() // 86_400)
    names = ("", "$(reboot)", "x; reboot", "a" * 2_000)
    drops = [Drop(today, name, Reason.UNKNOWN_SITE) for name in names]
    submit(patient.redis, batch([], drops))

    finding = found(patient, "unknown sites")
    assert "(no name) (1)" in finding.message and f" {'a' * 60} (1)" in finding.message
    assert "$(reboot) (1)" in finding.message and "reboot" not in finding.remedy


def test_without_sites_it_says_how_to_add_one(patient: Patient) -> None:
    Sites(patient.registry).remove("a.example")
    assert found(patient, "sites").remedy == "page-tracker site add DOMAIN"


def test_a_redis_that_may_forget_is_a_problem(patient: Patient) -> None:
    patient.redis.config_set("appendfsync", "everysec")
    finding = found(patient, "durability")
    assert "everysec" in finding.message
    assert finding.remedy == "set appendfsync always"


def test_a_redis_without_a_file_is_a_problem(patient: Patient) -> None:
    patient.redis.config_set("appendonly", "no")
    try:
        assert "no append-only file" in str(durability_notice(patient.redis))
        assert found(patient, "durability").remedy
    finally:
        patient.redis.config_set("appendonly", "yes")


def test_a_redis_that_evicts_is_a_problem(patient: Patient) -> None:
    patient.redis.config_set("maxmemory", 10**9)
    patient.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in found(patient, "Redis").remedy
    finally:
        patient.redis.config_set("maxmemory-policy", "noeviction")


def test_a_cache_on_a_full_disk_is_a_problem(patient: Patient, tmp_path: Path) -> None:
    with small_disk(tmp_path / "cache", 1) as disk, filled(disk):
        finding = found(replace(patient, cache=disk), "cache")
    assert "cannot be written (No space left on device)" in finding.message
    assert "make room" in finding.remedy


def test_a_mirror_that_lacks_a_site_is_a_problem(patient: Patient) -> None:
    (patient.data / "mirror.json").write_text('{"format": 1}')
    assert "does not have all" in found(patient, "mirror").message


def test_shards_that_are_well_take_one_line(patient: Patient) -> None:
    streams = [Stream(patient.redis, shard) for shard in range(24)]
    for stream in streams[1:]:
        stream.record.report(int(time.time() * 1000))
    streams[0].record.report(int(time.time() * 1000), "no room in the lake")
    shown = list(shards_as_one(writer(replace(patient, streams=streams))))

    assert [each.name for each in shown] == ["writer 0", "writer"]
    assert shown[0].remedy
    assert shown[1] == Finding("writer", "all is well with 23 shards")


def test_rows_that_nobody_takes_to_the_lake_are_a_problem(patient: Patient) -> None:
    stream = patient.streams[0]
    stream.record.report(int(time.time() * 1000))
    assert not found(patient, "writer").remedy
    stream.record.report(int(time.time() * 1000) - 120_000)
    assert "last at work 12" in found(patient, "writer").message
    stream.record.report(int(time.time() * 1000), "no room in the lake")
    finding = found(patient, "writer")
    assert "no room in the lake" in finding.message and finding.remedy


def test_hits_that_wait_on_disk_or_were_set_aside_are_told(patient: Patient) -> None:
    assert found(patient, "spool") == ("spool", "no hits wait on disk for Redis", "")
    folder = SpoolFolder(patient.data / "spool", most_bytes=1_000_000)
    file = folder.new_file(0)
    file.append(a_batch(0, a_hit()), folder)
    finding = found(patient, "spool")
    assert "0.0 MB of hits wait on disk for Redis, for 0 s" in finding.message
    assert finding.remedy
    aside = file.path.rename(file.path.with_suffix(".aside"))
    file.release()
    messages = [each.message for each in examine(patient) if each.name == "spool"]
    assert messages == [
        "no hits wait on disk for Redis",
        f"{aside} has hits that are not stored",
    ]


def test_old_lookups_are_a_problem(patient: Patient) -> None:
    (patient.data / "lookups").mkdir()
    file = patient.data / "lookups" / "country.mmdb"
    file.write_bytes(b"")
    assert found(patient, "lookups").remedy == ""
    os.utime(file, (0, time.time() - 200 * 86_400))
    finding = found(patient, "lookups")
    assert (finding.message, finding.remedy) == (
        "country.mmdb is 200 days old",
        "page-tracker update",
    )


def test_a_file_of_flags_that_cannot_be_used_is_a_problem(patient: Patient) -> None:
    (patient.data / "flags.json").write_text('{"flags": {}}', "utf-8")
    assert found(patient, "flags").remedy == ""
    (patient.data / "flags.json").write_text('{"flags": {"x": {}}}', "utf-8")
    assert "there is no such flag" in found(patient, "flags").message


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(
    patient: Patient, store: OwnRedis
) -> None:
    store.kill()
    try:
        findings = {each.name: each for each in examine(patient)}
    finally:
        store.start()
    assert "takes no writes" in findings["Redis"].message
    assert {"sites", "writer", "clock", "lookups", "data folder"} <= set(findings)
    assert all(findings[name].remedy for name in ("Redis", "sites", "clock"))


def test_hits_that_wait_for_long_are_a_problem_before_they_are_refused(
    patient: Patient,
) -> None:
    assert found(patient, "stream").message == "no hit waits for long"
    submit(patient.redis, batch([hit("/old", time.time_ns() // 1000 - 120_000_000)]))
    message = found(patient, "stream").message
    assert re.fullmatch(r"a hit has waited 12\d s for the lake", message)
    submit(patient.redis, batch([hit(f"/{number}") for number in range(9)]))
    finding = found(patient, "stream")
    assert finding.message == "10 of at most 10 rows wait"
    assert "soon hits are refused" in finding.remedy


def test_upkeep_that_has_not_succeeded_for_long_is_a_problem_where_a_writer_works(
    patient: Patient,
) -> None:
    record = UpkeepRecord(patient.redis)
    record.succeeded(time.time() - 2 * 3600, 1.5)
    assert not found(patient, "upkeep").remedy
    patient.streams[0].record.report(int(time.time() * 1000))
    assert "page-tracker upkeep" in found(patient, "upkeep").remedy
    record.succeeded(time.time(), 1.5)
    assert not found(patient, "upkeep").remedy


def test_a_lost_file_of_the_lake_is_named_with_its_rows(
    patient: Patient, tmp_path: Path
) -> None:
    assert not found(patient, "lake's files").remedy
    lake = Lake(str(tmp_path / "lake"))
    append(lake.snapshot("hits"), HITS, [row("/a", 20_700)], "x", 1)
    (file,) = lake.snapshot("hits").file_uris()
    Path(file).unlink()

    told = found(patient, "lake's files")

    assert file in told.message and "1 row of 2026-09-04" in told.message
    assert "backup" in told.remedy


def test_the_command_tells_all_else_where_redis_is_away(
    store: OwnRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", store.url)
    monkeypatch.setenv("PAGE_TRACKER_DATA", str(tmp_path))
    store.kill()
    try:
        ended = CliRunner().invoke(main, ["doctor"])
    finally:
        store.start()

    assert ended.exit_code == 1
    assert ended.stderr == ""
    assert "Redis at unix:" in ended.stdout
    assert "problem  sites: cannot be checked without Redis" in ended.stdout
    assert "ok       data folder:" in ended.stdout
    assert "ok       lookups:" in ended.stdout


def test_the_command_tells_why_a_redis_of_the_folder_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    (tmp_path / "format.json").write_text('{"format": 1}')
    monkeypatch.setenv("PAGE_TRACKER_REDIS_SERVER", "/bin/false")

    ended = CliRunner().invoke(main, ["doctor", "--data", str(tmp_path)])

    assert ended.exit_code == 1
    assert "problem  Redis: redis ended with status 1" in ended.stdout
    assert "ok       data folder:" in ended.stdout
