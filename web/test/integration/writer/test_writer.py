"""The writer between a real Redis and a real lake."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from page_tracker.lake.table import GRACE, Lake
from page_tracker.store import keys
from page_tracker.store.stream import Stream
from page_tracker.writer.stored import Stored
from page_tracker.writer.writer import Done, Writer
from support.hits import send
from support.lake import NewLake, ask, dropped, paths


@pytest.fixture
def store(redis_client: Redis) -> Redis:
    redis_client.flushall()
    return redis_client


@pytest.fixture
def lake(new_lake: NewLake, tmp_path: Path) -> Lake:
    return new_lake(tmp_path / "lake", GRACE)


@pytest.fixture
def writer(store: Redis, lake: Lake) -> Writer:
    return Writer(Stream(store), lake, sleep=lambda seconds: None)


def drain(writer: Writer) -> None:
    while writer.round() is not Done.NOTHING:
        pass


def test_what_waits_is_in_the_lake_once_and_gone_from_the_stream(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, "/a", "/b", drops=2)
    send(store, "/c")
    drain(writer)
    assert paths(lake) == ["/a", "/b", "/c"]
    assert dropped(lake) == 2
    assert store.xlen(keys.stream(0)) == 0
    assert writer.stream.waiting() == 0


def test_a_batch_of_drops_alone_moves_the_position(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, drops=3)
    drain(writer)
    send(store, "/a")
    drain(writer)
    assert dropped(lake) == 3
    assert paths(lake) == ["/a"]


def test_columns_are_what_the_script_found(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, "/a", moment=1_790_000_000_123_456)
    drain(writer)
    (row,) = ask(
        lake,
        "SELECT epoch_us(time), day::VARCHAR, month, props, visit = visitor,"
        " visitor >> 32, step, view, interaction, arrival, entry_path, engaged"
        " FROM hits",
    )
    assert row == (
        *(1_790_000_000_123_456, "2026-09-21", "2026-09", {"plan": "small"}, True),
        *(writer.stream.origin(), 1, 1, 1, True, "/a", None),
    )


@pytest.mark.parametrize("where", ["drops", "hits", "trim"])
def test_a_writer_that_dies_between_its_steps_is_continued_by_another(
    store: Redis, lake: Lake, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    send(store, "/a", drops=1)
    send(store, "/b", drops=1)

    class Killed(BaseException):
        """As if the process ended here."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    dying = Writer(Stream(store), lake)
    with monkeypatch.context() as patched:
        if where == "drops":  # after the drops, before the hits
            patched.setattr("page_tracker.writer.writer.append_table", die)
        else:
            patched.setattr(dying.stream, "trim", die)
        with pytest.raises(Killed):
            drain(dying)
            if where == "hits":
                raise Killed
    drain(Writer(Stream(store), lake))
    assert paths(lake) == ["/a", "/b"]
    assert dropped(lake) == 2


def test_of_two_writers_with_the_same_batch_one_is_refused(
    store: Redis, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Writer(Stream(store), lake) for _ in range(2))
    send(store, "/a", "/b", drops=1)
    collect = first._collect  # pylint: disable=protected-access # the instant between

    def collect_while_the_other_writes(stored: Stored) -> object:
        batch = collect(stored)
        monkeypatch.undo()
        second.round()
        return batch

    monkeypatch.setattr(first, "_collect", collect_while_the_other_writes)
    assert first.round() is Done.PART
    drain(first)
    assert paths(lake) == ["/a", "/b"]
    assert dropped(lake) == 1


def test_an_emptied_store_counts_on_under_another_origin(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, "/a")
    drain(writer)
    store.flushall()
    drain(writer)
    send(store, "/b")
    drain(writer)
    assert paths(lake) == ["/a", "/b"]
    assert ask(lake, "SELECT count(DISTINCT visitor) FROM hits") == [(2,)]


RUBBISH = {
    "not decodable": (b"records", b"\xc1"),
    "another format": (b"v", b"9"),
    "a number too many": (b"numbers", b"\0" * 58),
    "no field": (b"drops", None),
    "a type that is none": (b"drops", b"\x95\x00\x01\x02\x03\x04"),
}


@pytest.fixture(params=RUBBISH)
def spoil(request: pytest.FixtureRequest, store: Redis) -> Callable[[int], None]:
    name, value = RUBBISH[request.param]

    def spoil_entry(number: int) -> None:
        """Rewrite the stream with one entry's field spoilt."""
        entries: Any = store.xrange(keys.stream(0))
        store.delete(keys.stream(0))
        for id_, fields in entries:
            if id_ == b"%d-0" % number:
                fields.pop(name)
                fields.update({name: value} if value is not None else {})
            store.xadd(keys.stream(0), fields, id=id_)

    return spoil_entry


@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_unreadable_entry_is_set_aside_and_its_neighbours_are_stored(
    store: Redis,
    lake: Lake,
    writer: Writer,
    spoil: Callable[[int], None],
    at: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for path in ("/1", "/2", "/3"):
        send(store, path)
    spoil(at)
    drain(writer)
    assert paths(lake) == [f"/{number}" for number in (1, 2, 3) if number != at]
    assert [aside.number for aside in writer.stream.aside()] == [at]
    assert store.xlen(keys.stream(0)) == 0
    # Why may quote what is in it, and is not logged.
    (said,) = (each.getMessage() for each in caplog.records)
    assert said.startswith(f"set entry {at} of shard 0 aside after 5 tries; `page-tr")


def test_what_was_set_aside_is_replayed_once(
    store: Redis, lake: Lake, writer: Writer
) -> None:
    send(store, "/a")
    writer.stream.set_aside(1, "a fault of this version")
    send(store, "/b")
    drain(writer)
    (aside,) = writer.stream.aside()
    writer.stream.replay(aside.id)
    writer.stream.replay(aside.id)
    drain(writer)
    assert paths(lake) == ["/a", "/b"]
