"""Deletion: gone from files, stream and store; what is left adds up."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from msgspec.structs import replace
from redis import Redis

from page_tracker.days import date_of
from page_tracker.hits.hit import Drop, Hit, Kind
from page_tracker.lake.table import GRACE, Lake
from page_tracker.query.snapshot import Reading
from page_tracker.sites.site import Site
from page_tracker.store.counters import Live
from page_tracker.store.ingest import submit
from page_tracker.store.store_deletion import StoreDeletion
from page_tracker.store.stream import Stream
from page_tracker.upkeep.day_tables import close
from page_tracker.upkeep.deletion import Deletion, Selection
from page_tracker.writer.writer import Done, Writer
from support.hits import SITE, batch, hit, send
from support.lake import NewLake, ask, paths
from support.own_redis import own_redis
from support.processes import wait_until

DAY = 86_400_000_000
NOW = int(time.time()) // 86_400 * DAY + DAY // 2
TODAY = NOW // DAY
MARK = "/a-page-with-a-marked-path"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[Redis]:
    with own_redis(data) as server, server.client() as redis:
        yield redis


@pytest.fixture
def lake(new_lake: NewLake, data: Path) -> Lake:
    return new_lake(data / "lake", GRACE)


@pytest.fixture
def writer(store: Redis, lake: Lake) -> Writer:
    return Writer(Stream(store), lake)


def delete(store: Redis, lake: Lake, writer: Writer, selection: Selection) -> int:
    def nothing_imported() -> None:
        pass

    removal = StoreDeletion(store)
    deletion = Deletion(selection, lake, [writer], removal, nothing_imported)
    return deletion.run(TODAY)


def drain(writer: Writer) -> None:
    while writer.round() is not Done.NOTHING:
        pass


def visit(*pages: str, begun: int = NOW, who: bytes = b"somebody") -> list[Hit]:
    """Page views a minute after one another."""
    return [
        hit(path, begun + minute * 60_000_000, visitor=who)
        for minute, path in enumerate(pages)
    ]


def found_in_files(data: Path, text: str) -> list[Path]:
    found = []
    for path in data.rglob("*"):
        # Folders, the socket, and files that have just gone.
        with suppress(OSError):
            if text.encode() in path.read_bytes():
                found.append(path)
    return found


def found_in_bucket(lake: Lake, text: str) -> list[str]:
    if lake.copies is None:
        return []
    bucket = lake.copies.bucket
    return [name for name in bucket.sizes() if text.encode() in bucket.read(name)]


NUMBERS = (
    "SELECT path, step, view, interaction, since, elapsed, arrival, previous,"
    " entry_path FROM hits ORDER BY time, step"
)


@pytest.mark.in_a_bucket_too
def test_a_page_is_gone_from_every_file_of_the_data_folder(
    data: Path, store: Redis, lake: Lake, writer: Writer
) -> None:
    submit(store, batch(visit("/a", MARK, "/b")))
    drain(writer)
    submit(store, batch(visit(MARK, "/c", who=b"another")))
    assert found_in_files(data, MARK)

    assert delete(store, lake, writer, Selection(SITE.id, MARK)) == 2

    assert not found_in_files(data, MARK)
    assert not found_in_bucket(lake, MARK)
    assert paths(lake) == ["/a", "/b", "/c"]


def test_what_is_deleted_under_live_traffic_is_in_no_file_either(
    data: Path, store: Redis, lake: Lake, writer: Writer
) -> None:
    stop = Event()

    def traffic() -> None:
        while not stop.is_set():
            submit(store, batch(visit("/a", "/b", who=b"another")))

    submit(store, batch(visit("/a", MARK, "/b")))
    thread = Thread(target=traffic)
    thread.start()
    try:
        store.bgrewriteaof()  # one that is under way has the text
        assert delete(store, lake, writer, Selection(SITE.id, MARK)) == 1
        # Redis unlinks in its background.
        wait_until(
            lambda: not found_in_files(data, MARK),
            lambda: found_in_files(data, MARK),
        )
    finally:
        stop.set()
        thread.join()


def test_a_page_is_gone_from_the_tables_of_closed_days(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    for ago, pages in ((3, (MARK,)), (2, (MARK, "/a"))):
        submit(store, batch(visit(*pages, begun=NOW - ago * DAY)))
    drain(writer)
    days = [TODAY - 3, TODAY - 2]
    close(lake, days)

    delete(store, lake, writer, Selection(SITE.id, MARK))

    tables = f"read_parquet({lake.paths(lake.snapshot('days'))})"
    assert ask(lake, f"SELECT 1 FROM {tables} WHERE value = '{MARK}'") == []
    tabled = Reading(lake).sources(map(date_of, days))
    assert tabled.closed == {date_of(TODAY - 2)}


def test_visits_that_are_cut_are_numbered_as_if_the_hits_had_never_been(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    submit(store, batch(visit(MARK, "/b", MARK, "/d", "/e")))
    submit(store, batch(visit("/alone", who=b"another")))

    delete(store, lake, writer, Selection(SITE.id, MARK))

    minute = 60_000
    assert ask(lake, NUMBERS) == [
        ("/alone", 1, 1, 1, 0, 0, True, "", "/alone"),
        ("/b", 1, 1, 1, 0, 0, True, "", "/b"),
        ("/d", 2, 2, 2, 2 * minute, 2 * minute, False, "/b", "/b"),
        ("/e", 3, 3, 3, minute, 3 * minute, False, "/d", "/b"),
    ]


def test_an_engagement_whose_visit_is_gone_goes_too(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    engaged = hit("/a", NOW + 1_000_000, visitor=b"v", kind=Kind.ENGAGEMENT)
    submit(store, batch([hit(MARK, NOW, visitor=b"v"), engaged]))

    delete(store, lake, writer, Selection(SITE.id, MARK))

    assert not paths(lake)


def test_the_live_counters_lose_what_the_lake_loses(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    submit(store, batch(visit("/a", MARK)))
    submit(store, batch(visit(MARK, who=b"another")))

    delete(store, lake, writer, Selection(SITE.id, MARK))

    live = Live(store)
    assert live.pages(SITE.id) == {"/a": 1}
    assert live.total(SITE.id) == 1
    today = live.today(SITE.id, TODAY)
    assert (today.visitors, today.visits, today.views, today.bounces) == (1, 1, 1, 1)


def test_a_page_beyond_the_counters_bound_is_taken_off_the_others(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    bounded = {SITE.id: Site(id=SITE.id, max_pages=1)}
    submit(store, replace(batch(visit("/a", MARK, MARK, "/b")), sites=bounded))

    delete(store, lake, writer, Selection(SITE.id, MARK))

    live = Live(store)
    assert live.pages(SITE.id) == {"/a": 1, "(other)": 1}
    assert live.total(SITE.id) == 2


def test_hits_that_come_while_a_page_is_deleted_are_counted_as_they_are_kept(
    store: Redis, lake: Lake, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(store, batch(visit("/a", MARK)))
    whole = Deletion.drain

    def come_before_and_after(deletion: Deletion) -> None:
        submit(store, batch(visit(MARK, "/b", who=b"before")))
        whole(deletion)
        submit(store, batch(visit(MARK, "/c", who=b"after")))

    monkeypatch.setattr(Deletion, "drain", come_before_and_after)
    delete(store, lake, writer, Selection(SITE.id, MARK))
    drain(writer)

    kept = Counter(paths(lake))
    assert kept == {"/a": 1, "/b": 1, "/c": 1, MARK: 1}
    assert Live(store).pages(SITE.id) == kept
    assert Live(store).today(SITE.id, TODAY).views == 4


def test_days_go_and_others_stay(store: Redis, lake: Lake, writer: Writer) -> None:
    for ago in (3, 2, 1):
        submit(store, batch([hit(f"/{ago}", NOW - ago * DAY)]))

    delete(store, lake, writer, Selection(SITE.id, first=TODAY - 2, last=TODAY - 2))

    assert paths(lake) == ["/1", "/3"]
    assert Live(store).pages(SITE.id) == {"/1": 1, "/3": 1}


@pytest.mark.in_a_bucket_too
def test_a_whole_site_goes_with_its_drops_and_leaves_the_others(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    dropped = [Drop(TODAY, SITE.id, "bot", "Googlebot")]
    submit(store, batch([hit("/a", NOW)], dropped))
    submit(store, batch([hit("/b", NOW, site="other.example")]))

    delete(store, lake, writer, Selection(SITE.id))

    assert paths(lake) == ["/b"]
    assert not lake.snapshot("drops").file_uris()
    assert Live(store).total(SITE.id) == 0
    assert Live(store).total("other.example") == 1


def test_what_was_set_aside_goes_too(
    data: Path, store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, MARK, moment=NOW)
    writer.stream.set_aside(1, "unreadable")

    delete(store, lake, writer, Selection(SITE.id, MARK))

    assert not writer.stream.aside()
    assert not found_in_files(data, MARK)


def test_hits_after_a_deletion_begin_new_visits_of_known_visitors(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    submit(store, batch(visit("/a", MARK)))
    delete(store, lake, writer, Selection(SITE.id, MARK))

    submit(store, batch([hit("/b", NOW + 120_000_000, visitor=b"somebody")]))
    drain(writer)

    assert ask(lake, "SELECT path, step, arrival FROM hits ORDER BY time") == [
        ("/a", 1, True),
        ("/b", 1, False),
    ]
    assert ask(lake, "SELECT count(DISTINCT visitor) FROM hits") == [(1,)]


class Killed(BaseException):
    """As if the process ended here."""


STEPS = (
    "drain",
    "_delete_day",
    "_rewrite_day",
    "_lower",
    "_delete_drops",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_half_way_it_is_finished_by_repeating_it(
    data: Path,
    store: Redis,
    lake: Lake,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
) -> None:
    for ago in (1, 0):
        submit(store, batch(visit("/a", MARK, "/b", begun=NOW - ago * DAY)))
    chosen = Selection(SITE.id, MARK, TODAY - 1, TODAY)
    whole = getattr(Deletion, step)

    def killed(*arguments: object) -> None:
        if when == "after":
            whole(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Deletion, step, killed)
        with pytest.raises(Killed):
            delete(store, lake, writer, chosen)
    delete(store, lake, writer, chosen)

    assert paths(lake) == ["/a", "/a", "/b", "/b"]
    assert ask(lake, "SELECT max(step), count(*) FILTER (arrival) FROM hits") == [
        (2, 2)
    ]
    assert not found_in_files(data, MARK)
    live = Live(store)
    assert live.pages(SITE.id) == {"/a": 2, "/b": 2}
    assert live.today(SITE.id, TODAY).views == 2
