"""The application with a real Redis."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis

from page_tracker import app
from page_tracker.errors import RedisUnavailableError
from page_tracker.settings import Settings
from page_tracker.wiring.store import require_redis
from support.counting import count_views
from support.load import stated
from support.own_redis import OwnRedis, own_redis

SORRY = "Sorry, something went wrong \U0001f614"


@pytest.fixture
def http_client(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """The application in this process, counting in `redis_url`."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    app.redis.cache_clear()
    yield app.app.test_client()
    app.redis().close()
    app.redis.cache_clear()


def test_a_view_is_added_to_page_views(
    redis_client: Redis, http_client: FlaskClient
) -> None:
    redis_client.set("page_views", 4)

    response = http_client.get("/")

    assert response.text == "This page has been seen 5 times."
    assert redis_client.get("page_views") == b"5"


def test_head_leaves_page_views_as_it_is(
    redis_client: Redis, http_client: FlaskClient
) -> None:
    redis_client.set("page_views", 4)

    assert http_client.head("/").status_code == 200
    assert redis_client.get("page_views") == b"4"


def test_a_key_that_is_no_number_is_a_failure_and_left_alone(
    redis_client: Redis, http_client: FlaskClient
) -> None:
    redis_client.set("page_views", "many")

    response = http_client.get("/")

    assert (response.status_code, response.text) == (500, SORRY)
    assert redis_client.get("page_views") == b"many"


def test_eight_processes_count_each_view_once(
    redis_client: Redis, redis_url: str
) -> None:
    redis_client.delete("page_views")

    with multiprocessing.get_context("spawn").Pool(8) as pool:
        numbers = pool.starmap(count_views, [(redis_url, 1_000)] * 8, chunksize=1)
        pool.close()
        pool.join()

    assert sorted(sum(numbers, [])) == list(range(1, 8_001))
    assert redis_client.get("page_views") == b"8000"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
    """A Redis of the test's own; the application counts in it."""
    with own_redis(tmp_path) as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        app.redis.cache_clear()
        yield server
        app.redis().close()
        app.redis.cache_clear()


def test_a_redis_that_died_costs_a_500_and_its_return_counts_at_once(
    own: OwnRedis,
) -> None:
    http_client = app.app.test_client()
    assert stated(http_client.get("/").text) == 1

    own.kill()
    answers = [http_client.get("/") for _ in range(3)]
    assert [(each.status_code, each.text) for each in answers] == [(500, SORRY)] * 3

    own.start()
    assert stated(http_client.get("/").text) == 2


def test_a_redis_that_restarts_between_two_views_costs_none(own: OwnRedis) -> None:
    http_client = app.app.test_client()
    assert stated(http_client.get("/").text) == 1

    own.kill()
    own.start()

    assert stated(http_client.get("/").text) == 2


def test_a_redis_that_hangs_costs_a_500_and_its_return_counts_at_once(
    own: OwnRedis,
) -> None:
    http_client = app.app.test_client()
    assert stated(http_client.get("/").text) == 1

    with own.frozen():
        answer = http_client.get("/")
    assert (answer.status_code, answer.text) == (500, SORRY)

    # The unanswered view may have reached Redis: it is counted once at most.
    assert stated(http_client.get("/").text) in (2, 3)


def test_readiness_follows_whether_redis_takes_writes(own: OwnRedis) -> None:
    http_client = app.app.test_client()
    assert http_client.get("/readyz").status_code == 200

    with own.client() as client:
        client.config_set("min-replicas-to-write", 1)
    response = http_client.get("/readyz")
    assert response.status_code == 503
    assert "NOREPLICAS" in response.text

    own.kill()
    response = http_client.get("/readyz")
    assert response.status_code == 503
    assert response.text.startswith("Redis takes no writes: Error 111 connecting")
    assert http_client.get("/livez").status_code == 200


def test_a_redis_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/nobody.sock"

    with pytest.raises(RedisUnavailableError, match="nobody.sock cannot be used"):
        require_redis(Settings(redis_url=url))


@pytest.mark.parametrize("password", ["", ":wrong@"])
def test_a_redis_that_refuses_the_password_says_so_without_it(
    own: OwnRedis, password: str
) -> None:
    with own.client() as client:
        client.config_set("requirepass", "right")

    with pytest.raises(RedisUnavailableError) as refused:
        require_redis(Settings(redis_url=own.url.replace("//", f"//{password}")))

    assert "refuses the user or password" in str(refused.value)
    assert "wrong@" not in str(refused.value)
    require_redis(Settings(redis_url=own.url.replace("//", "//:right@")))
