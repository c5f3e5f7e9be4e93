"""Hits while Redis is away, by every way of serving."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from page_tracker.store.counters import Live
from support.collecting import SITE, sites_of
from support.own_redis import OwnRedis, own_redis
from support.processes import Running, wait_until
from support.serving_ways import WAYS, get, post, served


@pytest.mark.parametrize("way", ["serve", *WAYS])
def test_while_redis_is_away_hits_are_taken_or_senders_told_to_come_back(
    way: str, tmp_path: Path
) -> None:
    """Only the front door has a spool."""
    data = tmp_path / "data"
    data.mkdir()
    with own_redis(tmp_path) as redis, redis.client() as client:
        sites_of(client, data).add(SITE, {})
        places = {"REDIS_URL": redis.url, "PAGE_TRACKER_DATA": str(data)}
        with served(way, data, **places) as server:
            has_spool = way == "serve"
            _goes_away_and_comes_back(server, redis, has_spool)
            wait_until(lambda: not list(data.glob("spool/*")))
            with redis.client() as again:
                assert Live(again).total(SITE) == (5 if has_spool else 2)
            if way == "serve":  # its log is ours
                said = re.findall(r"\(.*not be counted.*|Redis .*", server.said())
                assert said and len(said) == len(set(said))


def _goes_away_and_comes_back(
    server: Running, redis: OwnRedis, has_spool: bool
) -> None:
    assert post(server).status_code == 202
    redis.kill()
    for answer in (post(server), post(server), get(server, f"/count?p=/&site={SITE}")):
        assert answer.ok if has_spool else answer.status_code == 503
        assert has_spool or int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    redis.start()
    assert post(server).status_code == 202
