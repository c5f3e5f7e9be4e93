"""Sites and tokens in a real Redis, and their mirror in a real folder."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from page_tracker.errors import (
    AccessError,
    MirrorError,
    SiteExistsError,
    UnknownSiteError,
    UnknownTokenError,
)
from page_tracker.sites.token import Scope
from page_tracker.store import registry as registry_module
from page_tracker.store.registry import SITES_KEY, TOKENS_KEY, Registry
from page_tracker.store.sites import Sites
from page_tracker.store.tokens import Tokens
from support.pace import ANSWER_SECONDS


@pytest.fixture
def redis(redis_client: Redis) -> Iterator[Redis]:
    redis_client.delete(SITES_KEY, TOKENS_KEY)
    yield redis_client
    redis_client.delete(SITES_KEY, TOKENS_KEY)


@pytest.fixture
def registry(redis: Redis, tmp_path: Path) -> Registry:
    return Registry(redis, tmp_path)


@pytest.fixture
def sites(registry: Registry) -> Sites:
    return Sites(registry)


@pytest.fixture
def tokens(registry: Registry) -> Tokens:
    return Tokens(registry)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "LOOK_SECONDS", 0.0)


def nowhere() -> Redis:
    return Redis(port=1, retry=Retry(NoBackoff(), 0))


def test_a_site_is_kept_with_its_settings(sites: Sites) -> None:
    added = sites.add("www.Example.com", {"timezone": "Asia/Tokyo", "max_pages": 7})
    assert sites.get("example.com") == added
    assert added.timezone == "Asia/Tokyo"
    assert abs(added.created - time.time()) < 60


def test_sites_are_listed_by_name(sites: Sites) -> None:
    for domain in ("b.example", "c.example", "a.example"):
        sites.add(domain, {})
    assert [site.id for site in sites.all()] == ["a.example", "b.example", "c.example"]


@pytest.mark.parametrize("domain", ["a.example", "www.A.example", "shop.example"])
def test_a_host_belongs_to_one_site(sites: Sites, domain: str) -> None:
    sites.add("a.example", {"hostnames": "shop.example"})
    with pytest.raises(SiteExistsError, match="a.example (is a site )?already"):
        sites.add(domain, {})
    with pytest.raises(SiteExistsError, match="hostnames"):
        sites.add("b.example", {"hostnames": domain})
    assert len(sites.all()) == 1


def test_a_change_keeps_the_rest_and_may_name_a_further_host(sites: Sites) -> None:
    sites.add("a.example", {"hostnames": "shop.example", "max_pages": 7})
    sites.change("www.shop.example", {"respect_dnt": True}, by="a test")
    site = sites.get("a.example")
    assert (site.respect_dnt, site.max_pages) == (True, 7)


def test_an_unknown_site_is_named(sites: Sites) -> None:
    for ask in (
        sites.get,
        sites.remove,
        lambda domain: sites.change(domain, {}, by=""),
    ):
        with pytest.raises(UnknownSiteError, match="no site 'x.example'"):
            ask("x.example")


def test_a_removed_site_takes_its_tokens_along(sites: Sites, tokens: Tokens) -> None:
    sites.add("a.example", {})
    sites.add("b.example", {})
    alone, text = tokens.add("stats", ["a.example"])
    both, _ = tokens.add("stats", ["a.example", "b.example"])
    every, _ = tokens.add("stats", None)
    sites.remove("a.example")
    assert [site.id for site in sites.all()] == ["b.example"]
    assert {token.id: token.sites for token in tokens.all()} == {
        both.id: ("b.example",),
        every.id: None,
    }
    assert alone.sites == ("a.example",) and tokens.check(text) is None


@pytest.mark.usefixtures("no_waiting")
def test_a_change_elsewhere_is_seen(redis: Redis, tmp_path: Path) -> None:
    here, there = (Sites(Registry(redis, tmp_path)) for _ in range(2))
    assert here.directory().resolve("a.example") is None
    there.add("a.example", {})
    assert here.directory().resolve("a.example") == there.get("a.example")
    there.change("a.example", {"max_pages": 5}, by="a test")
    known = here.directory()
    assert known.by_id["a.example"].max_pages == 5
    assert here.directory() is known
    there.remove("a.example")
    assert here.directory().resolve("a.example") is None


def test_looking_often_asks_redis_once_a_second(sites: Sites, redis: Redis) -> None:
    sites.add("a.example", {})
    sites.directory()
    before = redis.info("commandstats")["cmdstat_hget"]["calls"]
    for _ in range(1000):
        sites.directory()
    assert redis.info("commandstats")["cmdstat_hget"]["calls"] - before <= 2 * 2


@pytest.mark.usefixtures("no_waiting")
def test_the_last_directory_stays_while_redis_is_away(
    sites: Sites, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.add("a.example", {})
    with Redis.from_url(redis_url) as client:
        watching = Sites(Registry(client, tmp_path))
        known = watching.directory()
        monkeypatch.setattr(client, "connection_pool", nowhere().connection_pool)
        assert watching.directory() is known


def test_without_redis_there_is_no_first_directory(tmp_path: Path) -> None:
    with pytest.raises(RedisError):
        Sites(Registry(nowhere(), tmp_path)).directory()


def test_the_mirror_has_every_change(
    sites: Sites, tokens: Tokens, tmp_path: Path
) -> None:
    sites.add("a.example", {})
    sites.change("a.example", {"max_pages": 5}, by="a test")
    token, text = tokens.add("stats", ["a.example"], name="reader")
    mirror = (tmp_path / "mirror.json").read_text()
    said = json.loads(mirror)
    assert [(site["id"], site["max_pages"]) for site in said["sites"]] == [
        ("a.example", 5)
    ]
    assert [(each["id"], each["name"]) for each in said["tokens"]] == [
        (token.id, "reader")
    ]
    assert text not in mirror and text.rpartition("_")[2] not in mirror
    assert (tmp_path / "mirror.json").stat().st_mode & 0o777 == 0o600
    tokens.remove(token.id)
    sites.remove("a.example")
    said = json.loads((tmp_path / "mirror.json").read_text())
    assert (said["sites"], said["tokens"]) == ([], [])


@pytest.mark.usefixtures("no_waiting")
def test_an_emptied_store_starts_from_the_mirror(
    sites: Sites, tokens: Tokens, registry: Registry, redis: Redis
) -> None:
    site = sites.add("a.example", {"timezone": "Asia/Tokyo"})
    token, text = tokens.add("admin", None)
    redis.delete(SITES_KEY, TOKENS_KEY)
    assert registry.synchronise()
    assert sites.all() == [site]
    assert tokens.check(text) == token
    assert not registry.synchronise()


@pytest.mark.usefixtures("no_waiting")
def test_a_store_that_is_emptied_meanwhile_fills_itself(
    sites: Sites, redis: Redis
) -> None:
    site = sites.add("a.example", {})
    assert sites.directory().resolve("a.example") == site
    redis.delete(SITES_KEY)
    assert sites.directory().resolve("a.example") == site
    assert redis.exists(SITES_KEY)


def test_a_change_of_an_emptied_store_does_not_lose_the_others(
    sites: Sites, redis: Redis
) -> None:
    sites.add("a.example", {})
    redis.delete(SITES_KEY)
    sites.add("b.example", {})
    assert [site.id for site in sites.all()] == ["a.example", "b.example"]


@pytest.mark.usefixtures("no_waiting")
def test_tokens_alone_come_back_too(
    tokens: Tokens, registry: Registry, redis: Redis
) -> None:
    token, text = tokens.add("admin", None)
    redis.delete(TOKENS_KEY)
    registry.synchronise()
    assert tokens.check(text) == token


def test_a_store_with_sites_is_never_overwritten(
    sites: Sites, registry: Registry, tmp_path: Path
) -> None:
    sites.add("a.example", {})
    old = (tmp_path / "mirror.json").read_bytes()
    sites.remove("a.example")
    (tmp_path / "mirror.json").write_bytes(old)  # killed before the mirror was written
    assert not registry.synchronise()
    assert sites.all() == []
    assert json.loads((tmp_path / "mirror.json").read_text())["sites"] == []


def test_a_version_that_was_seen_never_comes_back(
    sites: Sites, registry: Registry, redis: Redis
) -> None:
    sites.add("a.example", {})
    seen = registry.sites.version()
    redis.delete(SITES_KEY)
    registry.synchronise()
    restored = registry.sites.version()
    assert seen is not None and restored is not None and restored > seen


def test_a_mirror_that_a_kill_left_behind_catches_up_at_the_next_start(
    sites: Sites, redis: Redis, tmp_path: Path
) -> None:
    sites.add("a.example", {})
    (tmp_path / "mirror.json").write_text('{"format": 1}')
    Sites(Registry(redis, tmp_path)).directory()
    mirrored = json.loads((tmp_path / "mirror.json").read_text())["sites"]
    assert [site["id"] for site in mirrored] == ["a.example"]


def test_a_damaged_mirror_is_set_aside(
    sites: Sites, registry: Registry, redis: Redis, tmp_path: Path
) -> None:
    sites.add("a.example", {})
    (tmp_path / "mirror.json").write_bytes(b'{"format": 1, "sites": [{"i')
    redis.delete(SITES_KEY)
    assert not registry.synchronise()
    aside = next(tmp_path.glob("mirror.damaged-*"))
    assert aside.read_bytes() == b'{"format": 1, "sites": [{"i'
    assert sites.add("b.example", {}).id == "b.example"


def test_a_mirror_of_a_newer_format_is_refused_and_kept(
    sites: Sites, registry: Registry, tmp_path: Path
) -> None:
    newer = '{"format": 2, "sites": "elsewhere"}'
    (tmp_path / "mirror.json").write_text(newer)
    with pytest.raises(MirrorError, match="format 2, and this Page Tracker knows 1"):
        registry.synchronise()
    with pytest.raises(MirrorError):
        sites.add("a.example", {})
    assert (tmp_path / "mirror.json").read_text() == newer


def test_a_mirror_that_cannot_be_written_is_told(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MirrorError, match="cannot be written"):
        Sites(Registry(redis, tmp_path / "file")).add("a.example", {})


def test_threads_that_change_at_once_lose_nothing(sites: Sites, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: sites.add(f"s{n}.example", {}), range(40)))
    assert len(sites.all()) == 40
    assert len(json.loads((tmp_path / "mirror.json").read_text())["sites"]) == 40


ADD_MANY = """
import sys
from pathlib import Path
from redis import Redis
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites

with Redis.from_url(sys.argv[1]) as client:
    sites = Sites(Registry(client, Path(sys.argv[2])))
    for number in range(int(sys.argv[3]), int(sys.argv[3]) + 20):
        sites.add(f"s{number}.example", {})
"""


@pytest.mark.parametrize("same_folder", [True, False])
def test_processes_that_change_at_once_lose_nothing(
    redis: Redis, redis_url: str, tmp_path: Path, same_folder: bool
) -> None:
    """Two machines share no folder and no lock: then the version alone decides."""
    processes = [
        subprocess.Popen(  # pylint: disable=consider-using-with # waited for below
            [
                *(sys.executable, "-c", ADD_MANY, redis_url),
                str(tmp_path if same_folder else tmp_path / str(number)),
                str(20 * number),
            ]
        )
        for number in range(3)
    ]
    assert [process.wait(ANSWER_SECONDS) for process in processes] == [0, 0, 0]
    assert len(Sites(Registry(redis, tmp_path)).all()) == 60


def test_a_token_is_known_by_its_text_alone(sites: Sites, tokens: Tokens) -> None:
    sites.add("a.example", {})
    token, text = tokens.add("admin", ["www.a.example"], name="deploy", days=30)
    assert tokens.check(text) == token
    assert (token.scope, token.sites, token.name) == (
        Scope.ADMIN,
        ("a.example",),
        "deploy",
    )
    assert token.expires == token.created + 30 * 86_400
    for wrong in ("", "pt_", text[:-1], text + "0", text.upper(), f"pt_{token.id}_"):
        assert tokens.check(wrong) is None


@pytest.mark.usefixtures("no_waiting")
def test_a_token_that_is_taken_back_ends(tokens: Tokens) -> None:
    token, text = tokens.add("stats", None)
    assert tokens.check(text)
    tokens.remove(token.id)
    assert tokens.check(text) is None
    with pytest.raises(UnknownTokenError, match="no token"):
        tokens.remove(token.id)


def test_a_token_that_means_nothing_is_refused(sites: Sites, tokens: Tokens) -> None:
    sites.add("a.example", {})
    with pytest.raises(AccessError, match="write stats or events or admin"):
        tokens.add("root", ["a.example"])
    with pytest.raises(UnknownSiteError, match="no site 'b.example'"):
        tokens.add("stats", ["a.example", "b.example"])
    with pytest.raises(AccessError, match="all sites"):
        tokens.add("stats", [])
    with pytest.raises(AccessError, match="one line"):
        tokens.add("stats", None, name="two\nlines")
    with pytest.raises(AccessError, match="time to live"):
        tokens.add("stats", None, days=0)
    assert tokens.all() == []
