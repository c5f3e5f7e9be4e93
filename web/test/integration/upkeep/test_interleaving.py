"""All that changes the lake at once: at any step of one, any steps of the others.

Held to the unit after each step: every file that a table's newest version names is
there; and in the end: every hit is in the lake once, but for those that were to go.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb
import pytest
from redis import Redis

from page_tracker.errors import ImportsBusyError
from page_tracker.lake.closed_days import OF_CLOSED_DAYS
from page_tracker.lake.damage import mend
from page_tracker.lake.table import TABLES, Lake
from page_tracker.sites.site import Site
from page_tracker.store.ingest import submit
from page_tracker.store.registry import Registry
from page_tracker.store.sites import Sites
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.upkeep.day_tables import close
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.upkeep.deletion_with_imports import HitsDeletion, SiteDeletion
from page_tracker.upkeep.lake_upkeep import Upkeep, closable
from page_tracker.upkeep.recount import Recount
from page_tracker.writer.writer import Done, Writer
from support.hits import DAY, batch, hit
from support.importing import History, line, write
from support.lake import ask, files_in
from support.own_redis import own_redis
from support.turns import Turn, Work, take_turns

logger = logging.getLogger(__name__)

NOW = time.time()
NOON = int(NOW) // 86_400 * DAY + DAY // 2
MARK = "/marked"
ROUNDS = 5
# Sites: with a page that is deleted, removed, with retention, imported into; others.
PAGE, GONE, SHORT, OLD, OTHER = (
    f"{name}.example" for name in ("page", "gone", "short", "old", "other")
)


class World:
    """A store and a lake with some days in it, and all the works there are on them."""

    def __init__(self, data: Path, redis: Redis) -> None:
        redis.flushall()
        self.data, self.redis = data, redis
        self.registry = Registry(redis, data)
        self.sites = Sites(self.registry)
        for name in (PAGE, GONE, SHORT, OLD, OTHER):
            self.sites.add(name, {"retention_days": 1} if name == SHORT else {})
        self.history = History(data, redis, Site(id=OLD))
        # Nothing is kept longer than it is needed: what goes too early is missed.
        self.lake = Lake(str(data / "lake"), grace=timedelta(0))
        self.history.lake = self.lake
        self.expected: Counter[tuple[str, str]] = Counter()
        self.rounds = 0
        self._seen: set[Path] = set()
        for ago in (2, 0):
            for path in (f"/{ago}", f"/{ago}/next"):
                self.send(PAGE, path, ago, visitor=bytes([ago]) * 16)
            self.send(PAGE, MARK, ago)
            self.send(GONE, f"/{ago}", ago)
            self.send(SHORT, f"/{ago}", ago, is_kept=ago == 0)
        self.drain()
        self._import("/undone", 3)
        self.days = closable(self.lake, NOW)

    def send(
        self,
        site: str,
        path: str,
        ago: int,
        is_kept: bool = True,
        visitor: bytes | None = None,
    ) -> None:
        moment = NOON - ago * DAY
        submit(self.redis, batch([hit(path, moment, site, visitor)]))
        if is_kept:
            self.expected[site, path] += 1

    def drain(self) -> None:
        writer = Writer(Stream(self.redis), self.lake)
        while writer.round() is not Done.NOTHING:
            pass

    def _import(self, path: str, number: int) -> None:
        lines = [line(path, minute) for minute in range(number)]
        self.history.run(write(self.data / f"{path[1:]}.log", lines))
        self.expected[OLD, path] += number

    def _undo(self) -> None:
        self.history.undo("1")
        del self.expected[OLD, "/undone"]

    def works(self) -> dict[str, Work]:
        """What changes the lake, or reads its files, each to be done once."""
        return {
            "writer": self._write,
            "upkeep": self._tidy,
            "closing": lambda: close(self.lake, self.days),
            "deletion": self._delete,
            "removal": self._remove,
            "import": _again(lambda: self._import("/imported", 4)),
            "undoing": _again(self._undo),
            "recount": self._recount,
            "mending": self._find_no_damage,
        }

    def _write(self) -> None:
        for number in range(ROUNDS):
            for site in (OTHER, PAGE, SHORT):
                self.send(site, f"/new/{number}", 0)
            self.drain()
            self.rounds += 1

    def _tidy(self) -> None:
        sites = list(self.registry.sites.read().entries.values())
        Upkeep(self.lake, quiet=0).tidy(NOW, sites)

    def _deletion(self, selection: Selection, recount: Work) -> Deletion:
        writer = Writer(Stream(self.redis), self.lake)
        return Deletion(
            selection, self.lake, [writer], StoreDeletion(self.redis), recount
        )

    def _delete(self) -> None:
        deletion = self._deletion(Selection(PAGE, MARK), self._recount)
        imports = self.history.imports
        eraser = HitsDeletion(deletion, imports, self.sites, logger.debug)
        _again(lambda: eraser.run(logger.debug))()
        del self.expected[PAGE, MARK]

    def _remove(self) -> None:
        removal = StoreDeletion(self.redis)

        def deletion_of(site: str) -> Deletion:
            return self._deletion(Selection(site), lambda: removal.remove_site(site))

        register = self.history.imports.register
        deletion = SiteDeletion(GONE, deletion_of, removal, register, self.sites)
        _again(lambda: deletion.run(logger.debug))()
        for site, path in list(self.expected):
            if site == GONE:
                del self.expected[site, path]

    def _recount(self) -> None:
        register, live = self.history.imports.register, self.history.live
        stream = Stream(self.redis)
        recount = Recount(self.lake, register, live, [stream], self.registry)
        for site in (PAGE, OLD):
            recount.recount(Site(id=site))

    def _find_no_damage(self) -> None:
        for _ in range(3):
            assert not list(mend(self.lake))

    def every_file_is_there(self) -> None:
        """It was so at the last look; it still is if no file has come or gone."""
        present = set(files_in(self.lake))
        if present == self._seen:
            return
        self._seen = present
        for name in TABLES:
            files = self.lake.snapshot(name).file_uris()
            gone = [file for file in files if not Path(file).exists()]
            assert not gone, f"{name} has lost {gone}"

    def every_hit_is_there_once(self) -> None:
        """After the works that were under way at once have all been done."""
        self.drain()
        for _ in range(2):
            self._tidy()
        found = "SELECT site, path, count(*) FROM hits GROUP BY ALL"
        assert {(site, path): n for site, path, n in ask(self.lake, found)} == {
            **self.expected
        }
        self._closed_days_have_the_same()
        used = {
            file for name in TABLES for file in self.lake.snapshot(name).file_uris()
        }
        on_disk = {
            str(file) for file in files_in(self.lake) if file.suffix == ".parquet"
        }
        assert {file for file in on_disk if "_delta_log" not in file} == used

    def _closed_days_have_the_same(self) -> None:
        views = "SELECT site, day, count(*) FROM hits WHERE day < current_date - 1"
        kept = ask(self.lake, f"{views} GROUP BY ALL ORDER BY ALL")
        with duckdb.connect() as connection:
            for name in OF_CLOSED_DAYS:
                files = self.lake.snapshot(name).file_uris()
                connection.read_parquet(files).create_view(name)
            for sums in (
                "SELECT site, day, views FROM days WHERE dimension = ''",
                "SELECT site, day, sum(views) FROM visits GROUP BY ALL",
                "SELECT site, day, sum(views) FROM"
                " (SELECT site, day, entry_views AS views FROM visits"
                " UNION ALL SELECT site, day, views FROM pages) GROUP BY ALL",
            ):
                assert connection.sql(f"{sums} ORDER BY ALL").fetchall() == kept


def _again(work: Work) -> Work:
    """The work, once no other import, deletion or removal is under way."""

    def repeated() -> None:
        while True:
            try:
                work()
                return
            except ImportsBusyError:
                continue

    return repeated


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with own_redis(tmp_path_factory.mktemp("store")) as server:
        with server.client() as redis:
            yield redis


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("page_tracker.upkeep.deletion_with_imports.FORGET_SECONDS", 0)
    monkeypatch.setattr("page_tracker.lake.lock.PATIENCE", 0.05)


Order = Callable[[World], Callable[[list[Turn]], Turn]]


def _hold(store: Redis, order: Order, *names: str) -> None:
    """Do the named works, or all, in an order, and hold the lake to the unit."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), store)
        works = world.works()
        if names:
            works = {name: works[name] for name in names}
        take_turns(works, order(world), world.every_file_is_there)
        world.every_hit_is_there_once()


@pytest.mark.parametrize(
    "first", ["deletion", "upkeep", "undoing", "removal", "closing"]
)
def test_hits_written_at_every_step_of_upkeep_and_deletion_stay(
    store: Redis, first: str
) -> None:
    def a_round_a_step(world: World) -> Callable[[list[Turn]], Turn]:
        rounds = 0

        def choose(turns: list[Turn]) -> Turn:
            nonlocal rounds
            one, *other = sorted(turns, key=lambda turn: turn.name != first)
            if other and world.rounds <= rounds and not other[0].waits:
                return other[0]
            rounds = world.rounds
            return one

        return choose

    _hold(store, a_round_a_step, first, "writer")


@pytest.mark.timeout(1800)
def test_no_order_of_steps_loses_a_file_or_a_hit(
    store: Redis, request: pytest.FixtureRequest
) -> None:
    for seed in range(60 if request.config.getoption("--long") else 1):
        print(f"as drawn from {seed}")
        _hold(store, _as_drawn(seed))


def _as_drawn(seed: int) -> Order:
    """Two hundred steps as drawn; then each work in turn."""
    draw = Random(seed)  # nosec B311 # draws test data
    taken = Counter[str]()

    def choose(turns: list[Turn]) -> Turn:
        if taken.total() < 200:
            turn = draw.choice(turns)
        else:
            turn = min(turns, key=lambda each: taken[each.name])
        taken[turn.name] += 1
        return turn

    return lambda _: choose
