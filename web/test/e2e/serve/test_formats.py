"""A store or data folder of a newer Page Tracker: refused, and nothing is written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from page_tracker.lake.folder_format import FORMAT, FORMAT_FILE
from page_tracker.store.format import FORMAT_KEY
from support.collecting import CHROME, SITE, sites_of
from support.own_redis import OwnRedis, own_redis
from support.pace import ANSWER_SECONDS
from support.processes import Running, refusal, running, wait_until

WAYS = {
    "event loop": [
        *("gunicorn", "page_tracker.asgi:app", "--bind", "127.0.0.1:0"),
        *("--config", "python:page_tracker.gunicorn_config"),
        *("--log-level", "info"),
    ],
    "threads": [
        *("gunicorn", "page_tracker.app:app", "--bind", "127.0.0.1:0"),
        "--no-control-socket",
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OwnRedis]:
    with own_redis(tmp_path) as server:
        yield server


def ask(server: Running) -> list[requests.Response]:
    """A hit, a badge that counts, and whether the server is ready."""
    headers = {"User-Agent": CHROME}
    event = {"n": "pageview", "u": f"https://{SITE}/a", "d": SITE}
    return [
        requests.post(
            f"{server.url}/api/event",
            json=event,
            headers=headers,
            timeout=ANSWER_SECONDS,
        ),
        requests.get(
            f"{server.url}/hit/a.svg?site={SITE}",
            headers=headers,
            timeout=ANSWER_SECONDS,
        ),
        requests.get(f"{server.url}/readyz", headers=headers, timeout=ANSWER_SECONDS),
    ]


def kept(redis: Redis) -> dict[Any, Any]:
    return {key: redis.dump(key) for key in redis.keys("pt*")}


@pytest.mark.parametrize("way", WAYS)
def test_a_newer_store_is_refused_by_web_processes_and_not_written_to(
    tmp_path: Path, store: OwnRedis, way: str
) -> None:
    environment = {"REDIS_URL": store.url, "PAGE_TRACKER_DATA": str(tmp_path)}
    with store.client() as redis:
        sites_of(redis, tmp_path).add(SITE, {})
        redis.set(FORMAT_KEY, FORMAT + 1)
        before = kept(redis)
        with running(tmp_path / "output", WAYS[way], **environment) as server:
            answers = ask(server)
            assert kept(redis) == before
            assert [answer.status_code for answer in answers] == [503] * 3
            assert all(int(each.headers["Retry-After"]) for each in answers[:2])
            assert f"has format {FORMAT + 1}" in answers[2].text
            assert "install that version" in answers[2].text

            redis.set(FORMAT_KEY, FORMAT)
            assert [answer.status_code for answer in ask(server)] == [202, 200, 200]


@pytest.mark.parametrize("way", WAYS)
def test_a_store_that_is_migrated_takes_nothing_from_web_processes_that_run(
    tmp_path: Path, store: OwnRedis, way: str
) -> None:
    environment = {"REDIS_URL": store.url, "PAGE_TRACKER_DATA": str(tmp_path)}
    with store.client() as redis:
        sites_of(redis, tmp_path).add(SITE, {})
        with running(tmp_path / "output", WAYS[way], **environment) as server:
            assert [answer.status_code for answer in ask(server)] == [202, 200, 200]
            redis.set(FORMAT_KEY, FORMAT + 1)
            wait_until(lambda: ask(server)[0].status_code == 503)
            before = kept(redis)
            assert [answer.status_code for answer in ask(server)] == [503] * 3
            assert kept(redis) == before


def test_a_newer_store_is_refused_by_serve_and_writer_in_a_line(
    tmp_path: Path, store: OwnRedis
) -> None:
    environment = {"REDIS_URL": store.url, "PAGE_TRACKER_DATA": str(tmp_path / "new")}
    with store.client() as redis:
        redis.set(FORMAT_KEY, FORMAT + 1)
    for command in (("serve", "--port", "0"), ("writer",)):
        status, said = refusal(*command, **environment)
        assert status == 1
        assert f"the Redis store has format {FORMAT + 1}" in said
        assert len(said.splitlines()) == 1


def test_a_newer_data_folder_is_refused_by_web_processes(
    tmp_path: Path, store: OwnRedis
) -> None:
    (tmp_path / FORMAT_FILE).write_text(f'{{"format": {FORMAT + 1}}}')
    environment = {"REDIS_URL": store.url, "PAGE_TRACKER_DATA": str(tmp_path)}
    with pytest.raises(AssertionError, match=f"has format {FORMAT + 1}, written by"):
        with running(tmp_path / "output", WAYS["event loop"], **environment):
            pass
