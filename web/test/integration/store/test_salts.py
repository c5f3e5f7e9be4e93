"""The salts against a real server: one a site's day, and gone when it is over."""

from __future__ import annotations

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from page_tracker.store import keys
from page_tracker.store.salts import (
    GRACE,
    SALT_BYTES,
    Salts,
    SiteDay,
    throw_away_spent,
)
from page_tracker.store.store_deletion import LogNotRewrittenError
from support.processes import descendants, wait_until
from support.redis_servers import started_redis

NOW = 1_790_000_000
_sites = count()


@pytest.fixture
def day() -> SiteDay:
    return SiteDay(f"salt{next(_sites)}.example", 20_717, NOW + 3600)


def test_all_collectors_use_one_salt_a_sites_day(
    redis_url: str, redis_client: Redis, day: SiteDay
) -> None:
    async def get() -> bytes:
        async with AsyncRedis.from_url(redis_url) as client:
            return await Salts().get_async(client, day, NOW)

    salt = Salts().get(redis_client, day, NOW)
    assert len(salt) == SALT_BYTES
    assert Salts().get(redis_client, day, NOW) == asyncio.run(get()) == salt
    tomorrow = SiteDay(day.site, day.day + 1, day.ends + 86_400)
    other = SiteDay("another.example", day.day, day.ends)
    assert (
        len({salt} | {Salts().get(redis_client, x, NOW) for x in (tomorrow, other)})
        == 3
    )


def test_a_salt_expires_shortly_after_its_day(
    redis_client: Redis, day: SiteDay
) -> None:
    Salts().get(redis_client, day, NOW)
    seconds = redis_client.ttl(keys.salt(day.site, day.day))
    assert 3600 + GRACE - 5 <= seconds <= 3600 + GRACE


def test_a_known_salt_asks_nobody_for_a_minute(
    redis_client: Redis, day: SiteDay
) -> None:
    salts = Salts()
    salt = salts.get(redis_client, day, NOW)
    assert salts.known(day, NOW + 59) == salt
    assert salts.known(day, NOW + 60) is None
    assert salts.get(redis_client, day, NOW + 60) == salt


def test_collectors_agree_again_after_the_store_was_emptied(
    redis_client: Redis, day: SiteDay
) -> None:
    one, two = Salts(), Salts()
    salt = one.get(redis_client, day, NOW)
    two.get(redis_client, day, NOW)
    redis_client.delete(keys.salt(day.site, day.day))
    assert one.get(redis_client, day, NOW + 60) == salt
    assert two.get(redis_client, day, NOW + 60) == salt
    assert Salts().get(redis_client, day, NOW + 60) == salt


def test_a_process_forgets_salts_of_days_that_are_over(
    redis_client: Redis, day: SiteDay
) -> None:
    salts = Salts()
    salts.get(redis_client, day, NOW)
    after = day.ends + GRACE + 1
    salts.get(redis_client, SiteDay(day.site, day.day + 1, day.ends + 86_400), after)
    assert salts.known(day, NOW) is None


def test_a_log_whose_rewriting_fails_is_rewritten_again(
    tmp_path: Path, day: SiteDay
) -> None:
    with started_redis(tmp_path) as redis:
        Salts().get(redis, day, NOW)
        for number in range(10):
            redis.set(f"key-{number}", number)
        redis.config_set("rdb-key-save-delay", 100_000)  # microseconds
        before = info(redis, "aof_last_bgrewrite_status")
        server = int(redis.info("server")["process_id"])
        thrown = ThreadPoolExecutor().submit(throw_away_spent, redis, day.ends + GRACE)
        wait_until(lambda: bool(descendants(server)))
        os.kill(descendants(server)[0], signal.SIGKILL)
        assert before == "ok"
        wait_until(lambda: info(redis, "aof_last_bgrewrite_status") == "err")
        redis.config_set("rdb-key-save-delay", 0)
        assert thrown.result() == 1
        assert info(redis, "aof_last_bgrewrite_status") == "ok"


def test_a_redis_that_refuses_to_rewrite_its_log_is_told_of_and_tried_again(
    tmp_path: Path, day: SiteDay
) -> None:
    with started_redis(tmp_path) as redis:
        Salts().get(redis, day, NOW)
        redis.acl_setuser("default", enabled=True, commands=["-bgrewriteaof"])
        for _ in range(2):
            with pytest.raises(LogNotRewrittenError, match="no permissions"):
                throw_away_spent(redis, day.ends + GRACE)
        redis.acl_setuser("default", enabled=True, commands=["+bgrewriteaof"])
        assert throw_away_spent(redis, day.ends + GRACE) == 1


def info(redis: Redis, name: str) -> Any:
    return redis.info("persistence")[name]


def test_a_spent_salt_is_in_no_file_any_more(tmp_path: Path, day: SiteDay) -> None:
    def on_disk(text: bytes) -> bool:
        found = False
        for path in tmp_path.rglob("*"):
            # Folders, the socket, and the files of a rewrite that has just ended.
            with suppress(OSError):
                found = found or text in path.read_bytes()
        return found

    with started_redis(tmp_path) as redis:
        salt = Salts().get(redis, day, NOW)
        later = SiteDay(day.site, day.day + 1, day.ends + 86_400)
        kept = Salts().get(redis, later, NOW)
        assert on_disk(salt)
        assert throw_away_spent(redis, day.ends) == 0
        assert throw_away_spent(redis, day.ends + GRACE) == 1
        assert throw_away_spent(redis, day.ends + GRACE) == 0
        wait_until(lambda: not on_disk(salt))
        assert on_disk(kept)
        assert Salts().get(redis, later, NOW) == kept
