"""A server that is deployed somewhere, over HTTP, and the Redis that it counts in."""

from concurrent.futures import ThreadPoolExecutor

import requests
from redis import Redis

from support.load import replay, stated

TIMEOUT = 10
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_view_is_counted(redis_client: Redis, flask_url: str) -> None:
    redis_client.set("page_views", 4)

    response = requests.get(flask_url, timeout=TIMEOUT)

    assert response.status_code == 200
    assert response.text == "This page has been seen 5 times."
    assert redis_client.get("page_views") == b"5"


def test_a_browser_gets_the_sentence_on_a_page(
    redis_client: Redis, flask_url: str
) -> None:
    redis_client.set("page_views", 6)

    response = requests.get(flask_url, headers=BROWSER, timeout=TIMEOUT)

    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<p>This page has been seen 7 times.</p>" in response.text


def test_the_page_brings_its_own_style(flask_url: str) -> None:
    response = requests.get(f"{flask_url}/static/counter.css", timeout=TIMEOUT)

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/css")


def test_many_views_at_once_are_each_counted_once(
    redis_client: Redis, flask_url: str
) -> None:
    redis_client.delete("page_views")

    numbers = replay(flask_url, [{} for _ in range(400)], connections=16)

    assert sorted(numbers) == list(range(1, 401))
    assert redis_client.get("page_views") == b"400"


def test_new_connections_at_once_are_each_counted_once(
    redis_client: Redis, flask_url: str
) -> None:
    redis_client.delete("page_views")

    with ThreadPoolExecutor(16) as pool:
        numbers = pool.map(
            lambda _: stated(requests.get(flask_url, timeout=TIMEOUT).text), range(100)
        )

    assert sorted(numbers) == list(range(1, 101))


def test_probes_say_that_the_server_is_alive_and_ready(flask_url: str) -> None:
    for path in ("/livez", "/readyz"):
        response = requests.get(flask_url + path, timeout=TIMEOUT)
        assert (response.status_code, response.text) == (200, "ok\n")
