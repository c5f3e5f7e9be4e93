"""Loading look-ups from real files, packaged and updated."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from redis import Redis

from page_tracker.hits.hit import Drop, Place, RawHit
from page_tracker.lookups.load import BOTS, COUNTRY, PACKAGED, SPAM, load
from page_tracker.lookups.reload import FreshLookups
from page_tracker.settings import Settings
from support.collecting import BROWSER, SITE, collecting, sites_of


def write_places(path: Path, records: dict[str, dict[str, Any]], version: int) -> None:
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))


@pytest.mark.parametrize(
    "address, country",
    [
        ("8.8.8.8", "US"),
        ("::ffff:8.8.8.8", "US"),
        ("193.0.6.139", "NL"),
        ("2001:67c:2e8::1", "NL"),
        ("192.168.1.1", ""),
        ("fe80::1%eth0", ""),
        ("no address", ""),
        ("", ""),
    ],
)
def test_packaged_data_knows_countries(address: str, country: str) -> None:
    assert load().place_of(address) == Place(country)


def test_updated_data_in_the_folder_wins(tmp_path: Path) -> None:
    write_places(tmp_path / COUNTRY, {"8.8.8.0/24": {"country_code": "AQ"}}, 6)
    (tmp_path / BOTS).write_text(json.dumps(["^penguin"]))
    (tmp_path / SPAM).write_text("spam.test\n")
    lookups = load(tmp_path)
    assert lookups.place_of("8.8.8.8") == Place("AQ")
    assert lookups.bot_of("Penguin/1.0") is not None
    assert lookups.bot_of("some-unheard-of-crawler/0.1") is None
    assert lookups.is_spam("www.spam.test")
    assert not lookups.is_spam("semalt.com")


@pytest.mark.parametrize("version", [4, 6])
def test_a_city_database_gives_region_and_city(tmp_path: Path, version: int) -> None:
    record = {
        "country": {"iso_code": "DE"},
        "subdivisions": [{"iso_code": "BE"}],
        "city": {"names": {"en": "Berlin"}},
    }
    write_places(tmp_path / COUNTRY, {"203.0.113.0/24": record}, version)
    place_of = load(tmp_path).place_of
    assert place_of("203.0.113.9") == Place("DE", "DE-BE", "Berlin")
    assert place_of("2001:db8::1") == Place()


@pytest.mark.parametrize("name", [COUNTRY, BOTS, SPAM])
def test_a_damaged_file_is_told_of_and_what_is_packaged_used(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / name).write_bytes(b"\x00 rubbish \xff")
    with caplog.at_level(logging.ERROR):
        lookups = load(tmp_path)
    assert str(tmp_path / name) in caplog.text
    assert "page-tracker update" in caplog.text
    assert lookups.place_of("8.8.8.8") == Place("US")
    assert lookups.bot_of("curl/8.1") is not None
    assert lookups.is_spam("semalt.com")


def test_an_update_is_used_without_a_restart(tmp_path: Path) -> None:
    lookups = FreshLookups(tmp_path)
    before = lookups.now
    lookups.look()
    assert lookups.now is before and not before.is_spam("spam.test")

    (tmp_path / SPAM).write_text("spam.test\n")
    lookups.look()
    assert lookups.now.is_spam("spam.test")

    (tmp_path / SPAM).unlink()
    lookups.look()
    assert not lookups.now.is_spam("spam.test")


def test_a_collector_judges_by_an_update_that_comes_meanwhile(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("page_tracker.collect.batched.LOOK_AT_LOOKUPS", 0.05)
    settings = Settings(data=tmp_path, redis_url=redis_url)
    folder = tmp_path / "lookups"
    patterns = [*json.loads((PACKAGED / BOTS).read_bytes()), r"Chrome/131\.0\.0\.0"]
    view = RawHit(site=SITE, url=f"https://{SITE}/")

    async def collect() -> list[list[Drop]]:
        async with collecting(settings) as collector:
            first = await collector.collect([view], BROWSER)
            folder.mkdir()
            (folder / ".bots.json.new").write_text(json.dumps(patterns))
            (folder / ".bots.json.new").replace(folder / BOTS)
            drops: list[Drop] = []
            while not drops:
                await asyncio.sleep(0.1)
                drops = await collector.collect([view], BROWSER)
            return [first, drops]

    with Redis.from_url(redis_url) as client:
        client.flushall()
        sites_of(client, tmp_path).add(SITE, {})
        first, drops = asyncio.run(collect())

    assert first == []
    assert [drop.reason for drop in drops] == ["bot"]


def test_they_are_loaded_once_while_their_files_are_the_same(tmp_path: Path) -> None:
    packaged = load(tmp_path)
    assert load(tmp_path / "none") is load() is packaged
    spam = tmp_path / SPAM
    spam.write_text("spam.test\n")
    updated = load(tmp_path)
    assert updated.is_spam("spam.test") and load(tmp_path) is updated
    spam.write_text("other.test\n")
    assert not load(tmp_path).is_spam("spam.test")
