"""The counter page, its Redis replaced."""

from collections.abc import Iterator
from unittest.mock import Mock, patch

import pytest
import redis
from flask.testing import FlaskClient

from page_tracker.app import create_app

BROWSER = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


@pytest.fixture
def http_client() -> FlaskClient:
    return create_app().test_client()


@pytest.fixture
def mock_redis() -> Iterator[Mock]:
    """The client that the application's `redis()` returns."""
    with patch("page_tracker.app.redis") as opened:
        yield opened.return_value


def test_a_view_is_counted_and_the_number_stated(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.incr.return_value = 5

    response = http_client.get("/")

    assert response.status_code == 200
    assert response.text == "This page has been seen 5 times."
    mock_redis.incr.assert_called_once_with("page_views")


def test_a_browser_s_page_links_to_the_sites(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.incr.return_value = 5

    assert 'href="/sites"' in http_client.get("/", headers={"Accept": BROWSER}).text
    assert "sites" not in http_client.get("/").text


def test_what_is_no_page_is_told_on_one_and_leads_on(http_client: FlaskClient) -> None:
    for answer in (http_client.get("/sitse"), http_client.get("/sites/a/b/c")):
        assert answer.status_code == 404 and "nothing at this address" in answer.text
        assert 'href="/sites">All sites</a>' in answer.text
    reloaded = http_client.get("/sign-out")
    assert reloaded.status_code == 405 and "POST" in reloaded.headers["Allow"]
    assert "what a form sends" in reloaded.text
    assert http_client.get("/api/nosuch").is_json


def test_a_deployment_may_begin_at_the_sites(
    mock_redis: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGE_TRACKER_FRONT_PAGE", "sites")
    client = create_app().test_client()

    for response in (client.get("/"), client.head("/")):
        assert (response.status_code, response.location) == (302, "/sites")
    mock_redis.incr.assert_not_called()


@pytest.mark.parametrize(
    "failure", [redis.ConnectionError, redis.TimeoutError, redis.ResponseError]
)
def test_a_failure_of_redis_is_logged_and_answered_with_500(
    mock_redis: Mock,
    http_client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    failure: type[Exception],
) -> None:
    mock_redis.incr.side_effect = failure("it is away")

    response = http_client.get("/")

    assert response.status_code == 500
    assert response.text == "Sorry, something went wrong \U0001f614"
    assert "it is away" in caplog.text


def test_head_states_nothing_and_counts_nothing(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.get.return_value = None

    assert http_client.head("/").status_code == 200
    mock_redis.incr.assert_not_called()


@pytest.mark.parametrize(
    "accept",
    [
        BROWSER,
        "text/html",
        "text/html, text/plain;q=0.9",
        "application/xhtml+xml, text/html;q=0.9, */*;q=0.1",
    ],
)
def test_a_client_that_prefers_html_gets_a_page(
    mock_redis: Mock, http_client: FlaskClient, accept: str
) -> None:
    mock_redis.incr.return_value = 5

    response = http_client.get("/", headers={"Accept": accept})

    assert response.mimetype == "text/html"
    assert "<p>This page has been seen 5 times.</p>" in response.text


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "text/*",
        "text/plain",
        "text/html;q=0.5, text/plain",
        "text/plain, text/html",
        "application/json",
        "text/html;q=0",
        "nonsense",
    ],
)
def test_every_other_client_gets_the_sentence_alone(
    mock_redis: Mock, http_client: FlaskClient, accept: str | None
) -> None:
    mock_redis.incr.return_value = 5

    response = http_client.get("/", headers={"Accept": accept} if accept else {})

    assert response.mimetype == "text/plain"
    assert response.text == "This page has been seen 5 times."


def test_a_browser_gets_the_apology_on_a_page(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.incr.side_effect = redis.ConnectionError

    response = http_client.get("/", headers={"Accept": BROWSER})

    assert response.status_code == 500
    assert "<p>Sorry, something went wrong \U0001f614</p>" in response.text


def test_no_cache_keeps_a_count_from_being_made(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.incr.return_value = 5

    response = http_client.get("/")

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Accept"


def test_the_page_may_load_nothing_from_elsewhere(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.incr.return_value = 5

    policy = http_client.get("/").headers["Content-Security-Policy"]

    assert policy == "default-src 'self'; frame-ancestors 'none'"


def test_alive_does_not_need_redis(mock_redis: Mock, http_client: FlaskClient) -> None:
    response = http_client.get("/livez")

    assert (response.status_code, response.text) == (200, "ok\n")
    mock_redis.assert_not_called()


def test_ready_once_redis_takes_a_write(
    mock_redis: Mock, http_client: FlaskClient
) -> None:
    mock_redis.config_get.return_value = {"appendonly": "yes", "appendfsync": "always"}

    response = http_client.get("/readyz")

    assert (response.status_code, response.text) == (200, "ok\n")
    mock_redis.set.assert_called_once()


def test_not_ready_says_why(mock_redis: Mock, http_client: FlaskClient) -> None:
    mock_redis.set.side_effect = redis.ReadOnlyError("this is a replica")

    response = http_client.get("/readyz")

    assert response.status_code == 503
    assert response.text == "Redis takes no writes: this is a replica\n"
