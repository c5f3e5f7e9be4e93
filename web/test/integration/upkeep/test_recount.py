"""Counters that a store has lost or a deletion has changed: as the lake has it."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from page_tracker.hits.hit import Kind
from page_tracker.sites.site import Site
from page_tracker.store.counters import Sums
from page_tracker.store.ingest import submit
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.upkeep.deletion_with_imports import HitsDeletion, SiteDeletion
from page_tracker.upkeep.recount import Recount
from page_tracker.writer.writer import Done, Writer
from support.hits import DAY, batch, hit
from support.importing import AGENT, BEGINNING, History, line, write
from support.lake import paths
from support.own_redis import OwnRedis, own_redis
from support.redis_servers import promote

SITE = "example.com"
NOW = time.time_ns() // 1000
TODAY = NOW // DAY
IMPORTED = int(BEGINNING.timestamp()) // 86_400  # days since 1970
LINES = [line(f"/{number % 3}", number) for number in range(30)]
VIEWS = {"/0": 10, "/1": 10, "/2": 10}


@dataclass
class World:
    """A store, the lake behind it, and what keeps both."""

    server: OwnRedis
    redis: Redis
    history: History
    writer: Writer
    recount: Recount
    sites: Sites
    logs: Path

    @property
    def site(self) -> Site:
        return self.history.site

    def visit(self, *paths: str, ago: int = 0) -> None:
        """Page views of one visitor now, or some days ago, which go to the lake."""
        begun = NOW - ago * DAY
        hits = [hit(path, begun + n, visitor=b"who") for n, path in enumerate(paths)]
        submit(self.redis, batch(hits))
        self.drain()

    def drain(self) -> None:
        while self.writer.round() is not Done.NOTHING:
            pass

    def import_(self, *lines: str) -> int:
        """Import a log of these lines; how many page views it brought."""
        log = write(self.logs / "access.log", lines or LINES)
        return self.history.run(log).tally.pageviews

    def delete(self, path: str | None = None, day: int | None = None) -> int:
        deletion = Deletion(
            Selection(SITE, path, day, day),
            self.history.lake,
            [self.writer],
            StoreDeletion(self.redis),
            lambda: self.history.imports.register.note_left(
                self.recount.recount(self.site)
            ),
        )
        eraser = HitsDeletion(
            deletion, self.history.imports, self.sites, lambda *_: None
        )
        return eraser.run(lambda line: None)

    def counts_are_the_lakes(self) -> None:
        """Hold every counter to the lake: all time by page, and today."""
        self.recount.catch_up()
        kept = Counter(paths(self.history.lake))
        live = self.history.live
        assert live.pages(SITE) == kept
        assert live.total(SITE) == kept.total()
        assert all(live.views(SITE, path) == number for path, number in kept.items())
        today = kept and self.history.rows(
            "SELECT count(*) FILTER (arrival), count(*) FILTER (step = 1),"
            " count(*) FILTER (view > 0), count(*) FILTER (step > 0),"
            " count(*) FILTER (step = 1) - count(*) FILTER (interaction = 2),"
            " coalesce(sum(since), 0)::BIGINT"
            f" FROM hits WHERE day = DATE '1970-01-01' + {TODAY}"
        )
        assert live.today(SITE, TODAY) == (Sums(*today[0]) if today else Sums())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    data = tmp_path / "data"
    data.mkdir()
    with own_redis(data) as server, server.client() as redis:
        registry = Registry(redis, data)
        sites = Sites(registry)
        history = History(data, redis, sites.add(SITE, {}))
        stream = Stream(redis)
        recount = Recount(
            history.lake, history.imports.register, history.live, [stream], registry
        )
        writer = Writer(stream, history.lake)
        yield World(server, redis, history, writer, recount, sites, tmp_path)


def test_a_store_that_was_emptied_counts_on_from_what_the_lake_has(
    world: World,
) -> None:
    world.import_()
    world.visit("/a", "/b")
    world.visit("/a", ago=9)
    world.recount.catch_up()
    world.redis.flushall()

    world.visit("/a", "/c")

    world.counts_are_the_lakes()
    assert world.history.live.views(SITE, "/a") == 3
    assert world.history.live.total(SITE) == 35
    world.history.undo("1")
    world.counts_are_the_lakes()


def test_a_store_that_is_emptied_again_counts_nothing_twice(world: World) -> None:
    for _ in range(3):
        world.visit("/a", "/b")
        world.redis.flushall()
        world.counts_are_the_lakes()
    assert world.history.live.views(SITE, "/a") == 3


def test_a_store_that_was_restored_counts_on_from_what_the_lake_has(
    world: World,
) -> None:
    world.visit("/copied")
    copy = {key: world.redis.dump(key) or b"" for key in world.redis.keys()}
    world.import_()
    world.visit("/a", "/lost-by-the-copy")
    world.redis.flushall()
    for key, dumped in copy.items():
        world.redis.restore(key, 0, dumped)
    promote(world.redis)
    submit(world.redis, batch([hit("/since-then")]))

    world.drain()

    world.counts_are_the_lakes()
    assert world.history.live.views(SITE, "/since-then") == 1
    world.visit("/a")
    world.counts_are_the_lakes()


def test_what_was_set_aside_by_an_earlier_store_counts_once_it_is_kept(
    world: World,
) -> None:
    submit(world.redis, batch([hit("/aside")]))
    world.writer.stream.set_aside(1, "unreadable")
    world.writer.stream.renew_origin(world.writer.stream.origin())
    world.counts_are_the_lakes()

    world.writer.stream.replay(world.writer.stream.aside()[0].id)
    world.drain()

    world.counts_are_the_lakes()
    assert world.history.live.total(SITE) == 1


def test_a_store_in_order_is_not_recounted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.visit("/a")
    world.recount.catch_up()

    def recount(*_: object) -> None:
        raise AssertionError("recounted")

    monkeypatch.setattr(world.recount, "recount", recount)
    world.visit("/b")
    world.recount.catch_up()
    with pytest.raises(AssertionError, match="recounted"):
        world.redis.flushall()
        world.recount.catch_up()


def test_an_import_that_is_undone_during_a_recount_does_not_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.import_()
    world.redis.flushall()
    whole = world.history.live.put_import

    def undone_before(site: str, name: str, *rest: object) -> None:
        monkeypatch.undo()
        world.history.undo("1")
        whole(site, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(world.history.live, "put_import", undone_before)
    world.counts_are_the_lakes()
    assert world.history.live.imports(SITE) == []


def test_deleting_a_page_lowers_the_counters_of_imports(world: World) -> None:
    world.import_()
    world.visit("/1", "/a")

    assert world.delete(path="/1") == 11

    world.counts_are_the_lakes()
    assert world.history.live.pages(SITE) == {"/0": 10, "/2": 10, "/a": 1}
    (entry,) = world.history.imports.register.present(world.site.id)
    assert (entry.pageviews, entry.deleted) == (30, 10)


def test_deleting_a_day_of_imported_and_own_hits_leaves_the_counters_exact(
    world: World,
) -> None:
    world.import_()
    submit(world.redis, batch([hit("/1", IMPORTED * DAY + DAY // 2)]))
    world.visit("/1")

    assert world.delete(day=IMPORTED) == 31

    world.counts_are_the_lakes()
    assert world.history.live.pages(SITE) == {"/1": 1}


def test_deleting_what_an_earlier_store_has_counted_leaves_the_counters_exact(
    world: World,
) -> None:
    world.visit("/a", "/b")
    world.redis.flushall()
    world.visit("/a", "/c")
    world.recount.catch_up()

    assert world.delete(path="/a") == 2

    world.counts_are_the_lakes()
    assert world.history.live.pages(SITE) == {"/b": 1, "/c": 1}


def test_deleted_lines_are_never_counted_again(world: World) -> None:
    world.import_()
    world.delete(path="/1")
    world.delete(day=IMPORTED)

    assert world.import_() == 0
    assert paths(world.history.lake) == []
    (entry,) = world.history.imports.register.present(world.site.id)
    assert entry.deleted == 30

    world.history.undo("1")
    assert world.import_() == 30


def test_an_import_whose_days_were_deleted_takes_no_drops_back(world: World) -> None:
    bots = [each.replace(AGENT, "Googlebot/2.1") for each in LINES]
    world.import_(*bots, *LINES)
    world.delete(day=IMPORTED)

    world.history.undo("1")

    assert not world.history.lake.snapshot("drops").file_uris()


def test_an_import_that_was_killed_is_finished_before_anything_is_deleted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(world.history.imports, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            world.import_()
    assert world.delete(path="/1") == 10

    world.counts_are_the_lakes()
    assert world.import_() == 0


def site_deletion(world: World, domain: str = SITE) -> SiteDeletion:
    removal = StoreDeletion(world.redis)

    def deletion_of(site: str) -> Deletion:
        return Deletion(
            Selection(site),
            world.history.lake,
            [world.writer],
            removal,
            lambda: removal.remove_site(site),
        )

    register = world.history.imports.register
    return SiteDeletion(domain, deletion_of, removal, register, world.sites)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("page_tracker.upkeep.deletion_with_imports.FORGET_SECONDS", 0)


def test_a_removed_sites_imports_are_forgotten_and_can_be_imported_again(
    world: World,
) -> None:
    world.import_()
    world.visit("/a")
    world.recount.catch_up()

    site_deletion(world).run(lambda line: None)

    assert paths(world.history.lake) == []
    assert world.history.live.total(SITE) == 0
    assert not world.redis.hexists("pt:recounted", SITE)
    world.sites.add(SITE, {})
    assert world.history.imports.register.present(world.site.id) == []
    assert world.import_() == 30
    world.counts_are_the_lakes()


@pytest.mark.parametrize("step", ["drain", "_delete_day", "_delete_drops"])
def test_a_removal_that_was_killed_is_finished_by_repeating_it(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    submit(world.redis, batch([hit("/a", kind=Kind.VIEW)]))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    deletion = site_deletion(world)
    with monkeypatch.context() as patched:
        patched.setattr(Deletion, step, killed)
        with pytest.raises(KeyboardInterrupt):
            deletion.run(lambda line: None)
    again = site_deletion(world)
    again.count()  # would say that there is no such site
    again.run(lambda line: None)

    assert paths(world.history.lake) == []
    assert world.history.live.pages(SITE) == {}
    assert not StoreDeletion(world.redis).is_begun(SITE)
