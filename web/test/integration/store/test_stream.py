"""The writer's end of the stream against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from redis import Redis

from page_tracker.hits.hit import Client, Drop, Hit, Kind, Place, Record, Touch
from page_tracker.store import keys
from page_tracker.store.entry import UnreadableEntryError
from page_tracker.store.ingest import submit
from page_tracker.store.stream import Stream
from support.ingesting import DAY, NOON, SITE, a_batch, a_hit, named, new_shard


@pytest.fixture
def stream(redis_client: Redis) -> Iterator[Stream]:
    with new_shard(redis_client) as shard:
        yield Stream(redis_client, shard)


def _append(redis: Redis, stream: Stream, *paths: str) -> None:
    """One batch for each path, of a visitor of its own."""
    for path in paths:
        submit(redis, a_batch(stream.shard, a_hit(path, visitor=path)))


def _paths(stream: Stream) -> list[str]:
    return [
        named(row)["path"] for entry in stream.read(0, 1000) for row in entry.rows()
    ]


def test_an_empty_store_has_an_origin_and_nothing_else(stream: Stream) -> None:
    assert stream.origin() == stream.origin()
    assert (stream.last(), stream.first(), stream.waiting()) == (0, None, 0)
    assert stream.read(0, 10) == []
    assert stream.aside() == []


def test_the_hit_that_waits_longest_is_found_behind_what_has_none_or_is_rubbish(
    redis_client: Redis, stream: Stream
) -> None:
    assert stream.waiting_since() is None
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    submit(redis_client, a_batch(stream.shard, drops=[drop]))
    redis_client.xadd(keys.stream(stream.shard), {"rubbish": "x"}, id="2-0")
    assert stream.waiting_since() is None
    _append(redis_client, stream, "/a", "/b")
    first, _ = stream.read(2, 2)
    assert stream.waiting_since() == named(first.rows()[0])["time"]


def test_entries_are_numbered_without_gaps_and_counted(
    redis_client: Redis, stream: Stream
) -> None:
    drop = Drop(DAY, SITE, "bot", "Googlebot")
    batches = [
        a_batch(stream.shard, a_hit(), a_hit(visitor="bob")),
        a_batch(stream.shard, drops=[drop, drop]),
        a_batch(stream.shard, a_hit(visitor="eve", kind=Kind.ENGAGEMENT)),
    ]
    for batch in batches:
        submit(redis_client, batch)
    entries = stream.read(0, 10)
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert [entry.size for entry in entries] == [2, 1, 1]
    assert [entry.total for entry in entries] == [2, 3, 4]
    assert [entry.batch for entry in entries] == [str(batch.id) for batch in batches]
    assert entries[1].drops() == [(DAY, SITE, "bot", "Googlebot", 2, "2024-10")]
    assert entries[2].rows() == []
    assert entries[2].drops() == [(DAY, SITE, "no_visit", "", 1, "2024-10")]
    assert stream.read(1, 1) == entries[1:2]
    assert stream.waiting() == 4


def test_a_row_has_each_thing_that_the_hit_brought_in_its_column(
    redis_client: Redis, stream: Stream
) -> None:
    touch = Touch(*(f"touch {name}" for name in Touch.__struct_fields__))
    client = Client(*(f"client {name}" for name in Client.__struct_fields__))
    place = Place(*(f"place {name}" for name in Place.__struct_fields__))
    record = Record(
        time=NOON,
        day=DAY,
        site=SITE,
        name="Purchase",
        hostname="www.a.example",
        path="/ü",
        title="Ü",
        touch=touch,
        client=client,
        place=place,
        props={"size": "L"},
        engaged=1,
        scroll=2,
        revenue=2**40,
        currency="EUR",
    )
    hits = [Hit(record, Kind.EVENT, b"ada"), Hit(record, Kind.VIEW, b"ada")]
    submit(redis_client, a_batch(stream.shard, *hits))
    expected = {
        name: getattr(record, name)
        for name in Record.__struct_fields__
        if name not in ("touch", "client", "place")
    }
    for part in (touch, client, place):
        expected.update(msgspec.structs.asdict(part))
    for row in map(named, stream.read(0, 1)[0].rows()):
        assert {name: row[name] for name in expected} == expected
        assert row["month"] == "2024-10"
        assert row["visitor"] == row["visit"] == stream.origin() << 32 | 1
        assert (row["entry_path"], row["entry_hostname"]) == ("/ü", "www.a.example")


def test_only_what_is_in_the_lake_is_trimmed(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/1", "/2", "/3")
    assert stream.trim(2, stream.origin()) == 2
    assert stream.trim(2, stream.origin()) == 0
    assert (stream.first(), stream.waiting(), _paths(stream)) == (3, 1, ["/3"])


def test_a_store_that_was_emptied_since_is_not_trimmed(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/old 1", "/old 2")
    origin = stream.origin()
    redis_client.delete(keys.stream(stream.shard), keys.state(stream.shard))
    _append(redis_client, stream, "/new")
    assert stream.trim(2, origin) == 0
    assert _paths(stream) == ["/new"]


def test_an_entry_set_aside_leaves_its_neighbours_and_can_be_replayed(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/1", "/2", "/3")
    before = {named(row)["path"]: row for e in stream.read(0, 9) for row in e.rows()}
    assert stream.set_aside(2, "cannot be read")
    assert not stream.set_aside(2, "cannot be read")
    (aside,) = stream.aside()
    assert (aside.number, aside.why, aside.sites) == (2, "cannot be read", (SITE,))
    assert aside.size == 1
    assert _paths(stream) == ["/1", "/3"]

    assert stream.replay(aside.id) == 4
    assert stream.replay(aside.id) == 0
    assert stream.aside() == []
    entries = stream.read(0, 9)
    assert [entry.number for entry in entries] == [1, 3, 4]
    assert entries[-1].rows() == [before["/2"]]
    assert stream.trim(4, stream.origin()) == 3
    assert stream.waiting() == 0


def test_a_replayed_entry_keeps_its_visits_under_a_new_origin(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/")
    (row,) = stream.read(0, 1)[0].rows()
    old = stream.origin()
    stream.set_aside(1, "came after the store was restored")
    new = stream.renew_origin(old)
    assert stream.replay(stream.aside()[0].id) == 2
    (entry,) = stream.read(0, 9)
    assert entry.origin == new != old
    assert entry.rows() == [row]


def test_an_origin_is_renewed_once(redis_client: Redis, stream: Stream) -> None:
    _append(redis_client, stream, "/")
    old = stream.origin()
    new = stream.renew_origin(old)
    assert new != old
    assert stream.renew_origin(old) == new == stream.origin()


def test_a_new_origin_begins_new_visits(redis_client: Redis, stream: Stream) -> None:
    _append(redis_client, stream, "/")
    stream.renew_origin(stream.origin())
    _append(redis_client, stream, "/")
    rows = [named(row) for entry in stream.read(0, 9) for row in entry.rows()]
    assert [(row["step"], row["arrival"]) for row in rows] == [(1, True), (1, True)]
    assert rows[0]["visit"] >> 32 != rows[1]["visit"] >> 32 == stream.origin()


def test_what_was_set_aside_can_be_forgotten(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/")
    stream.set_aside(1, "why")
    (aside,) = stream.aside()
    assert stream.forget(aside.id)
    assert not stream.forget(aside.id)
    assert (stream.aside(), stream.waiting()) == ([], 0)


@pytest.mark.parametrize("field", ["v", "records", "numbers", "openings", "previous"])
@pytest.mark.parametrize("value", ["", "x", "\x91", "\x91\xa0", "\xc1" * 29])
def test_an_entry_that_cannot_be_decoded_says_so(
    redis_client: Redis, stream: Stream, field: str, value: str
) -> None:
    visitor = [a_hit("/1"), a_hit("/2"), a_hit("/3")]
    submit(redis_client, a_batch(stream.shard, *visitor))
    fields: dict[Any, Any] = {**stream.read(0, 1)[0].fields}
    fields[field.encode()] = value.encode("latin-1")
    redis_client.xadd(keys.stream(stream.shard), fields, id="2-0")
    whole, broken = stream.read(0, 2)
    assert len(whole.rows()) == 3
    with pytest.raises(UnreadableEntryError, match="entry 2"):
        broken.rows()


def test_rubbish_in_the_stream_is_set_aside_and_hits_go_on(
    redis_client: Redis, stream: Stream
) -> None:
    redis_client.xadd(keys.stream(stream.shard), {"rubbish": "\xff"}, id="1-0")
    (entry,) = stream.read(0, 9)
    with pytest.raises(UnreadableEntryError):
        entry.rows()
    with pytest.raises(UnreadableEntryError):
        entry.drops()
    assert stream.waiting() == 0
    assert stream.set_aside(1, "rubbish")
    assert [aside.sites for aside in stream.aside()] == [()]
    _append(redis_client, stream, "/")
    assert (stream.last(), _paths(stream)) == (2, ["/"])


def test_what_somebody_else_appends_stops_no_hits(
    redis_client: Redis, stream: Stream
) -> None:
    _append(redis_client, stream, "/1")
    redis_client.xadd(keys.stream(stream.shard), {"rubbish": "x"})
    rubbish = stream.read(1, 1)[0].number
    _append(redis_client, stream, "/2")
    assert [entry.number for entry in stream.read(0, 9)] == [1, rubbish, rubbish + 1]
    stream.set_aside(rubbish, "rubbish")
    _append(redis_client, stream, "/3")
    assert stream.last() == rubbish + 2
    assert _paths(stream) == ["/1", "/2", "/3"]
