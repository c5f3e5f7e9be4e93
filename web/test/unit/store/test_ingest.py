"""Laying a batch out for the script, reading its answer, and telling failures apart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from page_tracker.hits.hit import Drop, Kind, Touch
from page_tracker.sites.site import Site
from page_tracker.store.ingest import (
    MAX_HITS,
    Batch,
    BatchRefusedError,
    Outcome,
    StoreAwayError,
    StreamFullError,
    prepare,
    read,
    submit,
    submit_async,
)
from page_tracker.store.keys import shard_of
from page_tracker.store.server import AsyncServer
from support.ingesting import DAY, NOON, SITE, a_batch, a_hit

SHARDS = 4


def _argument(batch: Batch, index: int) -> list[Any]:
    argument = prepare(batch).arguments[index]
    assert isinstance(argument, bytes)
    return list(msgspec.msgpack.decode(argument))


def test_the_visitors_key_is_in_no_record() -> None:
    hit = a_hit(visitor="a secret of 16 B")
    records = prepare(a_batch(0, hit)).arguments[7]
    assert isinstance(records, bytes)
    assert hit.record.path.encode() in records
    assert hit.visitor not in records


def test_a_batch_is_laid_out_the_same_when_it_is_submitted_again() -> None:
    batch = a_batch(0, a_hit(), a_hit("/a", kind=Kind.EVENT))
    first, again = prepare(batch).arguments, prepare(batch).arguments
    assert first[:2] == again[:2]
    assert first[3:] == again[3:]


def test_drops_are_counted_together() -> None:
    drops = [Drop(DAY, SITE, "bot", "Googlebot")] * 3 + [Drop(DAY, "b", "bot", "x")]
    found = _argument(a_batch(0, drops=drops), 8)
    assert found == [
        [DAY, SITE, True, "bot", "Googlebot", 3],
        [DAY, "b", False, "bot", "x", 1],
    ]


def test_a_site_bounds_its_pages() -> None:
    batch = a_batch(0, a_hit(), sites={SITE: Site(id=SITE, max_pages=7)})
    assert _argument(batch, 4)[0][:3] == [DAY, SITE, 7]


def test_visitors_are_kept_until_their_day_is_over_everywhere() -> None:
    seconds = _argument(a_batch(0, a_hit()), 4)[0][3]
    assert 24 * 3600 <= seconds <= 36 * 3600


def test_a_batch_that_would_hold_the_store_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="1001 hits"):
        prepare(Batch(NOON, [a_hit()] * (MAX_HITS + 1)))


def test_text_that_is_no_unicode_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError):
        prepare(a_batch(0, a_hit("/\ud800")))


def test_event_ids_of_any_length_take_the_same_room() -> None:
    short, long = (
        _argument(a_batch(0, a_hit(event_id=text)), 5)[2] for text in ("x", "x" * 9999)
    )
    assert short == long == [12]


@pytest.mark.parametrize("reply", [b"012", "012"])
def test_an_answer_tells_what_became_of_each_hit(reply: bytes | str) -> None:
    assert read(reply) == [Outcome.STORED, Outcome.DUPLICATE, Outcome.NO_VISIT]


def test_a_full_stream_is_told_with_the_number_that_wait() -> None:
    with pytest.raises(StreamFullError, match="1234 hits wait"):
        read(1234)


def test_every_process_puts_a_visitor_on_the_same_shard() -> None:
    visitors = [f"visitor {n}" for n in range(40)]
    program = (
        "import json, sys; from page_tracker.store.keys import shard_of;"
        "print([shard_of(name.encode(), 4) for name in json.loads(sys.argv[1])])"
    )
    answer = subprocess.check_output(
        [sys.executable, "-c", program, json.dumps(visitors)], text=True
    )
    shards = [shard_of(visitor.encode(), SHARDS) for visitor in visitors]
    assert json.loads(answer) == shards
    assert set(shards) == set(range(SHARDS))


@pytest.mark.parametrize(
    "error, expected",
    [
        (RedisConnectionError("Connection reset by peer"), StoreAwayError),
        (RedisTimeoutError("Timeout reading from socket"), StoreAwayError),
        (BusyLoadingError("Redis is loading the dataset in memory"), StoreAwayError),
        (OutOfMemoryError("command not allowed", status_code="OOM"), StoreAwayError),
        (ResponseError("MISCONF Errors writing to the AOF file"), StoreAwayError),
        (ResponseError("WRONGTYPE Operation against a key"), BatchRefusedError),
        (ResponseError("user_script:7: attempt to index nil"), BatchRefusedError),
    ],
)
def test_a_failure_says_whether_to_submit_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception]
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    async def fail_async(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(Redis, "execute_command", fail)
    monkeypatch.setattr(AsyncServer, "together", fail_async)
    with pytest.raises(expected):
        submit(Redis(), a_batch(0, a_hit(touch=Touch())))
    with pytest.raises(expected):
        asyncio.run(submit_async(AsyncServer(), a_batch(0, a_hit())))
